"""One shop: its credentials, its orders, and their changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orders_sync.sandbox import render_1688, render_xportcn
from orders_sync.sandbox.catalogue import REGIONS
from orders_sync.sandbox.events import advance
from orders_sync.sandbox.expected import ExpectedValues, expected_order
from orders_sync.sandbox.formats import SHANGHAI
from orders_sync.sandbox.lifecycle import next_event
from orders_sync.sandbox.malformed import malform_record, malformed_kind_for
from orders_sync.sandbox.order_factory import OrderFactory
from orders_sync.sandbox.order_index import OrderIndex
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.rng import seeded_rng
from orders_sync.sandbox.samples import Sample, sample_order

PLATFORMS = ("1688", "xportcn_open", "xportcn_ka")
RENDER = {
    "1688": render_1688.record,
    "xportcn_open": render_xportcn.record_open,
    "xportcn_ka": render_xportcn.record_ka,
}
# an event that is possible in every state and changes the record
FALLBACK_EVENT = {"1688": "write_memo", "xportcn_open": "terminate", "xportcn_ka": "ask_refund"}
SAMPLE = "sample"  # the quirk of a document's sample order, which never changes
DAY = 86400


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """The credentials of a shop.

    `history_from`: no order is older. `orders`: the number of orders it was created with.
    """

    name: str
    platform: str
    seller: str  # 1688: seller_nick; Xportcn: user_id
    app_id: str
    app_secret: str = field(repr=False)
    history_from: datetime
    orders: int
    hook_token: str = field(default="", repr=False)  # of Xportcn's message service; 1688 has none


class Shop:
    """The orders of one account. `index` holds published versions; `drafts` newer ones that are not published yet.

    Args:
        number: Number of the shop in its world, from 1; determines the platform.
        orders: Number of orders to create.
        seed: Seed of the world.
        now: Epoch second up to which the orders have changed.
        days: Length of the order history in days.
        samples: Whether the first shop of each platform also has the sample order of its document, which is older.
    """

    def __init__(self, number: int, orders: int, seed: int, now: int, days: float, samples: bool) -> None:
        self.platform = PLATFORMS[(number - 1) % 3]
        self.rng = seeded_rng(f"orders-sync sandbox {seed} {number}")
        self.factory = OrderFactory(self.platform, number, self.rng)
        self.index = OrderIndex()
        self.drafts: dict[str, SandboxOrder] = {}
        self.open_order_ids: list[str] = []  # ids of orders that may still change
        self.malformed_rate = 0.0
        self.malformed: dict[str, str | None] = {}  # by order id: its kind (malformed.KINDS), None for a valid record
        self._malformed_records: dict[str, tuple[int, str, bytes]] = {}
        self._sample_orders: dict[str, Sample] = {}
        first = int(now - days * DAY)
        history = _midnight(first) - (0 if number > 3 else DAY)
        initial: list[SandboxOrder] = []
        if samples and number <= 3 and orders:
            documented = sample_order(self.platform)
            if documented.modified <= now:  # a sample order of the future is left out
                self._sample_orders[documented.order_id] = documented
                initial.append(_sample_order(self.platform, documented))
                history = min(history, _midnight(documented.created))
        initial += self._build(orders - len(initial), first, now)
        self.index.fill(initial)
        self.account = _account(number, self.platform, seed, datetime.fromtimestamp(history, UTC), len(initial))

    def copy(self) -> Shop:
        """Return a shop with the same orders, to be changed apart from this one."""
        other = copy(self)
        other.rng = copy(self.rng)
        other.factory = self.factory.copy(other.rng)
        other.index = self.index.copy()
        other.drafts = self.drafts.copy()
        other.open_order_ids = self.open_order_ids.copy()
        other.malformed = self.malformed.copy()
        other._malformed_records = self._malformed_records.copy()
        return other

    def _build(self, count: int, first: int, now: int) -> Iterator[SandboxOrder]:
        rng = self.rng
        seconds = sorted(first + int(rng.random() * max(1, now - first - 60)) for _ in range(count))
        render = RENDER[self.platform]
        for position, second in enumerate(seconds):
            if position and rng.random() < 0.03:  # several orders in one second
                second = seconds[position] = seconds[position - 1]
            order = self.factory.create(second)
            at_second = second
            while True:
                event = next_event(order, rng)
                if event is None:
                    break
                at_second += event[1]
                if at_second >= now:
                    self.open_order_ids.append(order.order_id)
                    break
                advance(order, event[0], at_second, rng)
            order.record = render(order)
            yield order

    def latest(self, order_id: str) -> SandboxOrder:
        """Return the latest version of an order, published or not. Raises KeyError."""
        draft = self.drafts.get(order_id)
        return draft if draft is not None else self.index.orders[order_id]

    def create_order(self, now: int) -> SandboxOrder:
        """Create an order at epoch second `now`, as a draft."""
        order = self.factory.create(now)
        self.open_order_ids.append(order.order_id)
        return self._add_draft(order)

    def change_order(self, order_id: str, now: int, event: str | None = None) -> SandboxOrder:
        """Apply an event, by default the next of the lifecycle, at epoch second `now`; return the draft.

        Raises ValueError for a sample order, which never changes.
        """
        order = self.latest(order_id)
        if order.quirk == SAMPLE:
            raise ValueError(f"{order_id} is a document's sample order and never changes")
        order = order.next_version()
        if event is None:
            following = next_event(order, self.rng)
            event = following[0] if following else FALLBACK_EVENT[self.platform]
        advance(order, event, now, self.rng)
        return self._add_draft(order)

    def _add_draft(self, order: SandboxOrder) -> SandboxOrder:
        order.record = RENDER[self.platform](order)
        self.drafts[order.order_id] = order
        return order

    def publish(self, order: SandboxOrder) -> None:
        """Add this version to the index, unless the index has a newer one."""
        former = self.index.orders.get(order.order_id)
        if former is not None and former.version >= order.version:
            return
        self.index.put(order)
        draft = self.drafts.get(order.order_id)
        if draft is not None and draft.version <= order.version:
            del self.drafts[order.order_id]

    def random_open_order_id(self) -> str | None:
        """Choose an order that may still change, by id; None if there is none. Removes others from `open_order_ids`."""
        while self.open_order_ids:
            position = int(self.rng.random() * len(self.open_order_ids))
            order = self.latest(self.open_order_ids[position])
            if next_event(order, seeded_rng(order.random_bits + order.version)) is not None:
                return order.order_id
            self.open_order_ids[position] = self.open_order_ids[-1]
            self.open_order_ids.pop()
        return None

    def malformed_kind(self, order_id: str) -> str | None:
        """Return how this order's record is malformed (malformed.KINDS); None for a valid record."""
        if order_id in self.malformed:
            return self.malformed[order_id]
        return malformed_kind_for(order_id, self.malformed_rate) if self.malformed_rate else None

    def served_record(self, order: SandboxOrder) -> bytes:
        """Return the record as served: malformed if this order is selected for that."""
        kind = self.malformed_kind(order.order_id)
        if kind is None:
            return order.record
        known = self._malformed_records.get(order.order_id)
        if known is None or known[:2] != (order.version, kind):
            known = (order.version, kind, malform_record(self.platform, order.record, kind))
            self._malformed_records[order.order_id] = known
        return known[2]

    def records(self, orders: list[SandboxOrder]) -> list[bytes]:
        """Return the records of these orders as served."""
        if self.malformed or self.malformed_rate:
            return [self.served_record(order) for order in orders]
        return [order.record for order in orders]

    def expected_values(self, order: SandboxOrder) -> ExpectedValues:
        """Return the expected values of an order; with `reject` and `reject_kind` if its record is malformed."""
        documented = self._sample_orders.get(order.order_id)
        expected = dict(documented.expected) if documented else expected_order(order)
        kind = self.malformed_kind(order.order_id)
        if kind is not None:
            expected.update(reject=True, reject_kind=kind)
        return expected


