"""Orders that were read, compared with the locked rows of the same orders: which are to be written, and how."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from orders_sync.domain.versions import Precedence, Version, precedence
from orders_sync.store.flat_orders import FlatOrder
from orders_sync.store.ownership import Ownership


class LockedOrder(msgspec.Struct, frozen=True):
    """The row of an order in `raw_orders`, as `statements.LOCK` returns it."""

    payload_hash: bytes
    rows_hash: bytes
    modified_at: datetime | None
    read_at: datetime
    time_went_back_at: datetime | None
    account: str

    @property
    def version(self) -> Version:
        """The version that is stored."""
        return Version(self.modified_at, self.read_at)


@dataclass(slots=True)
class Comparison:
    """Orders by what is to be done with them.

    Each is in one of these lists:

    - `stale`: older than what is stored, or deleted since. It is dropped.
    - `conflicting`: an account of another host holds the order; with the reason.
    - `equal`: nothing is to be written. Bytes and rows are the stored ones; or another account keeps the order and what
      was read may not replace it, whatever its bytes.
    - `same_rows`: other bytes. `rebuilt`: other rows. `changed`: both. Altered orders have other rows.

    Some are in one of these too:

    - `older_at_first`: stale, with an earlier modify time; it is remembered.
    - `went_back`: ids of orders whose modify time went back and is believed.
    - `taken`: ids of orders that the reader's account keeps from now on.
    - `caught_up`: orders up to date of which an older version was remembered; it is forgotten.
    """

    stale: list[FlatOrder] = field(default_factory=list)
    older_at_first: list[FlatOrder] = field(default_factory=list)
    conflicting: list[tuple[FlatOrder, str]] = field(default_factory=list)
    equal: list[FlatOrder] = field(default_factory=list)
    same_rows: list[FlatOrder] = field(default_factory=list)
    rebuilt: list[FlatOrder] = field(default_factory=list)
    changed: list[FlatOrder] = field(default_factory=list)
    went_back: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    caught_up: list[FlatOrder] = field(default_factory=list)

    @property
    def up_to_date(self) -> list[FlatOrder]:
        """All but the stale and the conflicting: the tables hold what was read, or what it must not replace."""
        return [*self.equal, *self.same_rows, *self.changed, *self.rebuilt]


def compare(
    orders: Sequence[FlatOrder],
    locked: Mapping[str, LockedOrder],
    remembered: Mapping[str, Version],
    ownership: Ownership,
    altered: Collection[str] = (),
) -> Comparison:
    """Compare orders with the locked rows of all of them.

    `remembered`: older versions that were read before, by id (`older_versions`). `ownership` has learned the owners of
    all orders, and records how this account lists those of active ones. `altered`: ids of orders that the tables hold
    other rows of than their payload became (`restoration`).
    """
    found = Comparison()
    for order in orders:
        stored = locked[order.order_id]
        if ownership.is_foreign(stored.account):
            if ownership.is_abandoned(stored.account):
                found.taken.append(order.order_id)
            if (reason := ownership.host_conflict(stored.account, order.order_id)) is not None:
                found.conflicting.append((order, reason))
                continue
            if order.order_id not in remembered and not ownership.is_abandoned(stored.account):
                ownership.record_listing(order.order_id, order.payload_hash, order.read_at)
                if not ownership.is_change(order.order_id, order.payload_hash, order.version, stored.version):
                    found.equal.append(order)
                    continue
        if order.payload_hash == stored.payload_hash:
            _add_equal_bytes(found, order, stored, altered)
            continue
        relation = precedence(order.version, stored.version, stored.time_went_back_at, remembered.get(order.order_id))
        if relation in (Precedence.OLDER, Precedence.OLDER_AT_FIRST):
            found.stale.append(order)
            if relation is Precedence.OLDER_AT_FIRST:
                found.older_at_first.append(order)
            continue
        if relation is Precedence.WENT_BACK:
            found.went_back.append(order.order_id)
        (found.same_rows if _has_same_rows(order, stored, altered) else found.changed).append(order)
    found.caught_up = [order for order in found.up_to_date if order.order_id in remembered]
    return found


def compare_rebuilt(
    orders: Sequence[FlatOrder], locked: Mapping[str, LockedOrder], altered: Collection[str]
) -> Comparison:
    """Compare the rows that stored payloads became anew; a payload that is another by now, or gone, is stale."""
    found = Comparison()
    for order in orders:
        stored = locked.get(order.order_id)
        if stored is None or stored.payload_hash != order.payload_hash:
            found.stale.append(order)
        else:
            _add_equal_bytes(found, order, stored, altered)
    return found


def _has_same_rows(order: FlatOrder, stored: LockedOrder, altered: Collection[str]) -> bool:
    return order.rows_hash == stored.rows_hash and order.order_id not in altered


def _add_equal_bytes(found: Comparison, order: FlatOrder, stored: LockedOrder, altered: Collection[str]) -> None:
    has_same_rows = _has_same_rows(order, stored, altered)
    if stored.time_went_back_at == stored.read_at and not has_same_rows:
        found.went_back.append(order.order_id)  # it still is the version that was believed
    (found.equal if has_same_rows else found.rebuilt).append(order)
