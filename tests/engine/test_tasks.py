"""Coroutines side by side: none outlives the others."""

from __future__ import annotations

import asyncio

import pytest

from orders_sync.engine.tasks import run_all


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
