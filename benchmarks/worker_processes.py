"""Worker processes for fault injection: commands that are restarted whenever they exit, until they are stopped."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from abc import abstractmethod
from pathlib import Path

from benchmarks.environment import Environment, executable
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.store.claims import LEASE

FROZEN = LEASE.total_seconds() + 5  # seconds; longer than the lease of a window
CLOCK_SKEW = 120  # seconds
SKEWED_CLOCK = Path(__file__).with_name("skewed_clock.py")
SWEEPS = ("none", "due", "open", "open", "all")
FAILED = (ExitCode.FAILED, ExitCode.DATABASE)  # with an explanation, for API faults and a database that is away
STOP_SECONDS = 10  # a service must exit within them after SIGTERM


class Worker(threading.Thread):
    """A thread that runs a command again and again.

    `exit_codes` has the code of every exit, `unexpected_exits` the output of those with a code outside
    `expected_exit_codes` or with a traceback.
    """

    expected_exit_codes: tuple[int, ...] = (0, -signal.SIGKILL)

    def __init__(self, environment: Environment, settings: Path, number: int, rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.environment = environment
        self.settings = settings
        self.number = number
        self.rng = rng
        self.exit_codes: list[int] = []
        self.unexpected_exits: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.stopping = threading.Event()

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command of the next run."""

    @abstractmethod
    def stop(self) -> None:
        """Stop restarting, and end the running process in the way that suits it."""

    def run(self) -> None:
        """Run the command until `stop` is called (the body of the thread)."""
        log = self.environment.folder / f"worker-{self.number}.log"
        while not self.stopping.is_set():
            with log.open("wb") as out:
                self.process = self.environment.start(self.command(), out, out)
                code = self.process.wait()
            self.exit_codes.append(code)
            output = log.read_text(errors="replace")
            if code not in self.expected_exit_codes or "Traceback" in output:
                at = max(output.find("Traceback") - 500, 0)
                self.unexpected_exits.append(f"worker {self.number} ended with {code}: {output[at : at + 3000]}")
                self.stopping.wait(1)

    def kill(self) -> None:
        """Send SIGKILL to the running process."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def freeze(self) -> None:
        """Send SIGSTOP, and SIGCONT after `FROZEN` seconds, when other workers may have claimed its windows."""
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            threading.Timer(FROZEN, process.send_signal, [signal.SIGCONT]).start()

    def with_skewed_clock(self, *arguments: str) -> list[str]:
        """Return a command of the product that runs with a wrong clock in half of the cases, at random."""
        is_wrong = self.rng.random() < 0.5
        prefix = [sys.executable, str(SKEWED_CLOCK), str(CLOCK_SKEW)] if is_wrong else [executable()]
        return [*prefix, *arguments, "--config", str(self.settings)]


class SyncWorker(Worker):
    """Runs `orders-sync sync`, as cron does. The clock of the first worker is wrong in half of its runs."""

    expected_exit_codes = (ExitCode.DONE, *FAILED, -signal.SIGKILL)

    def command(self) -> list[str]:
        """Return a `sync` with a random `--sweep`."""
        arguments = ["sync", "--sweep", self.rng.choice(SWEEPS)]
        if self.number == 1:
            return self.with_skewed_clock(*arguments)
        return [executable(), *arguments, "--config", str(self.settings)]

    def stop(self) -> None:
        """Stop after the running sync."""
        self.stopping.set()


class ServiceWorker(Worker):
    """Runs `orders-sync run` as the first worker and `orders-sync worker` as the others.

    The clock of the others is wrong in half of their runs. `run` must not exit before it is stopped; a `worker` that
    finds no database at its start fails, one that is stopped at its start ends by the signal or with
    its exit code. `memory` has the resident bytes of `run`, one value per minute. `stop_seconds`: from SIGTERM to the
    exit.
    """

    def __init__(self, environment: Environment, settings: Path, number: int, rng: random.Random) -> None:
        super().__init__(environment, settings, number, rng)
        if number > 1:
            by_signal = (-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM)
            self.expected_exit_codes = (ExitCode.DONE, *FAILED, *by_signal)
        self.memory: list[int] = []
        self.stop_seconds = 0.0

    def command(self) -> list[str]:
        """Return `run` for the first worker, `worker` for the others."""
        if self.number == 1:
            threading.Thread(target=self._sample_memory, daemon=True).start()
            return [executable(), "run", "--listen", "127.0.0.1:0", "--config", str(self.settings)]
        return self.with_skewed_clock("worker")

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL if the process does not exit within `STOP_SECONDS`."""
        self.stopping.set()
        process = self.process
        if process is None or process.poll() is not None:
            return
        started = time.monotonic()
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.unexpected_exits.append(f"worker {self.number} did not end within {STOP_SECONDS} s of SIGTERM")
            process.kill()
        self.stop_seconds = time.monotonic() - started

    def _sample_memory(self) -> None:
        while not self.stopping.wait(60):
            process = self.process
            if process is None or process.poll() is not None:
                return
            self.memory.append(resident_memory(process.pid))


def resident_memory(pid: int) -> int:
    """Return the resident set size of a process in bytes (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
