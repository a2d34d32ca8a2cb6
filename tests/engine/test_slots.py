"""Window slots are shared out by host, and by turns among those who ask."""

from __future__ import annotations

import asyncio

import pytest

from orders_sync.engine.slots import Slots


async def take(slots: Slots, host: str, times: int) -> int:
    """Return how many of these slots can be held at once."""
    return sum([await slots.acquire(host, 0) for _ in range(times)])


@pytest.mark.parametrize(("total", "share"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)])
async def test_one_of_several_hosts_holds_half_at_most_and_never_none(total: int, share: int) -> None:
    slots = Slots(total, ["a", "b", "b"])
    assert await take(slots, "a", total + 1) == share
    assert await take(slots, "b", total + 1) == min(share, total - share)


async def test_a_host_alone_may_hold_all() -> None:
    assert await take(Slots(4, ["a", "a"]), "a", 5) == 4


async def test_who_waits_first_is_served_first_and_a_full_host_holds_up_no_other() -> None:
    slots = Slots(2, ["a", "b"])
    served = asyncio.Queue[str]()

    async def wait(host: str, name: str) -> None:
        await slots.acquire(host)
        served.put_nowait(name)

    assert await take(slots, "a", 1) == await take(slots, "b", 1) == 1
    async with asyncio.TaskGroup() as group:
        for host, name in (("a", "a1"), ("a", "a2"), ("b", "b1")):
            group.create_task(wait(host, name))
        await asyncio.sleep(0)
        slots.release("b")
        assert await served.get() == "b1"
        slots.release("a")
        slots.release("a")
    assert [served.get_nowait() for _ in range(2)] == ["a1", "a2"]


async def test_who_gives_up_or_is_cancelled_takes_no_slot() -> None:
    slots = Slots(1, ["a"])
    assert await slots.acquire("a")
    assert not await slots.acquire("a", 0.01)
    waiting = [asyncio.create_task(slots.acquire("a")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slots.release("a")  # to the second, in the very moment it is cancelled
    waiting[1].cancel()
    await asyncio.gather(*waiting[:2], return_exceptions=True)
    assert await waiting[2]
    slots.release("a")
    assert await slots.acquire("a", 0)
