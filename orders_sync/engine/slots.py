"""Window slots of one process, shared out by platform host, so that no host that answers slowly holds all of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable


class Slots:
    """`total` slots, of which each of several hosts holds at most half (at least one); a host alone may hold all.

    First come, first served among those whose host may take one: accounts that ask one slot at a time take turns.
    """

    def __init__(self, total: int, hosts: Iterable[str]) -> None:
        self._free = total
        self._share = total if len(set(hosts)) < 2 else max(1, total // 2)
        self._taken = Counter[str]()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    async def acquire(self, host: str, seconds: float | None = None) -> bool:
        """Take a slot, waiting at most `seconds` for it, without limit where None. Return False when none came free."""
        if self._may_take(host):
            self._take(host)
            return True
        waiter = asyncio.get_running_loop().create_future()
        entry = (host, waiter)
        self._waiting.append(entry)
        try:
            await asyncio.wait([waiter], timeout=seconds)
        except asyncio.CancelledError:
            if waiter.done():  # it was ours already
                self.release(host)
            else:
                self._waiting.remove(entry)
            raise
        if not waiter.done():
            self._waiting.remove(entry)
        return waiter.done()

    def release(self, host: str) -> None:
        """Release a slot: the first waiter whose host may take one gets it."""
        self._free += 1
        self._taken[host] -= 1
        for entry in [*self._waiting]:
            if self._may_take(entry[0]):
                self._waiting.remove(entry)
                self._take(entry[0])
                entry[1].set_result(None)

    def _may_take(self, host: str) -> bool:
        return self._free > 0 and self._taken[host] < self._share

    def _take(self, host: str) -> None:
        self._free -= 1
        self._taken[host] += 1
