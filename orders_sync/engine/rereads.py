"""Plan another read of orders that the read of a window did not bring, or brought unchanged.

A list by status is read like any other, though orders enter it while it is paged. An order that enters shifts all later
ones by one place, possibly from a page that is still to be read to one that was read already; while another one leaves,
the count does not show it. So neither the order of pages nor the total can prove such a list, and it proves no
range: orders that the tables hold in its status and that it did not bring are planned by creation time, which never
moves, in the transaction that closes it.
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
    """Orders stored in a status whose list did not bring them: most have another one by now.

    `windows`: of creation time, oldest first, in which they are to be read.
    """

    windows: list[Window]
    orders: list[Wanted]


def proves_absence(claim: Claim, source: AccountSource, records: list[Record]) -> bool:
    """Return True if a stored order that this read did not bring is certainly not listed.

    Then the read covered all orders of its range by creation time, the range lies within the platform's reach, and
    every record names its order.
    """
    is_by_creation = claim.feed is Feed.CREATED and claim.status is None and not source.policy.trusts_filter
    beyond, _ = at_reach(claim.window, claim.now, source.platform.furthest_back)
    return (
        claim.kind in (WindowKind.HOOK, WindowKind.REPAIR, WindowKind.SWEEP)
        and is_by_creation
        and beyond is None
        and all(record.order_id is not None for record in records)
    )


async def orders_that_left_status(
    connection: Connection, claim: Claim, source: AccountSource, records: list[Record], page_size: int
) -> LeftStatus:
    """Return the orders stored in the claim's status that its list did not bring; none for a list of all orders.

    Orders that another read has seen in another status meanwhile are not among them.
    """
    if claim.status is None:
        return LeftStatus([], [])
    brought = _order_ids(records)
    hours = await sweep_queries.hours_not_brought(
        connection, claim.account, claim.window, claim.status, brought, page_size
    )
    windows = [
        window
        for each in merge_hours(hours, page_size)
        for window in tile(each.window.start, each.window.end, source.policy.longest_window)
    ]
    orders = await sweep_queries.orders_not_brought(connection, claim.account, claim.window, claim.status, brought)
    return LeftStatus(windows, orders)


async def follow_up(
    connection: Connection, claim: Claim, source: AccountSource, records: list[Record], calls: int
) -> None:
    """Plan another read of orders that this one did not bring, or brought unchanged.

    Those that the last of these reads did not bring are recorded as unlisted. `calls`: the calls this read took.
    """
    platform = source.platform.name
    not_brought: list[Wanted] = []
    if proves_absence(claim, source, records):
        not_brought = await unlisted.not_brought(connection, claim, platform, _order_ids(records))
    await followups.repeat(connection, claim, source.policy.overlap, not_brought, calls=calls)
    ids = [order.order_id for order in not_brought if order.order_id in claim.orders]
    if ids and claim.repeats == followups.REPEATS:
        await unlisted.record(connection, claim, platform, ids)


def _order_ids(records: list[Record]) -> list[str]:
    return [record.order_id for record in records if record.order_id is not None]
