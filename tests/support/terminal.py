"""A user's terminal: a folder, a few variables, the console script; and access to the tables behind it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import psutil

from orders_sync.sandbox import Faults, Sandbox, World, accounts_toml, background, shop_settings
from tests.support.databases import kept_session
from tests.support.fork_server import PROGRAM, ForkedCommand, program_for_shells, starts_alike
from tests.support.quick import refuse_slow

Process = subprocess.Popen[str] | ForkedCommand
MACHINERY = ("Traceback", "stamina", "psycopg", "pool-1")  # words of libraries, which say nothing to a user
CONFIGURATION = 78  # exit code where the settings as a whole cannot be used
LONGEST = 300  # seconds: a command that takes longer hangs
COMPLAINTS = ("orders-sync:", '{"error":')  # the latter with --json
ERRORS = (1, 2, 6, 7, 69, 78)  # without those that only say what was found
STOP_SECONDS = 100  # a guard: 10 are promised, of which a busy machine may need all before the signal is handled
OURS = ("ORDERS_SYNC_", "DATABASE_URL", "PG", "TEST_DATABASE_URL")


@dataclass(frozen=True)
class Said:
    """The result of a command: its exit code, and both streams as text."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def complaints(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith(COMPLAINTS)]

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON document and nothing else."""
        return json.loads(self.out)

    def assert_well(self) -> Said:
        assert (self.code, self.complaints) == (0, []), self.text
        return self

    def assert_complains(self, *words: str, code: int | None = None) -> str:
        """One message that holds all these words, and no word of a library; the exit code of some error, or `code`."""
        assert self.code in (ERRORS if code is None else (code,)), self.text
        assert [word for word in MACHINERY if word in self.text] == [], self.text
        assert len(self.complaints) == 1, self.text
        message = self.err[self.err.index(self.complaints[0]) :]
        for word in words:
            assert word in message, message
        return message


@dataclass(frozen=True)
class Service:
    """A command that is left running, and the file it writes to."""

    process: Process
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="surrogateescape")

    @property
    def root(self) -> str:
        """The root URL it listens on, once it says so."""
        eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+\"", self.said))
        return re.findall(r"(http://127\.0\.0\.1:\d+)\"", self.said)[0]

    def stop(self) -> str:
        """SIGTERM; what it said. It must end well."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, self.said
        assert "Traceback" not in self.said, self.said
        return self.said


