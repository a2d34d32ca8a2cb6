"""SIGTERM, Ctrl-C and a closed terminal end every command within seconds, as a shell expects it. Real processes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from contextlib import suppress
from itertools import count

import pytest

from orders_sync.cli import event_loop, signals
from orders_sync.sandbox import World
from orders_sync.service import worker
from tests.support import time_limits
from tests.support.databases import Tables
from tests.support.drip import STEADY, Drip, accounts, drip
from tests.support.fork_server import PROGRAM, ForkedCommand, starts_alike
from tests.support.terminal import STOP_SECONDS, Process, Terminal, eventually

pytestmark = pytest.mark.waits
PASSES = {"sync": [], "doctor": [], "backfill": ["--from", "2026-01-01", "--to", "2026-01-02", "--yes", "--wait"]}
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 143}
SERVES = {
    "run": ["--listen", "127.0.0.1:0"],
    "worker": ["--listen", "127.0.0.1:0"],
    "scheduler": ["--listen", "127.0.0.1:0"],
    "console": ["--listen", "127.0.0.1:0"],
}
ENDS = (
    *((signal.SIGTERM, "nothing"), (signal.SIGINT, "nothing")),
    *((signal.SIGTERM, "INT"), (signal.SIGTERM, "INT and HUP")),
)
RUNNING = "SELECT count(*) FROM sync.windows WHERE state = 'running'"
IGNORED = {"nothing": [], "INT": [signal.SIGINT], "INT and HUP": [signal.SIGINT, signal.SIGHUP]}


@pytest.fixture
def tables(terminal: Terminal, tables: Tables) -> Tables:
    terminal.variables["DATABASE_URL"] = tables.url
    return tables


def started(terminal: Terminal, ignored: str, *arguments: str, whole: bool = False) -> Process:
    """A command whose parent ignores these signals, as a script's `&` and `nohup` do.

    It is a fork where that is possible, unless the `whole` program is to be started.
    """
    environment = terminal._environment()
    if starts_alike(environment) and not whole:
        streams = subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT
        return ForkedCommand(list(arguments), terminal.folder, environment, *streams, IGNORED[ignored])
    names = [each.name.removeprefix("SIG") for each in IGNORED[ignored]]
    trap = f"trap '' {' '.join(names)}; " if names else ""
    return subprocess.Popen(
        ["sh", "-c", f'{trap}exec "$0" "$@"', str(PROGRAM), *arguments],
        cwd=terminal.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in CODES],
    )


_FIRST = count(step=2)  # what shares a database reads shops that nobody read before


def settings(url: str, accounts_: int) -> str:
    """Settings by which a call in flight would last far longer than `STOP_SECONDS`. Their shops are new."""
    return f'[sync]\ntimeout = "10m"\n{accounts(url, accounts_, next(_FIRST))}'


def await_call(slow: Drip, process: Process) -> None:
    eventually(lambda: slow.calls or process.poll() is not None)


def ended(process: Process) -> tuple[int, str]:
    try:
        out, _ = process.communicate(timeout=STOP_SECONDS)
    finally:
        process.kill()
    return process.wait(), out


@pytest.mark.parametrize("command", PASSES)
def test_a_command_in_the_middle_of_a_call_ends_with_the_signals_code(
    terminal: Terminal, tables: Tables, command: str
) -> None:
    for number in CODES:
        with drip(STEADY) as slow:
            terminal.write(settings(slow.url, 1))
            process = started(terminal, "nothing", command, *PASSES[command])
            await_call(slow, process)
            process.send_signal(number)
            code, said = ended(process)
        assert code == CODES[number], said
        assert "Traceback" not in said, number
        assert tables.query(RUNNING) == [(0,)], number


@pytest.mark.parametrize("command", ["sync", "doctor"])
def test_sigterm_ends_a_command_whose_parent_ignores_ctrl_c(terminal: Terminal, tables: Tables, command: str) -> None:
    for ignored in ("INT", "INT and HUP"):
        with drip(STEADY) as slow:
            terminal.write(settings(slow.url, 1))
            process = started(terminal, ignored, command)
            await_call(slow, process)
            process.send_signal(signal.SIGINT)  # stays ignored
            process.send_signal(signal.SIGTERM)
            code, said = ended(process)
        assert code == CODES[signal.SIGTERM], f"{ignored}: {said}"


@pytest.mark.parametrize("command", SERVES)
def test_what_is_left_running_hands_its_windows_back_and_ends_well(
    terminal: Terminal, tables: Tables, command: str
) -> None:
    for number, ignored in ENDS:
        with drip(STEADY) as slow:
            terminal.write(settings(slow.url, 2))
            process = started(terminal, ignored, command, *SERVES[command])
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            said = "".join(line for line in [next(line for line in lines if '"running"' in line or "running" in line)])
            if command == "run":
                await_call(slow, process)
            process.send_signal(number)
            code, rest = ended(process)
        assert code == 0, f"{number!r}, {ignored} ignored: {said + rest}"
        assert "Traceback" not in said + rest, (number, ignored)
        assert tables.query(RUNNING) == [(0,)], (number, ignored)


def test_sighup_is_a_reload_under_nohup_too(terminal: Terminal, tables: Tables) -> None:
    with drip(STEADY) as slow:
        terminal.write(settings(slow.url, 1))
        process = started(terminal, "INT and HUP", "scheduler", whole=True)
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        next(line for line in lines if "running" in line)
        process.send_signal(signal.SIGHUP)
        assert next((line for line in lines if "using other settings" in line), None)
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0, said
    assert tables.query("SELECT action FROM sync.activity") == [("settings.reload",)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_ends_with_the_signals_code(terminal: Terminal, number: signal.Signals) -> None:
    process = started(terminal, "nothing", "sandbox", "--port", "0", "--orders", "10")
    assert process.stdout is not None
    next(line for line in iter(process.stdout.readline, "") if "listens on" in line)
    process.send_signal(number)
    code, said = ended(process)
    assert code == CODES[number], said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_command_starts_ends_it_without_a_traceback(
    terminal: Terminal, tables: Tables, world: World, number: signal.Signals
) -> None:
    """Whatever it is just doing: the moment differs from run to run."""
    for command in ("sync", "status", "doctor", "run"):
        process = started(terminal, "nothing", command, whole=True)
        process.send_signal(number)
        code, said = ended(process)
        assert code in (-number, CODES[number]), f"{command}: {said}"
        assert "Traceback" not in said


def test_limits_on_the_parts_of_an_end_sum_up_to_less_than_is_promised() -> None:
    """Ten seconds from the signal to the end, and windows are handed back within them."""
    limits = time_limits.IN_USE
    assert 2 * limits["release"] < limits["command"] < 10  # a claim under way is awaited as long as a connection
    assert worker.GRACE_SECONDS + limits["release"] < limits["service"] < 10


def test_a_cancellation_that_is_lost_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "CLEANING_SECONDS", 0.05)
    monkeypatch.setattr(signals, "_received", [])

    async def deaf() -> None:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                signal.raise_signal(signal.SIGTERM) if not signals.was_received() else None
                await asyncio.sleep(60)
        await asyncio.sleep(60)

    before = [(number, signal.getsignal(number)) for number in CODES]
    try:
        signals.install()
        with pytest.raises(KeyboardInterrupt):
            event_loop.run(deaf())
        assert signals.exit_code() == 143
    finally:
        for number, handler in before:
            signal.signal(number, handler)
