"""Figures of some accounts for the overview: the last comparison with the platform, and the orders of two days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from orders_sync.domain import local_times
from orders_sync.store.console.capped import capped
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows

HOURS = 24  # of the sparkline
_RECENT_AUDITS = 20

# an audit of one day, made by hand, does not replace the figures of everything: of the newest audits the newest that
# covers at least half of the longest range
_COMPARED = f"""
SELECT n.name, c.id AS audit, c.starts_at, c.ends_at, c.finished_at, c.platform_orders, c.table_orders,
    c.rejects, c.awaited,
    {capped("FROM orders AS o WHERE o.account = n.name AND o.created_at >= c.ends_at")} AS placed_since
FROM unnest(%(names)s::text[]) AS n (name)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT *, max(ends_at - starts_at) OVER () AS longest FROM (
            SELECT id, starts_at, ends_at, started_at, finished_at, platform_orders, table_orders, rejects,
                awaited
            FROM sync.audits
            WHERE account = n.name AND finished_at IS NOT NULL AND error IS NULL
            ORDER BY started_at DESC LIMIT {_RECENT_AUDITS}
        ) AS recent
    ) AS measured
    WHERE ends_at - starts_at >= longest / 2 ORDER BY started_at DESC LIMIT 1
) AS c
"""

_OF_ACCOUNT = "FROM orders AS o WHERE o.account = n.name AND o.created_at >= {} AND o.created_at < {}"
_PLACED = f"""
SELECT n.name, {capped(_OF_ACCOUNT.format("%(today)s", "%(now)s"))} AS today,
    {capped(_OF_ACCOUNT.format("%(yesterday)s", "%(then)s"))} AS yesterday_by_now,
    {capped(_OF_ACCOUNT.format("%(yesterday)s", "%(today)s"))} AS yesterday
FROM unnest(%(names)s::text[]) AS n (name)
"""

_BY_HOUR = f"""
SELECT n.name, array_agg({capped(_OF_ACCOUNT.format("h.start", "h.start + interval '1 h'"))} ORDER BY h.start) AS orders
FROM unnest(%(names)s::text[]) AS n (name),
    generate_series(%(since)s, %(since)s + interval '{HOURS - 1} h', interval '1 h') AS h (start)
GROUP BY n.name
"""


class AuditedCounts(msgspec.Struct, frozen=True):
    """The result of an audit of `[starts_at, ends_at)`, by time of creation. Ours include open `rejects`.

    `awaited`: orders that the next sync was to read anyway; None where an earlier version did not count them.
    `placed_since`: orders of ours placed after that range, counted up to `capped.MOST_COUNTED`.
    """

    name: str
    audit: int
    starts_at: datetime
    ends_at: datetime
    finished_at: datetime
    platform_orders: int | None
    table_orders: int | None
    rejects: int | None = None
    awaited: int | None = None
    placed_since: int = 0

    @property
    def here(self) -> int | None:
        """The orders that were in the tables, without rejects; None where that is not known."""
        return None if self.table_orders is None else self.table_orders - (self.rejects or 0)

    @property
    def difference(self) -> int | None:
        """The orders that the platform counts beyond ours; negative where ours are more. None where one is unknown."""
        if self.platform_orders is None or self.table_orders is None:
            return None
        return self.platform_orders - self.table_orders


class Placed(msgspec.Struct, frozen=True):
    """The number of orders by time of creation, each counted up to `capped.MOST_COUNTED`.

    `yesterday_by_now`: of yesterday up to the same time of day.
    """

    name: str
    today: int = 0
    yesterday_by_now: int = 0
    yesterday: int = 0


class Figures(msgspec.Struct, frozen=True):
    """The figures of an account. `by_hour`: orders by time of creation in the last `HOURS`, the oldest hour first."""

    placed: Placed
    by_hour: Sequence[int]
    compared: AuditedCounts | None = None


class _ByHour(msgspec.Struct, frozen=True):
    name: str
    orders: list[int]


async def figures(connection: Connection, names: Sequence[str], now: datetime) -> dict[str, Figures]:
    """Return the figures of these accounts, by name. For a page of them: the cost follows their number.

    `now`: the database's clock. Days are those of the zone that people see (`local_times`).
    """
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    day = local_times.date_of(now)
    today, yesterday = local_times.start_of(day), local_times.start_of(day - timedelta(days=1))
    values: dict[str, object] = {
        "names": list(names),
        "now": now,
        "today": today,
        "yesterday": yesterday,
        "then": min(today, yesterday + (now - today)),
        "since": since,
    }
    compared = {each.name: each for each in await fetch_rows(connection, _COMPARED, values, AuditedCounts)}
    placed = {each.name: each for each in await fetch_rows(connection, _PLACED, values, Placed)}
    by_hour = {each.name: each.orders for each in await fetch_rows(connection, _BY_HOUR, values, _ByHour)}
    return {name: Figures(placed[name], by_hour[name], compared.get(name)) for name in names}
