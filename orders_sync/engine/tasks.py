"""Run coroutines side by side so that none outlives the others: an error of one stops all."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def run_all(coroutines: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run coroutines concurrently; return their results in the same order.

    When one fails, or this task is cancelled, all others are stopped before the error is raised: none goes on with
    connections that its caller closes.
    """
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)  # which cancels none, as `gather` would
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()  # raises its error
        return [task.result() for task in tasks]
    finally:
        await stop(tasks)


async def stop(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their ends. Call it once: a second cancel interrupts their cleanup.

    Whether a task was cancelled before cannot be asked: `Task.cancelling` also counts what a library cancels inside it
    for a moment, as anyio does with the slower ones of several tries to connect.
    """
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def is_cancelled() -> bool:
    """Tell whether the running task was cancelled, wherever the cancellation was lost.

    `asyncio.wait_for` of Python 3.11, by which a pool waits for a connection, loses one that comes together with an
    answer: a loop that only an exception ends would go on for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def check_cancelled() -> None:
    """Raise `CancelledError` where the running task was cancelled, wherever the cancellation was lost."""
    if is_cancelled():
        raise asyncio.CancelledError
