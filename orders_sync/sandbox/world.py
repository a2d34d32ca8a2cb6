"""The world behind the three platforms: shops, their orders, and time passing over them."""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import RLock

from orders_sync.sandbox.chance import dice
from orders_sync.sandbox.orders import Order
from orders_sync.sandbox.shops import SandboxAccount, Shop
from orders_sync.sandbox.truths import Truth

LATE_SHARE = 0.1  # of what happens by itself, this share appears late in the index
LATE_SECONDS = (3, 180)


class World:
    """Deterministic from its arguments: the same seed and `now` give byte-identical records.

    `orders` are spread over `shops`, and these over the platforms: 1688, xportcn_open, xportcn_ka, 1688, ...
    All of them are visible at once. Afterwards `mutate`, `create`, `change` and `step` make things happen in the second
    they are given; a `lag` in seconds keeps a change out of the platform's index for so long, until `publish`.
    """

    def __init__(self, orders: int, shops: int = 3, seed: int = 1, *, now: datetime, days: float = 30) -> None:
        if orders < 0 or shops < 1:
            raise ValueError("a world needs at least one shop and no negative number of orders")
        self.now = _second(now)
        self.rng = dice(f"orders-sync sandbox world {seed}")
        self.lock = RLock()  # a test may change the world while a server's thread reads it
        self.between_calls: Callable[[], None] | None = None  # run after each served page
        self.told: Callable[[SandboxAccount, Order], None] | None = None  # run with whatever happens, listed or not
        self._coming: list[tuple[float, int, Shop, Order]] = []  # heap by visible_at
        self._sequence = 0
        collecting = gc.isenabled()
        gc.disable()  # millions of objects are born and none dies: the collector would walk them in vain
        try:
            shares = [orders // shops + (number <= orders % shops) for number in range(1, shops + 1)]
            self.shops = [Shop(number, share, seed, self.now, days) for number, share in enumerate(shares, 1)]
        finally:
            if collecting:
                gc.enable()
        self._by_name = {shop.account.name: shop for shop in self.shops}
        self._by_app = {(shop.platform, shop.account.app_id): shop for shop in self.shops}

    @property
    def accounts(self) -> list[SandboxAccount]:
        return [shop.account for shop in self.shops]

    def shop(self, account: str) -> Shop:
        """The shop of an account's name. Raises KeyError."""
        return self._by_name[account]

    def shop_of(self, platform: str, app_id: str) -> Shop | None:
        """The shop these credentials belong to."""
        return self._by_app.get((platform, app_id))

    def order(self, account: str, order_id: str) -> Order:
        """An order as its platform lists it now. Raises KeyError."""
        return self.shop(account).shelves.orders[order_id]

    def truth(self, account: str) -> list[Truth]:
        """What should land for every order the account's platform lists now."""
        return list(self.truths(account))

    def truths(self, account: str) -> Iterator[Truth]:
        """The same, one by one."""
        shop = self.shop(account)
        for order in list(shop.shelves.orders.values()):
            yield shop.truth(order)

    def malform(self, account: str, order_id: str, kind: str | None = "garbage_time") -> None:
        """Break one order's record from now on (malformed.KINDS), or keep it sound whatever the rate (None)."""
        self.shop(account).malformed[order_id] = kind

    # what happens

    def create(
        self, n: int = 1, now: datetime | None = None, account: str | None = None, lag: float = 0
    ) -> list[Order]:
        """Orders are placed."""
        at = self._at(now)
        made = []
        with self.lock:
            for _ in range(n):
                shop = self._some_shop(account)
                made.append(self._release(shop, shop.born(at), lag))
        return made

    def mutate(
        self, n: int = 1, now: datetime | None = None, account: str | None = None, lag: float = 0
    ) -> list[Order]:
        """Something happens to n orders that are still open; fewer when no order is."""
        at = self._at(now)
        done = []
        with self.lock:
            for _ in range(n):
                shop = self._some_shop(account)
                order_id = shop.random_alive()
                if order_id is not None:
                    done.append(self._release(shop, shop.changed(order_id, at), lag))
        return done

    def change(
        self,
        account: str,
        order_id: str,
        event: str | None = None,
        now: datetime | None = None,
        lag: float = 0,
    ) -> Order:
        """This happens to this order: a name of events.EVENTS, None for what would come next.

        "write_memo" is always possible and moves a row of 1688; Xportcn shows no memo, there "reprice" is seen.
        """
        shop = self.shop(account)
        with self.lock:
            return self._release(shop, shop.changed(order_id, self._at(now), event), lag)

    def step(self, now: datetime, changes: int = 1) -> list[Order]:
        """Time passes: some orders are placed, others change, a few of both are late in the index."""
        self.publish(now)
        happened: list[Order] = []
        for _ in range(changes):
            lag = self.rng.uniform(*LATE_SECONDS) if self.rng.random() < LATE_SHARE else 0.0
            happened += self.create(1, now, lag=lag) if self.rng.random() < 0.2 else self.mutate(1, now, lag=lag)
        return happened

    def publish(self, now: datetime) -> int:
        """Let everything into the index that is due by now; how many versions that were."""
        moment = now.timestamp()
        due = 0
        with self.lock:
            self.now = max(self.now, int(moment))
            while self._coming and self._coming[0][0] <= moment:
                _, _, shop, order = heapq.heappop(self._coming)
                shop.publish(order)
                due += 1
        return due

    @property
    def hidden(self) -> int:
        """How many versions wait for their time to be listed."""
        return len(self._coming)

    def _release(self, shop: Shop, order: Order, lag: float) -> Order:
        if self.told is not None:
            self.told(shop.account, order)
        if lag <= 0:
            shop.publish(order)
        else:
            self._sequence += 1
            heapq.heappush(self._coming, (self.now + lag, self._sequence, shop, order))
        return order

    def _some_shop(self, account: str | None) -> Shop:
        return self.shop(account) if account else self.shops[int(self.rng.random() * len(self.shops))]

    def _at(self, now: datetime | None) -> int:
        if now is not None:
            self.now = max(self.now, _second(now))
            return _second(now)
        return self.now


def _second(now: datetime) -> int:
    if now.tzinfo is None:
        raise ValueError("now needs a time zone")
    return int(now.astimezone(UTC).timestamp())
