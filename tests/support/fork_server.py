"""Commands of the program as forks of a process that has imported it: a start costs a tenth of the CPU time.

Each command is a process with its own environment, folder, streams and exit code, and gets signals as any other; only
the start of the interpreter, the imports, and the parser of all commands are not its own, limits by the clock are
long (`time_limits.py`), and the demo has `DEMO_ORDERS`. `starts_alike` tells which commands may be started so.

`python -m tests.support.fork_server N` serves requests on its socket N until the other end is closed.
"""

from __future__ import annotations

import atexit
import gc
import marshal
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("orders-sync")
LONGEST_REQUEST = 200_000  # bytes
DEMO_ORDERS = 600  # a fifth of what users get: the CPU time of a demo is that of its orders. `.ci/run` has all of them
# variables that commands read when they run, or never, by the beginnings of their names, and the encoding, which a fork
# gives its streams as the interpreter does; others may matter to the interpreter or to a library while it is imported
READ_LATE = (
    *("ORDERS_SYNC_", "DATABASE_URL", "PG", "TERM", "TZ", "SHOP_APP", "PYTEST_", "PATH", "PYTHONIOENCODING"),
    *("HOME", "LOGNAME", "SUDO_USER", "COLUMNS", "TMPDIR", "SSL_CERT_"),
    *("PSQLRC", "ADMIN_URL", "RESTORED_URL", "NEW_URL"),  # of psql, and of the lines in docs/operations.md
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
READ_EARLY = "TERMINAL_WIDTH"  # while typer is imported
# what many commands import while they run
IMPORTED_LATE = (
    *("anyio._backends._asyncio", "typer.rich_utils", "typer._click.decorators", "rich._emoji_codes"),
    *("encodings.idna", "encodings.utf_8_sig", "encodings.utf_16_le", "_strptime"),
    # what is left running, and the sandbox
    *("apscheduler.executors.asyncio", "apscheduler.triggers.interval", "procrastinate.builtin_tasks"),
    *("uvicorn.lifespan.off", "uvicorn.lifespan.on", "uvicorn.loops.uvloop", "uvicorn.protocols.websockets.auto"),
)
# `orders-sync` for shells: it asks the server for a command with its own streams, variables, folder and ignored signals
# and ends as that ends. Its start costs little, as it imports only what is part of the interpreter. Where its folder is
# gone, it starts the program itself.
CLIENT = """#!{python} -IS
import _signal, _socket, marshal, os, sys
streams = []
for number in range(3):
    try:
        os.fstat(number)
    except OSError:
        continue
    streams.append(number)
try:
    folder = os.getcwd()
except OSError:
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
answer, status = os.pipe()
request = marshal.dumps({{
    "arguments": sys.argv[1:],
    "folder": folder,
    "environment": dict(os.environ),
    "streams": streams,
    "ignored": [number for number in (1, 2, 15) if _signal.getsignal(number) == _signal.SIG_IGN],
}})
numbers = b"".join(number.to_bytes(4, sys.byteorder) for number in (status, *streams))
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, {server})
server.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)])
os.close(status)
said = b""
while said.count(b"\\n") < 2:
    said += os.read(answer, 100)
code = int(said.split()[1])
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def starts_alike(environment: dict[str, str]) -> bool:
    """Tell whether a command with these variables may be a fork: the others are those of the server."""
    if sys.platform != "linux":
        return False
    different = {name for name, _ in environment.items() ^ _own_variables().items()} - {"PYTHONPATH"}
    return all(name.startswith(READ_LATE) and name != READ_EARLY for name in different)


@cache
def program_for_shells() -> tuple[Path, int]:
    """Return a program that starts forks, and the open file that each process between here and there is to inherit."""
    server = _server(os.environ.get("PYTHONPATH"))
    folder = Path(tempfile.mkdtemp(prefix="orders-sync-client-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = folder / PROGRAM.name
    program.write_text(CLIENT.format(python=sys.executable, program=str(PROGRAM), server=server.fileno()))
    program.chmod(0o755)
    return program, server.fileno()


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
        ignored: Collection[int] = (),
    ) -> None:
        """Start it. `ignored`: the signals that its parent ignores, of SIGHUP, SIGINT and SIGTERM."""
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
        request = {
            "arguments": [str.__str__(each) for each in arguments],  # members of an enumeration, too
            "folder": str(folder),
            "environment": environment,
            "streams": [0, 1, 2],
            "ignored": list(map(int, ignored)),
        }
        server = _server(environment.get("PYTHONPATH"))
        socket.send_fds(server, [marshal.dumps(request)], passed)
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
def _own_variables() -> dict[str, str]:
    """Return the variables of the servers, but for PYTHONPATH."""
    return {name: value for name, value in os.environ.items() if name != "COLUMNS"}


@cache
def _server(python_path: str | None) -> socket.socket:
    """Start a server of this process, one for each PYTHONPATH; return the socket for requests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = _own_variables() | ({} if python_path is None else {"PYTHONPATH": python_path})
    command = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(requests: socket.socket) -> None:
    """Start commands until the other end is closed. Returns in each command, and exits at the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on the tests is for the commands
    ended, ending = os.pipe2(os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ending, warn_on_full_buffer=False)
    running: dict[int, int] = {}  # where to report the exit code of each command
    while True:
        ready, _, _ = select.select([requests.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 1000)
            _report(running)
        if requests.fileno() in ready:
            request, numbers, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4)
            if not request:
                sys.exit()
            command = os.fork()
            if not command:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _become(marshal.loads(request), tuple(numbers[1:]))
                return
            status, *streams = numbers
            for number in streams:
                os.close(number)
            running[command] = status
            os.write(status, b"%d\n" % command)


def _report(running: dict[int, int]) -> None:
    """Report the exit codes of the commands that ended; their CPU time is added to the server's."""
    while running:
        command, ended = os.waitpid(-1, os.WNOHANG)
        if not command:
            return
        status = running.pop(command)
        with suppress(BrokenPipeError):  # of a shell that was killed
            os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
        os.close(status)


def _become(request: dict[str, Any], streams: tuple[int, ...]) -> None:
    """Give this process the variables, folder, streams and signals of a command."""
    for number, stream in zip(request["streams"], streams, strict=True):
        os.dup2(stream, number)
    for number in {0, 1, 2}.difference(request["streams"]):
        os.close(number)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    time.tzset()
    sys.argv = [str(PROGRAM), *request["arguments"]]
    sys.path[0] = str(PROGRAM.parent)
    sys.modules["__main__"].__package__ = None  # else its usage would begin with `python -m`
    usual = sys.stdout.encoding
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        text = _text(number, usual) if number in request["streams"] else None
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)


