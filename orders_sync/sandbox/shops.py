"""A shop: its credentials, its orders, and how they live on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orders_sync.sandbox import render_1688, render_xportcn
from orders_sync.sandbox.births import Births
from orders_sync.sandbox.catalogue import PLACES
from orders_sync.sandbox.chance import dice
from orders_sync.sandbox.events import advance
from orders_sync.sandbox.lives import next_event
from orders_sync.sandbox.malformed import broken, kind_for
from orders_sync.sandbox.orders import Order
from orders_sync.sandbox.samples import Sample, sample
from orders_sync.sandbox.shelves import Shelves
from orders_sync.sandbox.stamps import SHANGHAI
from orders_sync.sandbox.truths import Truth, truth_of

PLATFORMS = ("1688", "xportcn_open", "xportcn_ka")
RENDER = {
    "1688": render_1688.record,
    "xportcn_open": render_xportcn.record_open,
    "xportcn_ka": render_xportcn.record_ka,
}
LAST_RESORT = {"1688": "write_memo", "xportcn_open": "terminate", "xportcn_ka": "ask_refund"}  # always shows
SAMPLE = "sample"  # the quirk of a document's own order: it never changes
DAY = 86400


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """The credentials of a shop, and from when on it has orders. `orders`: how many it was built with."""

    name: str
    platform: str
    seller: str  # 1688: seller_nick; Xportcn: user_id
    app_id: str
    app_secret: str = field(repr=False)
    history_from: datetime
    orders: int
    hook_token: str = field(default="", repr=False)  # of Xportcn's message service; 1688 has none


class Shop:
    """One account's orders. What `shelves` hold is published; `drafts` are newer and not in the index yet."""

    def __init__(self, number: int, orders: int, seed: int, now: int, days: float) -> None:
        self.platform = PLATFORMS[(number - 1) % 3]
        self.rng = dice(f"orders-sync sandbox {seed} {number}")
        self.births = Births(self.platform, number, self.rng)
        self.shelves = Shelves()
        self.drafts: dict[str, Order] = {}
        self.alive: list[str] = []  # ids of orders to which something may still happen
        self.malformed_rate = 0.0
        self.malformed: dict[str, str | None] = {}  # by order id: a way to break it, None for never
        self._broken: dict[str, tuple[int, str, bytes]] = {}
        self._samples: dict[str, Sample] = {}
        first = int(now - days * DAY)
        history = _midnight(first) - (0 if number > 3 else DAY)
        born: list[Order] = []
        if number <= 3 and orders:
            mine = sample(self.platform)
            if mine.modified <= now:  # else the document's order is in the future: this world does not have it
                self._samples[mine.order_id] = mine
                born.append(_order_of(self.platform, mine))
                history = min(history, _midnight(mine.created))
        born += self._build(orders - len(born), first, now)
        self.shelves.fill(born)
        self.account = _account(number, self.platform, seed, datetime.fromtimestamp(history, UTC), len(born))

    def _build(self, count: int, first: int, now: int) -> Iterator[Order]:
        rng = self.rng
        seconds = sorted(first + int(rng.random() * max(1, now - first - 60)) for _ in range(count))
        render = RENDER[self.platform]
        for at, second in enumerate(seconds):
            if at and rng.random() < 0.03:  # rows of the same second
                second = seconds[at] = seconds[at - 1]
            order = self.births.order(second)
            moment = second
            while True:
                event = next_event(order, rng)
                if event is None:
                    break
                moment += event[1]
                if moment >= now:
                    self.alive.append(order.order_id)
                    break
                advance(order, event[0], moment, rng)
            order.record = render(order)
            yield order

    def newest(self, order_id: str) -> Order:
        """The newest version of an order, published or not."""
        draft = self.drafts.get(order_id)
        return draft if draft is not None else self.shelves.orders[order_id]

    def born(self, now: int) -> Order:
        """A new draft order of this second."""
        order = self.births.order(now)
        self.alive.append(order.order_id)
        return self._drafted(order)

    def changed(self, order_id: str, now: int, event: str | None = None) -> Order:
        """A new draft of an order after its next event, or after this one, in this second."""
        order = self.newest(order_id)
        if order.quirk == SAMPLE:
            raise ValueError(f"{order_id} is a document's sample order: it does not change")
        order = order.draft()
        if event is None:
            coming = next_event(order, self.rng)
            event = coming[0] if coming else LAST_RESORT[self.platform]
        advance(order, event, now, self.rng)
        return self._drafted(order)

    def _drafted(self, order: Order) -> Order:
        order.record = RENDER[self.platform](order)
        self.drafts[order.order_id] = order
        return order

    def publish(self, order: Order) -> None:
        """The platform's index has this version now, unless it has a newer one."""
        former = self.shelves.orders.get(order.order_id)
        if former is not None and former.version >= order.version:
            return
        self.shelves.put(order)
        draft = self.drafts.get(order.order_id)
        if draft is not None and draft.version <= order.version:
            del self.drafts[order.order_id]

    def random_alive(self) -> str | None:
        """An order to which something may still happen; those to which nothing will are forgotten on the way."""
        while self.alive:
            at = int(self.rng.random() * len(self.alive))
            order = self.newest(self.alive[at])
            if next_event(order, dice(order.dice + order.version)) is not None:
                return order.order_id
            self.alive[at] = self.alive[-1]
            self.alive.pop()
        return None

    def way_of_breaking(self, order_id: str) -> str | None:
        """How this order's record is broken, None for sound ones."""
        if order_id in self.malformed:
            return self.malformed[order_id]
        return kind_for(order_id, self.malformed_rate) if self.malformed_rate else None

    def sent(self, order: Order) -> bytes:
        """The record as sent: broken, when this order is one of those."""
        kind = self.way_of_breaking(order.order_id)
        if kind is None:
            return order.record
        known = self._broken.get(order.order_id)
        if known is None or known[:2] != (order.version, kind):
            known = (order.version, kind, broken(self.platform, order.record, kind))
            self._broken[order.order_id] = known
        return known[2]

    def records(self, orders: list[Order]) -> list[bytes]:
        """The records of a page."""
        if self.malformed or self.malformed_rate:
            return [self.sent(order) for order in orders]
        return [order.record for order in orders]

    def truth(self, order: Order) -> Truth:
        """What should land for a published order; `reject` and `reject_kind` when its record is broken on purpose."""
        known = self._samples.get(order.order_id)
        truth = dict(known.truth) if known else truth_of(order)
        kind = self.way_of_breaking(order.order_id)
        if kind is not None:
            truth.update(reject=True, reject_kind=kind)
        return truth


