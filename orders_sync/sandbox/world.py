"""The simulated world behind the three platforms: shops, their orders, and changes over time."""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, datetime
from threading import RLock

from orders_sync.sandbox.expected import ExpectedValues
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.rng import seeded_rng
from orders_sync.sandbox.shops import SandboxAccount, Shop

LATE_SHARE = 0.1  # of the changes made by `step`, the share that is indexed late
LATE_SECONDS = (3, 180)  # least and greatest delay of the index


class World:
    """Shops and their orders, deterministic: equal arguments give byte-identical records.

    All initial orders are indexed, so listed by their platform. `create`, `mutate`, `change` and `step` change orders
    at the time they are given. `index_delay` is in seconds: the change is not indexed until `publish` is called that
    much later.

    Args:
        orders: Number of orders, spread evenly over the shops.
        shops: Number of shops, on 1688, xportcn_open, xportcn_ka, 1688, ...
        seed: Seed of the random numbers.
        now: Time up to which the orders have changed; with a time zone.
        days: Length of the order history before `now`.
        samples: Whether there are also the sample orders of the platforms' documents, which lengthen it by years.

    `between_calls` is called after each served page, `on_change` with each new version of an order, indexed or not.
    """

    def __init__(
        self, orders: int, shops: int = 3, seed: int = 1, *, now: datetime, days: float = 30, samples: bool = True
    ) -> None:
        if orders < 0 or shops < 1:
            raise ValueError("a world needs at least one shop, and the number of orders must not be negative")
        self.now = _second(now)
        self.rng = seeded_rng(f"orders-sync sandbox world {seed}")
        self.lock = RLock()  # tests change the world while a server thread reads it
        self.between_calls: Callable[[], None] | None = None
        self.on_change: Callable[[SandboxAccount, SandboxOrder], None] | None = None
        self._unindexed: list[tuple[float, int, Shop, SandboxOrder]] = []  # heap by the epoch second to index at
        self._sequence = 0
        collecting = gc.isenabled()
        gc.disable()  # millions of objects are created and none becomes garbage
        try:
            shares = [orders // shops + (number <= orders % shops) for number in range(1, shops + 1)]
            self.shops = [Shop(number, share, seed, self.now, days, samples) for number, share in enumerate(shares, 1)]
        finally:
            if collecting:
                gc.enable()
        self._find_shops()

    def _find_shops(self) -> None:
        self._by_name = {shop.account.name: shop for shop in self.shops}
        self._by_app = {(shop.platform, shop.account.app_id): shop for shop in self.shops}

    def copy(self) -> World:
        """Return a world with the same orders, which changes apart from this one and calls nothing.

        Both share the versions there are, of which none ever changes, so a copy costs little.
        """
        other = copy(self)
        with self.lock:
            other.rng = copy(self.rng)
            other.lock = RLock()
            other.between_calls = other.on_change = None
            other.shops = [shop.copy() for shop in self.shops]
            other._find_shops()
            other._unindexed = [
                (at, number, other.shop(shop.account.name), order) for at, number, shop, order in self._unindexed
            ]
        return other

    @property
    def accounts(self) -> list[SandboxAccount]:
        """The accounts of all shops."""
        return [shop.account for shop in self.shops]

    def shop(self, account: str) -> Shop:
        """Return the shop with this account name. Raises KeyError."""
        return self._by_name[account]

    def shop_of(self, platform: str, app_id: str) -> Shop | None:
        """Return the shop with these credentials, None if there is none."""
        return self._by_app.get((platform, app_id))

    def order(self, account: str, order_id: str) -> SandboxOrder:
        """Return the indexed version of an order. Raises KeyError."""
        return self.shop(account).index.orders[order_id]

    def expected_orders(self, account: str) -> list[ExpectedValues]:
        """Return the expected values (expected.py) of every order the account's platform lists now."""
        return list(self.iter_expected_orders(account))

    def iter_expected_orders(self, account: str) -> Iterator[ExpectedValues]:
        """Yield the same one by one."""
        shop = self.shop(account)
        for order in list(shop.index.orders.values()):
            yield shop.expected_values(order)

    def malform(self, account: str, order_id: str, kind: str | None) -> None:
        """Serve one order's record malformed from now on (malformed.KINDS); None: valid, whatever the rate."""
        self.shop(account).malformed[order_id] = kind

    def create(
        self, n: int = 1, now: datetime | None = None, account: str | None = None, index_delay: float = 0
    ) -> list[SandboxOrder]:
        """Create n orders, at `now` (default: the last time given)."""
        at = self._moment(now)
        made = []
        with self.lock:
            for _ in range(n):
                shop = self._choose_shop(account)
                made.append(self._publish_after(shop, shop.create_order(at), index_delay))
        return made

    def mutate(
        self, n: int = 1, now: datetime | None = None, account: str | None = None, index_delay: float = 0
    ) -> list[SandboxOrder]:
        """Apply the next event to n random open orders; to fewer if no order is open."""
        at = self._moment(now)
        done = []
        with self.lock:
            for _ in range(n):
                shop = self._choose_shop(account)
                order_id = shop.random_open_order_id()
                if order_id is not None:
                    done.append(self._publish_after(shop, shop.change_order(order_id, at), index_delay))
        return done

    def change(
        self,
        account: str,
        order_id: str,
        event: str | None = None,
        now: datetime | None = None,
        index_delay: float = 0,
    ) -> SandboxOrder:
        """Apply an event (events.EVENTS) to an order; None: the next event of its lifecycle.

        "write_memo" is possible in every state and moves a 1688 order in its list. Xportcn records have no memo; use
        "reprice" there.
        """
        shop = self.shop(account)
        with self.lock:
            return self._publish_after(shop, shop.change_order(order_id, self._moment(now), event), index_delay)

    def step(self, now: datetime, changes: int = 1) -> list[SandboxOrder]:
        """Publish what is due, then create or change `changes` random orders, some of them indexed late."""
        self.publish(now)
        changed: list[SandboxOrder] = []
        for _ in range(changes):
            index_delay = self.rng.uniform(*LATE_SECONDS) if self.rng.random() < LATE_SHARE else 0.0
            changed += (
                self.create(1, now, index_delay=index_delay)
                if self.rng.random() < 0.2
                else self.mutate(1, now, index_delay=index_delay)
            )
        return changed

    def publish(self, now: datetime) -> int:
        """Index all versions that are due at `now`; return their number."""
        moment = now.timestamp()
        due = 0
        with self.lock:
            self.now = max(self.now, int(moment))
            while self._unindexed and self._unindexed[0][0] <= moment:
                _, _, shop, order = heapq.heappop(self._unindexed)
                shop.publish(order)
                due += 1
        return due

    @property
    def hidden(self) -> int:
        """The number of versions that are not indexed yet."""
        return len(self._unindexed)

    def _publish_after(self, shop: Shop, order: SandboxOrder, index_delay: float) -> SandboxOrder:
        """Index a draft now, or `index_delay` seconds later if that is above 0."""
        if self.on_change is not None:
            self.on_change(shop.account, order)
        if index_delay <= 0:
            shop.publish(order)
        else:
            self._sequence += 1
            heapq.heappush(self._unindexed, (self.now + index_delay, self._sequence, shop, order))
        return order

    def _choose_shop(self, account: str | None) -> Shop:
        return self.shop(account) if account else self.shops[int(self.rng.random() * len(self.shops))]

    def _moment(self, now: datetime | None) -> int:
        if now is not None:
            self.now = max(self.now, _second(now))
            return _second(now)
        return self.now


def _second(now: datetime) -> int:
    if now.tzinfo is None:
        raise ValueError("now must have a time zone")
    return int(now.astimezone(UTC).timestamp())