def _midnight(second: int) -> int:
    """Return the latest midnight in Shanghai that is not after this epoch second."""
    return (second + SHANGHAI) // DAY * DAY - SHANGHAI


def _account(number: int, platform: str, seed: int, history_from: datetime, orders: int) -> SandboxAccount:
    short = platform.removeprefix("xportcn_")
    suffix = f"-{(number - 1) // 3 + 1}" if number > 3 else ""
    name = f"sandbox-{short}{suffix}"

    def derived(what: str) -> str:
        return hashlib.sha256(f"{what} {name} {seed}".encode()).hexdigest()[:32]

    return SandboxAccount(
        name=name,
        platform=platform,
        seller=name if platform == "1688" else str(2_218_000_000_000 + number),
        app_id=f"{derived('app')[:8]}@sandbox" if platform == "1688" else derived("key"),
        app_secret=derived("secret"),
        history_from=history_from,
        orders=orders,
        hook_token="" if platform == "1688" else derived("hook token"),
    )


def _sample_order(platform: str, documented: Sample) -> SandboxOrder:
    return SandboxOrder(
        platform=platform,
        order_id=documented.order_id,
        order_no=documented.order_no,
        created=documented.created,
        modified=documented.modified,
        state=documented.state,
        lines=[],
        region=REGIONS[0],
        random_bits=0,
        quirk=SAMPLE,
        purchase_id=documented.purchase_id,
        record=documented.record,
    )
