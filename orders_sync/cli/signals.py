"""Handling of SIGTERM, SIGINT and SIGHUP: KeyboardInterrupt in synchronous code, cancellation in an event loop.

An exception that a signal's handler raises inside a callback of an event loop may be lost there (uvloop). So while a
loop runs, the handler raises nothing: it asks the loop to cancel the command's task. A signal the parent has ignored
(`nohup`, `&` in a script) stays ignored, but for SIGHUP where it ends nothing: within `reloading`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

OURS = (signal.SIGTERM, signal.SIGINT)
CLEANING_SECONDS = 8.0  # for a command to hand back what it holds
MOST_SIGNALS = 3  # at the last one the process is ended as it stands

_received: list[int] = []
_cancel: Callable[[], object] | None = None
_reload: Callable[[], object] | None = None


def install() -> None:
    """Install the handlers; ignored signals stay ignored. SIGHUP counts as SIGTERM, except within `reloading`."""
    for number in OURS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _handle_hangup)


@contextmanager
def reloading(reload: Callable[[], object]) -> Iterator[None]:
    """Call `reload` at SIGHUP (`systemctl reload`, a closed terminal) instead of ending, during the block.

    Also where the parent ignored it, as `nohup` does: only the end is unwanted there.
    """
    global _reload
    before = signal.getsignal(signal.SIGHUP)
    _reload = reload
    signal.signal(signal.SIGHUP, _handle_hangup)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        _reload = None


@contextmanager
def left_to_child() -> Iterator[None]:
    """Ignore Ctrl-C during the block, for a program in the same terminal that handles it: psql cancels its query."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which the program would inherit
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def was_received() -> bool:
    """Tell whether a signal to end was received."""
    return bool(_received)


def exit_code() -> int:
    """Return the exit code for the signal received: 143 for SIGTERM, 130 for Ctrl-C."""
    return 128 + (_received[0] if _received else signal.SIGINT)


@contextmanager
def cancelling() -> Iterator[None]:
    """Cancel the current task when a signal arrives during the block.

    Once, so that its cleaning up is not cut off; again after `CLEANING_SECONDS`, for a cancellation may be lost: in
    Python 3.11 `asyncio.wait_for` returns a result that came in the same moment instead.
    """
    global _cancel
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    again: asyncio.TimerHandle | None = None
    assert task is not None

    def cancel() -> None:
        nonlocal again
        task.cancel()
        again = loop.call_later(CLEANING_SECONDS, cancel)

    _cancel = lambda: loop.call_soon_threadsafe(cancel)  # noqa: E731
    try:
        yield
    finally:
        _cancel = None
        if again is not None:
            again.cancel()


def _handle_hangup(*_: object) -> None:
    if _reload is None:
        signal.raise_signal(signal.SIGTERM)
    else:
        _reload()


def _handle(number: int, _: FrameType | None) -> None:
    _received.append(number)
    if len(_received) >= MOST_SIGNALS:
        os._exit(exit_code())
    if _cancel is None:
        raise KeyboardInterrupt
    if len(_received) == 1:
        _cancel()
