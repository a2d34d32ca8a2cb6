"""Orders to be read again after a window landed, because its read did not bring them or brought them unchanged.

A list by status is read like any other, though orders enter it while it is paged. One that enters moves those behind it
a place back, from a page still to be read into one that was, and while another leaves the count does not show it: no
reading order and no total prove such a list. So nothing depends on it. What the tables hold in its status and it did
not bring is planned by creation time, which never moves, in the transaction that closes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from orders_sync.domain.emptiness import at_reach
from orders_sync.domain.ledger import Claim, Wanted
from orders_sync.domain.records import Record
from orders_sync.domain.sweep_cost import merge_hours
from orders_sync.domain.windows import Feed, Window, WindowKind, tile
from orders_sync.engine.sources import AccountSource
from orders_sync.store import followups, sweep_queries, unlisted
from orders_sync.store.database import Connection


@dataclass(frozen=True, slots=True)
class LeftStatus:
    """Orders stored in the status of a list that did not bring them, and the windows of creation time to read."""

    windows: list[Window]
    orders: list[Wanted]


def proves_absence(claim: Claim, source: AccountSource, records: list[Record]) -> bool:
    """Return True if an order that the tables hold and this read did not bring is not listed.

    It lists by creation time all orders of a range within the platform's reach, and each record names its order.
    """
    is_by_creation = claim.feed is Feed.CREATED and claim.status is None and not source.policy.trusts_filter
    beyond, _ = at_reach(claim.window, claim.now, source.platform.furthest_back)
    return (
        claim.kind in (WindowKind.HOOK, WindowKind.REPAIR, WindowKind.SWEEP)
        and is_by_creation
        and beyond is None
        and all(record.order_id is not None for record in records)
    )


async def left_status(
    connection: Connection, claim: Claim, source: AccountSource, records: list[Record], page_size: int
) -> LeftStatus:
    """Return the orders stored in the claim's status that its list did not bring; none for a list of all orders.

    Orders that another read has seen in another status meanwhile are not among them.
    """
    if claim.status is None:
        return LeftStatus([], [])
    brought = _order_ids(records)
    hours = await sweep_queries.hours_missing_from_list(
        connection, claim.account, claim.window, claim.status, brought, page_size
    )
    windows = [
        part
        for whole in merge_hours(hours, page_size)
        for part in tile(whole.window.start, whole.window.end, source.policy.longest_window)
    ]
    orders = await sweep_queries.orders_missing_from_list(
        connection, claim.account, claim.window, claim.status, brought
    )
    return LeftStatus(windows, orders)


async def follow_up(
    connection: Connection, claim: Claim, source: AccountSource, records: list[Record], calls: int
) -> None:
    """Plan another read of orders that this one did not bring, or brought unchanged; after the last, record them.

    `calls`: the calls this read took.
    """
    platform = source.platform.name
    absent: list[Wanted] = []
    if proves_absence(claim, source, records):
        absent = await unlisted.not_brought(connection, claim, platform, _order_ids(records))
    await followups.repeat(connection, claim, source.policy.overlap, absent, calls=calls)
    gone = [order.order_id for order in absent if order.order_id in claim.orders]
    if gone and claim.repeats == followups.REPEATS:
        await unlisted.record(connection, claim, platform, gone)


def _order_ids(records: list[Record]) -> list[str]:
    return [record.order_id for record in records if record.order_id is not None]