def _text(number: int, usual: str) -> IO[str]:
    """Return a standard stream as the interpreter opens it."""
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    errors = "backslashreplace" if number == 2 else errors or "strict"
    return open(number, "w" if number else "r", encoding=encoding or usual, errors=errors, closefd=False)


def _prepare() -> None:
    """Import and make what is the same in every command, whatever its variables, folder and arguments are."""
    from orders_sync import cli, settings
    from orders_sync.cli import demo
    from orders_sync.console.pages import all_pages
    from orders_sync.platforms import PLATFORMS
    from orders_sync.settings.models import SECTIONS
    from orders_sync.settings.tables import fields

    whole = cli.application()
    cli.application = lambda asked="": whole
    for module in IMPORTED_LATE:
        import_module(module)
    all_pages()
    demo.ORDERS = DEMO_ORDERS
    for model in (*SECTIONS.values(), *(platform.settings for platform in PLATFORMS.values())):
        fields(model)
    settings.load(ROOT / "orders_sync.example.toml", {})
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the first of a process reads the configuration of OpenSSL


def _main() -> NoReturn:
    from orders_sync.__main__ import main
    from tests.support import time_limits

    gc.disable()  # while the program is imported: hardly any of what is made becomes garbage
    _prepare()
    time_limits.lengthen()
    time_limits.lengthen_for_a_database_that_answers()
    time_limits.shorten()
    gc.freeze()
    gc.enable()
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
