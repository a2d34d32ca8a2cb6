"""Running a command of the product the way its users do, and what that took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ground import Broken, Ground, product

LOOK_EVERY = 0.02  # seconds


@dataclass(frozen=True)
class Ran:
    """One command from its start to its exit. `peak` in bytes, `cpu` in seconds of all its threads."""

    code: int
    seconds: float
    cpu: float
    peak: int
    out: bytes
    complaints: str

    @property
    def result(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)

    def expect_success(self) -> Ran:
        if self.code != 0:
            raise Broken(f"orders-sync ended with exit code {self.code}:\n{self.complaints}")
        return self


def run(where: Ground, *arguments: str, before: Sequence[str] = ()) -> Ran:
    """`orders-sync` with these arguments. `before`: a program that runs it, such as a profiler."""
    out, err = where.folder / "stdout", where.folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        began = time.monotonic()
        process = subprocess.Popen(
            [*before, product(), *arguments], stdout=stdout, stderr=stderr, env=where.environment, cwd=where.folder
        )
        memory = _Memory(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)  # it was waited for behind its back
    peak = memory.stop() or used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Ran(
        process.returncode,
        seconds,
        used.ru_utime + used.ru_stime,
        peak,
        out.read_bytes(),
        err.read_text(errors="replace"),
    )


class _Memory:
    """The highest resident set of a process, as the kernel counts it, looked at until the process ends.

    What wait4 says is not enough: on Linux it begins with the memory of the process that forked.
    """

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The highest value in bytes, 0 where the system does not tell."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            try:
                text = self._status.read_text()
            except OSError:
                return
            for line in text.splitlines():
                if line.startswith("VmHWM:"):
                    self._peak = max(self._peak, int(line.split()[1]) * 1024)
