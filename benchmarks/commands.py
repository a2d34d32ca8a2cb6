"""Execution of a command of the product as a process, with its duration, processor time and memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environment import BenchmarkError, Environment, executable

POLL_INTERVAL = 0.02  # seconds


@dataclass(frozen=True)
class CommandResult:
    """A finished command. `peak_memory` is in bytes, `cpu` in processor seconds of all threads."""

    exit_code: int
    seconds: float
    cpu: float
    peak_memory: int
    stdout: bytes
    stderr: str

    @property
    def output(self) -> Any:
        """The decoded JSON that it printed with --json."""
        return json.loads(self.stdout)

    def expect_success(self) -> CommandResult:
        """Return the result itself. Raises `BenchmarkError` if the exit code is not 0."""
        if self.exit_code != 0:
            raise BenchmarkError(f"orders-sync ended with exit code {self.exit_code}:\n{self.stderr}")
        return self


def run(environment: Environment, *arguments: str, before: Sequence[str] = ()) -> CommandResult:
    """Run `orders-sync` with these arguments. `before` is a command that runs it, such as a profiler."""
    out_file, err_file = environment.folder / "stdout", environment.folder / "stderr"
    with out_file.open("wb") as stdout, err_file.open("wb") as stderr:
        started = time.monotonic()
        process = environment.start([*before, executable(), *arguments], stdout, stderr)
        memory = _PeakMemory(process.pid)
        cpu, greatest = environment.wait(process)
        seconds = time.monotonic() - started
    return CommandResult(
        process.returncode,
        seconds,
        cpu,
        memory.stop() or greatest,
        out_file.read_bytes(),
        err_file.read_text(errors="replace"),
    )


class _PeakMemory:
    """Polls the highest resident set size of a process (Linux VmHWM) until the process ends.

    The value of wait4 does not serve: on Linux it includes the memory of the process that forked.
    """

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Stop polling and return the highest value in bytes; 0 where /proc does not exist."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _poll(self) -> None:
        while not self._ended.wait(POLL_INTERVAL):
            try:
                text = self._status.read_text()
            except OSError:
                return
            for line in text.splitlines():
                if line.startswith("VmHWM:"):
                    self._peak = max(self._peak, int(line.split()[1]) * 1024)