@dataclass
class Terminal:
    """Every command runs in `folder`, with `variables` and nothing of ours from the outside."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.variables.setdefault("ORDERS_SYNC_HOME", str(self.home))
        self.variables.setdefault("ORDERS_SYNC_CONSOLE__LISTEN", "off")  # one port for all who run at the same time
        self._started: list[Process] = []

    @property
    def home(self) -> Path:
        """The folder of the embedded server."""
        return self.folder / "home"

    @property
    def settings(self) -> Path:
        return self.folder / "orders_sync.toml"

    def write(self, settings: str) -> None:
        self.settings.write_text(settings, encoding="utf-8")

    def describe(self, world: World, root: str, *names: str, extra: str = "") -> None:
        """A settings file for these accounts of a sandbox, or for all. `extra` goes before them."""
        accounts = [shop_settings(each, root) for each in world.accounts if not names or each.name in names]
        self.write(f"{extra}\n{accounts_toml(accounts)}")

    def run(self, *arguments: str, **variables: str) -> Said:
        """Run a command to its end."""
        return result(self.start(*arguments, **variables))

    def run_answering(self, answer: str, *arguments: str) -> Said:
        """Run a command to its end whose standard input is `answer`."""
        file = self.folder / "answer"
        file.write_text(answer)
        with file.open() as answers:
            return result(self._start(arguments, {}, subprocess.PIPE, subprocess.PIPE, answers))

    def serve_sandbox(self, *arguments: str) -> tuple[Process, str]:
        """Start `sandbox` on any free port; return the process and its root URL."""
        process = self.start("sandbox", "--port", "0", *arguments)
        assert process.stderr is not None
        return process, next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.]+:\d+", line)))

    def start(self, *arguments: str, **variables: str) -> Process:
        """Start a command; it is killed at the latest when the terminal is closed."""
        return self._start(arguments, variables, subprocess.PIPE, subprocess.PIPE)

    def shell(self, line: str, *, typed: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
        """Run a line of bash in which `orders-sync` is the program. Its standard input is empty, unless `typed`."""
        environment = self._environment() | variables
        program, inherited = PROGRAM, []
        if starts_alike(environment) and "PYTHONPATH" not in self.variables | variables:
            program, server = program_for_shells()
            inherited = [server]
        environment["PATH"] = f"{program.parent}:{environment['PATH']}"
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=environment,
            input=typed.encode(),
            capture_output=True,
            timeout=LONGEST,
            pass_fds=inherited,
        )

    def on_screen(
        self, columns: int, *arguments: str, both: bool = False, typed: str | None = None, **variables: str
    ) -> Said:
        """Run a command to its end on a screen so many columns wide; what is seen there, without colours.

        Standard error is a pipe, so that the two can be told apart, unless `both` are to be seen on the screen.
        `typed`: what is typed there; None where standard input is no terminal.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with os.fdopen(ours, "r+b", buffering=0) as screen:
            errors = theirs if both else subprocess.PIPE
            stdin = subprocess.DEVNULL if typed is None else theirs
            process = self._start(arguments, {"TERM": "xterm", **variables}, theirs, errors, stdin)
            os.close(theirs)
            screen.write((typed or "").encode())
            shown = b""
            with suppress(OSError):  # EIO: the other side is closed
                while part := screen.read(65536):
                    shown += part
            said = result(process)
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode().replace("\r\n", "\n")
        return Said(said.code, text, said.err or "")

    def serve(self, *arguments: str) -> Service:
        """Start a command that stays. It writes to a file: a pipe that nobody reads is full one day and holds it up."""
        log = self.folder / f"{arguments[0]}-{len(self._started)}.log"
        with log.open("wb") as out:
            return Service(self._start(arguments, {}, out, subprocess.STDOUT), log)

    def _start(
        self,
        arguments: tuple[str, ...],
        variables: dict[str, str],
        out: int | IO[bytes],
        err: int,
        stdin: int | IO[str] = subprocess.DEVNULL,
    ) -> Process:
        environment = self._environment() | variables
        refuse_slow(PROGRAM)
        kept_session.close()
        process: Process
        if starts_alike(environment):
            process = ForkedCommand(list(arguments), self.folder, environment, stdin, out, err)
        else:
            process = subprocess.Popen(
                [str(PROGRAM), *arguments],
                cwd=self.folder,
                env=environment,
                stdin=stdin,
                stdout=out,
                stderr=err,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
            )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):
                if process.poll() is None:
                    process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name != "COLUMNS"}
        return own | self.variables


class Pause:
    """Holds a sandbox still while it answers its `at`-th call, so that a test can act in just this moment."""

    def __init__(self, world: World, at: int) -> None:
        self._world = world
        self._left = at
        self._reached = threading.Event()
        self._go_on = threading.Event()

    def __enter__(self) -> Pause:
        self._world.between_calls = self._count
        return self

    def __exit__(self, *_: object) -> None:
        self._world.between_calls = None
        self._go_on.set()

    def wait(self) -> None:
        """Return when the call is being answered."""
        assert self._reached.wait(LONGEST), "so many calls never came"

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._reached.set()
            self._go_on.wait(LONGEST)


@contextmanager
def platforms(world: World, faults: Faults | None = None) -> Iterator[tuple[str, Sandbox]]:
    """The simulated platforms over real HTTP: (root URL, sandbox)."""
    with background(world, faults or Faults(hang_seconds=0.01, retry_after=0)) as served:
        yield served


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of this machine on which nobody listens, and which nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def eventually(condition: Callable[[], object]) -> None:
    """Poll until the condition holds; fail when it never does."""
    deadline = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)


def result(process: Process) -> Said:
    """Wait for a started command to end and return its result."""
    out, err = process.communicate(timeout=LONGEST)
    return Said(process.wait(), out, err)


def interrupt(process: Process) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)


def kill(process: Process) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(LONGEST) == -signal.SIGKILL


def working_folder(process: psutil.Process) -> str:
    """Empty when the process is gone."""
    try:
        return process.cwd()
    except psutil.Error:
        return ""


@contextmanager
def page_for_people() -> Iterator[str]:
    """The root URL of a web server that answers everything with HTML, as a wrong address does."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html><h1>Welcome</h1></html>")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
