"""Fields of forms and URLs that several pages have: days, accounts, states of orders."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.console.visit import Visit
from orders_sync.domain import local_times
from orders_sync.domain.errors import UsageError
from orders_sync.domain.statuses import StatusGroup
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_values

UNSHIPPED = "unshipped"  # a state that stands for several
GROUPS = {UNSHIPPED: (StatusGroup.AWAITING_SHIPMENT, StatusGroup.PARTLY_SHIPPED)}


def days(visit: Visit, first: str = "from", last: str = "to") -> tuple[datetime | None, datetime | None]:
    """Return the range of two days, both included, in the console's zone. Raises `UsageError`."""
    start, end = _day(visit, first), _day(visit, last)
    if end is not None:
        end = _day_after(end)
    if start and end and start >= end:
        raise UsageError(visit._("The first day lies after the last one."))
    return start, end


def _day(visit: Visit, name: str) -> datetime | None:
    text = visit.query.get(name, "").strip()
    if not text:
        return None
    try:
        return local_times.parse(text[:10])
    except ValueError as error:
        raise UsageError(str(error)) from None


def _day_after(start: datetime) -> datetime:
    return local_times.parse(local_times.day(start + timedelta(hours=36)))


def groups(visit: Visit) -> tuple[StatusGroup, ...]:
    """Return the states of orders that are asked for; empty for all. Raises `UsageError`."""
    state = visit.query.get("state", "")
    if not state:
        return ()
    if state in GROUPS:
        return GROUPS[state]
    try:
        return (StatusGroup(state),)
    except ValueError:
        raise UsageError(visit._("There is no such state of orders.")) from None


async def accounts(connection: Connection) -> list[str]:
    """Return the names of accounts to choose from, at most 1,000."""
    return await fetch_values(
        connection, "SELECT name FROM sync.accounts WHERE retired_at IS NULL ORDER BY name LIMIT 1000", None, str
    )
