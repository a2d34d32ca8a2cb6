"""Commands of the program as forks of a process that has imported it: a start costs a tenth of the CPU time.

Each command is a process with its own environment, folder, streams and exit code, and gets signals as any other; only
the start of the interpreter and the imports are not its own. `starts_alike` tells which commands may be started so.

`python -m tests.support.fork_server N` serves requests on its socket N until the other end is closed.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("orders-sync")
LONGEST_REQUEST = 200_000  # bytes
# variables that commands read when they run, or never, by the beginnings of their names; others may matter to the
# interpreter or to a library while it is imported
READ_LATE = ("ORDERS_SYNC_", "DATABASE_URL", "PG", "TERM", "TZ", "SHOP_APP", "PYTEST_")


def starts_alike(environment: dict[str, str]) -> bool:
    """Tell whether a command with these variables may be a fork: the others are those of the server."""
    if sys.platform != "linux":
        return False
    _, ours = _server()
    different = {name for name, _ in environment.items() ^ ours.items()}
    return all(name.startswith(READ_LATE) for name in different)


class ForkedCommand:
    """A command that runs, with what tests use of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: list[str],
        folder: Path,
        environment: dict[str, str],
        stdin: int | IO[str],
        stdout: int | IO[bytes],
        stderr: int | IO[bytes],
    ) -> None:
        sys.audit("subprocess.Popen", str(PROGRAM), arguments, folder, environment)  # as a start of the program
        self.args = arguments
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        self._status, status = os.pipe()
        passed = [status]
        own = [status]
        if stdin == subprocess.DEVNULL:
            stdin = os.open(os.devnull, os.O_RDONLY)
            own.append(stdin)
        passed.append(_number(stdin))
        if stdout == subprocess.PIPE:
            self.stdout, stdout = _pipe()
            own.append(stdout)
        passed.append(_number(stdout))
        if stderr == subprocess.PIPE:
            self.stderr, stderr = _pipe()
            own.append(stderr)
        elif stderr == subprocess.STDOUT:
            stderr = stdout
        passed.append(_number(stderr))
        request = json.dumps({"arguments": arguments, "folder": str(folder), "environment": environment}).encode()
        server, _ = _server()
        socket.send_fds(server, [request], passed)
        for number in own:
            os.close(number)
        self.pid = int(self._read_line())

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the command runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the command has ended. Raises subprocess.TimeoutExpired after so many seconds."""
        if self.returncode is None:
            if timeout is not None and not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = int(self._read_line())
            os.close(self._status)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return both streams to their ends, once the command has ended. It is killed if it takes longer."""
        with ThreadPoolExecutor(2) as readers:
            texts = [readers.submit(stream.read) for stream in (self.stdout, self.stderr) if stream]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            read = iter([each.result() for each in texts])
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.close()
        return (next(read) if self.stdout else ""), (next(read) if self.stderr else "")

    def send_signal(self, number: int) -> None:
        """Send a signal to a command that runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(self._status, 1)
            if not part:
                raise RuntimeError("the fork server is gone")
            line += part
        return line


def _number(stream: int | IO[str] | IO[bytes]) -> int:
    return stream if isinstance(stream, int) else stream.fileno()


def _pipe() -> tuple[IO[str], int]:
    ours, theirs = os.pipe()
    return open(ours, encoding="utf-8", errors="surrogateescape"), theirs


@cache
def _server() -> tuple[socket.socket, dict[str, str]]:
    """Start the server of this process; return the socket for requests, and the variables of the server."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours, environment


def _serve(requests: socket.socket) -> None:
    """Start commands until the other end is closed. Returns in each command, and exits at the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on the tests is for the commands
    while True:
        request, numbers, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4)
        _reap()
        if not request:
            sys.exit()
        if not os.fork():
            _watch(request, *numbers)
            return
        for number in numbers:
            os.close(number)


def _reap() -> None:
    """Let the commands that ended be gone; their CPU time is added to the server's."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _watch(request: bytes, status: int, *streams: int) -> None:
    """Start one command; report its process id and exit code. Returns in the command, as it begins."""
    command = os.fork()
    if not command:
        _become(json.loads(request), streams)
        return
    for number in streams:
        os.close(number)
    os.write(status, b"%d\n" % command)
    _, ended = os.waitpid(command, 0)
    os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
    os._exit(0)


def _become(request: dict[str, object], streams: tuple[int, ...]) -> None:
    """Give this process the variables, folder, streams and signals of a command."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    time.tzset()
    sys.argv = [str(PROGRAM), *request["arguments"]]  # type: ignore[misc]
    sys.path[0] = str(PROGRAM.parent)
    sys.modules["__main__"].__package__ = None  # else its usage would begin with `python -m`
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        errors = "backslashreplace" if name == "stderr" else "strict"
        mode = "w" if number else "r"
        text = open(number, mode, encoding=sys.stdout.encoding, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _main() -> NoReturn:
    from orders_sync import cli
    from orders_sync.__main__ import main

    cli.application()
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            _end(ended.code or 0)
        raise
    _end(0)
    sys.exit()


def _end(code: int) -> None:
    """End a command as the interpreter does, but for taking apart every module: two thirds of its CPU time.

    Returns where a stream cannot be written to: what the interpreter makes of that is what the tests want to see.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads and runs what executors registered
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _main()