def _midnight(second: int) -> int:
    """The midnight in Shanghai before a moment."""
    return (second + SHANGHAI) // DAY * DAY - SHANGHAI


def _account(number: int, platform: str, seed: int, history_from: datetime, orders: int) -> SandboxAccount:
    short = platform.removeprefix("xportcn_")
    suffix = f"-{(number - 1) // 3 + 1}" if number > 3 else ""
    name = f"sandbox-{short}{suffix}"

    def made(what: str) -> str:
        return hashlib.sha256(f"{what} {name} {seed}".encode()).hexdigest()[:32]

    return SandboxAccount(
        name=name,
        platform=platform,
        seller=name if platform == "1688" else str(2_218_000_000_000 + number),
        app_id=f"{made('app')[:8]}@sandbox" if platform == "1688" else made("key"),
        app_secret=made("secret"),
        history_from=history_from,
        orders=orders,
        hook_token="" if platform == "1688" else made("hook token"),
    )


def _order_of(platform: str, mine: Sample) -> Order:
    return Order(
        platform=platform,
        order_id=mine.order_id,
        order_no=mine.order_no,
        created=mine.created,
        modified=mine.modified,
        state=mine.state,
        lines=[],
        place=PLACES[0],
        dice=0,
        quirk=SAMPLE,
        purchase_id=mine.purchase_id,
        record=mine.record,
    )
