"""Benchmarks in this process, whose commands are forks of a process that has imported the program."""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

import pytest

from benchmarks.environment import Environment, executable, run_cli
from tests.support.fork_server import ForkedCommand, starts_alike

AS_A_PROGRAM = """
if __name__ == "__main__":
    run_cli(main)
"""


def measured(
    name: str,
    *options: str,
    server: str | None = None,
    template: str | None = None,
    home: Path | None = None,
    started: Collection[str] = (),
) -> Any:
    """Return what `python -m benchmarks.NAME --json` prints; it must succeed.

    `server`: that of DATABASE_URL; without one, the benchmark starts its own, in `home` if given.
    `template`: a migrated database there.
    `started`: the commands whose costs are measured.
    """
    program = import_module(f"benchmarks.{name}")
    assert inspect.getsource(program).endswith(AS_A_PROGRAM)
    printed = io.StringIO()
    with (
        forked_commands(started),
        patch.dict(os.environ, variables(server, template, home), clear=True),
        patch.object(sys, "argv", [name, "--json", *options]),
        redirect_stdout(printed),
        pytest.raises(SystemExit) as ended,
    ):
        run_cli(program.main)
    assert not ended.value.code, f"{ended.value.code}: {printed.getvalue()}"
    return json.loads(printed.getvalue())


def variables(server: str | None, template: str | None, home: Path | None = None) -> dict[str, str]:
    """Return the variables of a benchmark."""
    own = {
        "DATABASE_URL": server,
        "BENCHMARK_TEMPLATE": template,
        "BENCHMARK_HOME": None if home is None else str(home),
    }
    return {
        **{name: value for name, value in os.environ.items() if name not in own},
        **{name: value for name, value in own.items() if value is not None},
    }


@contextmanager
def forked_commands(started: Collection[str] = ()) -> Iterator[None]:
    """Let benchmarks fork their commands, but for those in `started`, and for programs that run a command."""
    start, wait = Environment.start, Environment.wait
    starts_alike(dict(os.environ))  # which remembers the variables of this process, before a benchmark has its own

    def start_or_fork(
        environment: Environment, command: Sequence[str], out: BinaryIO, err: BinaryIO
    ) -> subprocess.Popen[bytes] | _Forked:
        program, *arguments = command
        inherited = {
            name: value for name, value in environment.process_env.items() if not name.startswith("BENCHMARK_")
        }
        if program != executable() or arguments[0] in started or not starts_alike(inherited):
            return start(environment, command, out, err)
        return _Forked(arguments, environment.folder, inherited, subprocess.DEVNULL, out, err)

    def wait_for(environment: Environment, process: subprocess.Popen[bytes] | _Forked) -> tuple[float, int]:
        if isinstance(process, _Forked):
            process.wait()
            return 0.0, 0  # nobody asks what a fork costs
        return wait(environment, process)

    with patch.multiple(Environment, start=start_or_fork, wait=wait_for):
        yield


class _Forked(ForkedCommand):
    """A command that one thread waits for while another one asks for it, signals it or waits, too."""

    def __init__(self, *of_command: Any) -> None:
        self._reading = threading.RLock()
        super().__init__(*of_command)

    def poll(self) -> int | None:
        if self._reading.acquire(blocking=False):
            try:
                return super().poll()
            finally:
                self._reading.release()
        return self.returncode  # the other thread will learn it

    def wait(self, timeout: float | None = None) -> int:
        if not self._reading.acquire(timeout=-1 if timeout is None else timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        try:
            return super().wait(timeout)
        finally:
            self._reading.release()

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it ends just now
            super().send_signal(number)
