"""Audits as an operator sees them: which there were, what each found, what was acknowledged."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from orders_sync.store.database import Connection
from orders_sync.store.progress import PROGRESS
from orders_sync.store.queries import fetch_optional, fetch_row, fetch_rows, fetch_value

SILENCE = timedelta(minutes=3)  # an audit that runs reports twice a minute

# of the rows of `sync.audits` that the text before it chooses
_REPORT = f"""
), read AS (
    SELECT name, past FROM ({PROGRESS}) AS p WHERE name IN (SELECT account FROM a WHERE awaited > 0)
)
SELECT a.id, a.account, a.starts_at, a.ends_at, a.started_at, a.finished_at, a.is_routine, a.platform_orders,
    a.table_orders, a.rejects, a.awaited, coalesce(r.past >= a.finished_at, false) AS are_awaited_read,
    a.calls, a.error, d.differences, d.open, d.acknowledged, d.missing, d.not_listed,
    CASE WHEN a.error IS NOT NULL THEN 'failed' WHEN a.finished_at IS NOT NULL THEN 'finished'
        WHEN a.seen_at > clock_timestamp() - %(silence)s THEN 'running' ELSE 'interrupted' END AS state
FROM a LEFT JOIN read AS r ON r.name = a.account CROSS JOIN LATERAL (
    SELECT count(*) AS differences,
        count(*) FILTER (WHERE repaired_at IS NULL AND acknowledged_at IS NULL) AS open,
        count(*) FILTER (WHERE repaired_at IS NULL AND acknowledged_at IS NOT NULL) AS acknowledged,
        coalesce(sum(missing) FILTER (WHERE repaired_at IS NULL), 0)::bigint AS missing,
        coalesce(sum(cardinality(not_listed_ids)) FILTER (WHERE repaired_at IS NULL), 0)::bigint AS not_listed
    FROM sync.audit_differences WHERE audit_id = a.id
) AS d
ORDER BY a.id DESC
"""
_ONE = f"WITH a AS (SELECT * FROM sync.audits WHERE id = %(number)s {_REPORT}"
# the open ones by their own index: few
_LIST = f"""
WITH a AS (
    SELECT * FROM sync.audits
    WHERE id < %(before)s AND (%(account)s::text IS NULL OR account = %(account)s)
        AND (NOT %(only_open)s OR id = ANY (ARRAY(
            SELECT audit_id FROM sync.audit_differences WHERE repaired_at IS NULL AND acknowledged_at IS NULL)))
    ORDER BY id DESC LIMIT %(limit)s
{_REPORT}"""
_DIFFERENCES = """
SELECT feed, starts_at, ends_at, platform_orders, table_orders, missing, coalesce(missing_ids, '{}') AS missing_ids,
    coalesce(older_ids, '{}') AS older_ids, coalesce(not_listed_ids, '{}') AS not_listed_ids, repaired_at, settled_by,
    acknowledged_at, acknowledged_by, acknowledged_because
FROM sync.audit_differences WHERE audit_id = %(number)s ORDER BY starts_at, feed LIMIT %(most)s
"""
_LAST_ID = 2**63 - 1


class AuditReport(msgspec.Struct, frozen=True):
    """One audit of `[starts_at, ends_at)`.

    `state`: running; finished; failed, with `error`; or interrupted, where its process was killed. `differences` in
    all, those that are still `open`, those that are `acknowledged` instead. `missing`, `not_listed`: orders of the
    differences that no read ended. `rejects`: open ones among `table_orders`, which are no orders here. `awaited`:
    orders that were no difference, for the next sync reads them anyway; it has where `are_awaited_read`. Both are None
    where an earlier version did not count them.
    """

    id: int
    account: str
    state: str
    starts_at: datetime
    ends_at: datetime
    started_at: datetime
    finished_at: datetime | None
    is_routine: bool
    platform_orders: int | None
    table_orders: int | None
    rejects: int | None
    awaited: int | None
    are_awaited_read: bool
    calls: int
    differences: int
    open: int
    acknowledged: int
    missing: int
    not_listed: int
    error: str | None

    @property
    def here(self) -> int | None:
        """The orders that were in the tables, without rejects; None where that is not known."""
        return None if self.table_orders is None else self.table_orders - (self.rejects or 0)


class DifferenceReport(msgspec.Struct, frozen=True):
    """One range that differed. The columns of `sync.audit_differences`; ids are empty where they are not known."""

    feed: str
    starts_at: datetime
    ends_at: datetime
    platform_orders: int
    table_orders: int
    missing: int | None
    missing_ids: list[str]
    older_ids: list[str]
    not_listed_ids: list[str]
    repaired_at: datetime | None
    settled_by: int | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_because: str | None

    @property
    def state(self) -> str:
        """Say what became of it: repaired, settled by a later audit, acknowledged, or open."""
        if self.settled_by is not None:
            return f"see audit {self.settled_by}"
        if self.repaired_at is not None:
            return "repaired"
        return "open" if self.acknowledged_at is None else "acknowledged"


async def listed(
    connection: Connection,
    account: str | None = None,
    limit: int = 20,
    *,
    only_open: bool = False,
    before: int | None = None,
) -> list[AuditReport]:
    """Return the newest audits, or the newest with differences that are open.

    `before`: the number of the last one of the page before.
    """
    values = {
        "silence": SILENCE,
        "account": account,
        "limit": limit,
        "only_open": only_open,
        "before": _LAST_ID if before is None else before,
    }
    return await fetch_rows(connection, _LIST, values, AuditReport)


async def report(
    connection: Connection, number: int, most: int | None = None
) -> tuple[AuditReport, list[DifferenceReport]] | None:
    """Return an audit with its differences, the earliest range first; None for an unknown number.

    `most`: of the differences; None for all of them.
    """
    values = {"silence": SILENCE, "number": number, "most": most}
    found = await fetch_row(connection, _ONE, values, AuditReport)
    if found is None:
        return None
    return found, await fetch_rows(connection, _DIFFERENCES, values, DifferenceReport)


async def account_of(connection: Connection, number: int) -> str | None:
    """Return the account of an audit, None for an unknown number."""
    return await fetch_optional(connection, "SELECT account FROM sync.audits WHERE id = %s", [number], str)


async def acknowledge(connection: Connection, number: int, because: str, person: str) -> int:
    """Acknowledge the open differences of an audit, and return how many there were. `person`: who says so.

    They are no problem any more; a later audit that finds the same orders takes it over.
    """
    query = """
        WITH done AS (
            UPDATE sync.audit_differences SET acknowledged_at = clock_timestamp(), acknowledged_by = %s,
                acknowledged_because = %s
            WHERE audit_id = %s AND repaired_at IS NULL AND acknowledged_at IS NULL RETURNING 1
        )
        SELECT count(*) FROM done
    """
    return await fetch_value(connection, query, [person, because, number], int)
