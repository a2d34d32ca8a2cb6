"""What misfortune befalls: commands of the product that are started again whenever they end, until told to stop."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from abc import abstractmethod
from pathlib import Path

from benchmarks.ground import Ground, product
from orders_sync.store.claims import LEASE

FROZEN = LEASE.total_seconds() + 5  # longer than it may hold a window without a word
WRONG_CLOCK = 120  # seconds
SKEWED = Path(__file__).with_name("skewed.py")
SWEEPS = ("none", "due", "open", "open", "all")
STOP_SECONDS = 10  # a service has them to end after SIGTERM


class Worker(threading.Thread):
    """A command, run again and again. `ended` counts its ends, `broken` holds those that no user should see."""

    expected: tuple[int, ...] = (0, -signal.SIGKILL)

    def __init__(self, where: Ground, settings: Path, number: int, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.where = where
        self.settings = settings
        self.number = number
        self.chance = chance
        self.ended: list[int] = []
        self.broken: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.ends = threading.Event()

    @abstractmethod
    def command(self) -> list[str]:
        """What to run this time."""

    @abstractmethod
    def stop(self) -> None:
        """Have it end in its own way, for good."""

    def run(self) -> None:
        log = self.where.folder / f"worker-{self.number}.log"
        while not self.ends.is_set():
            with log.open("wb") as out:
                self.process = subprocess.Popen(
                    self.command(), stdout=out, stderr=out, env=self.where.environment, cwd=self.where.folder
                )
                code = self.process.wait()
            self.ended.append(code)
            said = log.read_text(errors="replace")
            if code not in self.expected or "Traceback" in said:
                at = max(said.find("Traceback") - 500, 0)
                self.broken.append(f"worker {self.number} ended with {code}: {said[at : at + 3000]}")
                self.ends.wait(1)

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def freeze(self) -> None:
        """SIGSTOP, and on again when others may have taken its windows."""
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            threading.Timer(FROZEN, process.send_signal, [signal.SIGCONT]).start()

    def skewed(self, *arguments: str) -> list[str]:
        """The command of the product, half of the time with a clock that is wrong."""
        wrong = self.chance.random() < 0.5
        start = [sys.executable, str(SKEWED), str(WRONG_CLOCK)] if wrong else [product()]
        return [*start, *arguments, "--config", str(self.settings)]


class Passing(Worker):
    """`orders-sync sync`, as cron runs it. The first one's clock is wrong."""

    expected = (0, 1, -signal.SIGKILL)  # 1: an error it explains

    def command(self) -> list[str]:
        arguments = ["sync", "--sweep", self.chance.choice(SWEEPS)]
        return self.skewed(*arguments) if self.number == 1 else [product(), *arguments, "--config", str(self.settings)]

    def stop(self) -> None:
        self.ends.set()


class Serving(Worker):
    """The first one is `orders-sync run`, which lives to the end; the others are `worker`s, half of their clocks wrong.

    `memory`: resident bytes of the first, a minute each. A worker that finds no database when it starts says so and
    ends with 1, as without a supervisor it must; `run` may not end.
    """

    def __init__(self, where: Ground, settings: Path, number: int, chance: random.Random) -> None:
        super().__init__(where, settings, number, chance)
        if number > 1:
            self.expected = (0, 1, -signal.SIGKILL)
        self.memory: list[int] = []
        self.took_to_stop = 0.0

    def command(self) -> list[str]:
        if self.number == 1:
            threading.Thread(target=self._watch, daemon=True).start()
            return [product(), "run", "--listen", "127.0.0.1:0", "--config", str(self.settings)]
        return self.skewed("worker")

    def stop(self) -> None:
        self.ends.set()
        process = self.process
        if process is None or process.poll() is not None:
            return
        began = time.monotonic()
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.broken.append(f"worker {self.number} did not end within {STOP_SECONDS} s of SIGTERM")
            process.kill()
        self.took_to_stop = time.monotonic() - began

    def _watch(self) -> None:
        while not self.ends.wait(60):
            process = self.process
            if process is None or process.poll() is not None:
                return
            self.memory.append(resident(process.pid))


def resident(pid: int) -> int:
    """Bytes of a process that are in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
