"""The event loop of a command, which signals cancel (`cli/signals.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from orders_sync.cli import signals

try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop  # type: ignore[assignment]

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in an event loop of its own and return its result.

    Raises KeyboardInterrupt after SIGINT or SIGTERM, once the coroutine was cancelled and has cleaned up.
    """
    with runner() as loop:
        return run_in(loop, work)


@contextmanager
def runner() -> Iterator[asyncio.Runner]:
    """Yield a runner for several calls of `run_in`, with uvloop's event loop if it is installed (a tenth less work)."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as made:
            yield made
    finally:
        signals.install()  # the loop resets signal handlers when it closes


def run_in(loop: asyncio.Runner, work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in this loop; otherwise as `run`."""

    async def main() -> Result:
        with signals.cancelling():
            return await work

    try:
        result = loop.run(main())
    except asyncio.CancelledError:
        if signals.was_received():
            raise KeyboardInterrupt from None
        raise
    if signals.was_received():
        raise KeyboardInterrupt
    return result
