"""Coroutines side by side: none outlives the others."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from orders_sync.engine.tasks import run_all, stop


async def test_results_come_in_the_order_of_the_jobs() -> None:
    released = asyncio.Event()

    async def slow() -> str:
        await released.wait()
        return "slow"

    async def fast() -> str:
        released.set()
        return "fast"

    assert await run_all([slow(), fast()]) == ["slow", "fast"]


@pytest.mark.parametrize("cause", ["an error", "a cancellation"])
async def test_when_one_fails_the_others_have_ended_before_the_error_is_raised(cause: str) -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def goes_on() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # as closing a connection takes turns of the loop
            ended.append("ended")

    async def fails() -> None:
        await begun.wait()
        if cause == "an error":
            raise ValueError("gone")
        await asyncio.Event().wait()

    running = asyncio.create_task(run_all([goes_on(), fails()]))
    await begun.wait()
    if cause == "a cancellation":
        running.cancel()
    with pytest.raises((ValueError, asyncio.CancelledError)):
        await running
    assert ended == ["ended"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_task_that_a_library_cancels_inside_it_is_stopped_all_the_same() -> None:
    """As anyio does when one of several tries to connect succeeds: by `Task.cancel`, which it takes back."""
    begun = asyncio.Event()

    async def connects() -> None:
        with anyio.CancelScope() as tries:
            tries.cancel()
            begun.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(connects())
    await begun.wait()
    assert task.cancelling() == 1
    async with asyncio.timeout(60):  # a guard
        await stop([task])
    assert task.cancelled()
