"""Audits as an operator sees them: which there were, what each found, what was acknowledged."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from orders_sync.store.database import Connection
from orders_sync.store.open_differences import unsettled_ranges
from orders_sync.store.progress import PROGRESS
from orders_sync.store.queries import fetch_optional, fetch_row, fetch_rows, fetch_value

SILENCE = timedelta(minutes=3)  # an audit that runs reports twice a minute

# of the rows of `sync.audits` that the text before it chooses. Figures by creation time add up to the platform's count
_REPORT = f"""
), read AS (
    SELECT name, read_to FROM ({PROGRESS}) AS p WHERE name IN (SELECT account FROM a WHERE awaited > 0)
), unsettled AS MATERIALIZED (
    {unsettled_ranges("d.audit_id IN (SELECT id FROM a)")}
), d AS MATERIALIZED (
    SELECT d.*, u.audit_id IS NOT NULL AND NOT u.is_read AS is_unsettled, u.unnamed, u.still_missing_ids
    FROM sync.audit_differences AS d LEFT JOIN unsettled AS u USING (audit_id, feed, starts_at)
    WHERE d.audit_id IN (SELECT id FROM a)
)
SELECT a.id, a.account, a.starts_at, a.ends_at, a.started_at, a.finished_at, a.is_routine, a.platform_orders,
    a.table_orders, a.rejects, a.awaited, coalesce(r.read_to >= a.finished_at, false) AS are_awaited_read,
    a.calls, a.error, found.*, (found.unnamed + named.orders)::bigint AS missing, changed.orders AS changed_then,
    CASE WHEN a.error IS NOT NULL THEN 'failed' WHEN a.finished_at IS NOT NULL THEN 'finished'
        WHEN a.seen_at > clock_timestamp() - %(silence)s THEN 'running' ELSE 'interrupted' END AS state
FROM a LEFT JOIN read AS r ON r.name = a.account CROSS JOIN LATERAL (
    SELECT count(*) AS differences,
        count(*) FILTER (WHERE is_unsettled AND acknowledged_at IS NULL) AS open,
        count(*) FILTER (WHERE is_unsettled AND acknowledged_at IS NOT NULL) AS acknowledged,
        coalesce(sum(d.missing) FILTER (WHERE feed = 'created'), 0)::bigint AS missing_then,
        coalesce(sum(cardinality(not_listed_ids)) FILTER (WHERE feed = 'created'), 0)::bigint AS not_listed_then,
        coalesce(sum(cardinality(not_listed_ids)) FILTER (WHERE is_unsettled), 0)::bigint AS not_listed,
        coalesce(greatest(sum(d.missing) FILTER (WHERE settled_by IS NOT NULL AND feed = 'created'),
            sum(d.missing) FILTER (WHERE settled_by IS NOT NULL AND feed <> 'created')), 0)::bigint AS compared_again,
        coalesce(greatest(sum(unnamed) FILTER (WHERE is_unsettled AND feed = 'created'),
            sum(unnamed) FILTER (WHERE is_unsettled AND feed <> 'created')), 0)::bigint AS unnamed
    FROM d WHERE d.audit_id = a.id
) AS found CROSS JOIN LATERAL (
    SELECT count(DISTINCT n.id) AS orders FROM d, unnest(d.still_missing_ids) AS n (id)
    WHERE d.audit_id = a.id AND is_unsettled
) AS named CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM (
        SELECT unnest(missing_ids || older_ids) FROM d WHERE d.audit_id = a.id AND feed <> 'created'
        EXCEPT SELECT unnest(missing_ids) FROM d WHERE d.audit_id = a.id AND feed = 'created'
    ) AS ids
) AS changed
ORDER BY a.id DESC
"""
_ONE = f"WITH a AS (SELECT * FROM sync.audits WHERE id = %(number)s {_REPORT}"
# the open ones by their own index: few
_LIST = f"""
WITH a AS (
    SELECT * FROM sync.audits
    WHERE id < %(before)s AND (%(account)s::text IS NULL OR account = %(account)s)
        AND (NOT %(only_open)s OR id = ANY (ARRAY(
            SELECT audit_id FROM ({unsettled_ranges()}) AS r WHERE NOT is_read AND acknowledged_at IS NULL)))
    ORDER BY id DESC LIMIT %(limit)s
{_REPORT}"""
_DIFFERENCES = f"""
SELECT d.feed, d.starts_at, d.ends_at, d.platform_orders, d.table_orders, d.missing,
    coalesce(d.missing_ids, '{{}}') AS missing_ids, coalesce(d.older_ids, '{{}}') AS older_ids,
    coalesce(d.not_listed_ids, '{{}}') AS not_listed_ids, coalesce(u.still_missing_ids, '{{}}') AS still_missing_ids,
    coalesce(u.is_read, false) AS is_read, d.repaired_at, d.settled_by, d.acknowledged_at, d.acknowledged_by,
    d.acknowledged_because
FROM sync.audit_differences AS d LEFT JOIN (
    {unsettled_ranges("d.audit_id = %(number)s")}
) AS u USING (audit_id, feed, starts_at)
WHERE d.audit_id = %(number)s ORDER BY d.starts_at, d.feed LIMIT %(most)s
"""
_LAST_ID = 2**63 - 1


class AuditReport(msgspec.Struct, frozen=True):
    """One audit of `[starts_at, ends_at)`.

    `state`: running; finished; failed, with `error`; or interrupted, where its process was killed. `differences` in
    all, those that are still `open`, those that are `acknowledged` instead.

    As it was then, by creation time: `platform_orders` = `here` + `missing_then` + `rejects` + `awaited_then` -
    `not_listed_then`. `changed_then`: other orders that the list by update time showed, not here or here in an older
    version. `rejects`: open ones among `table_orders`, which are no orders here. `awaited`: orders that were no
    difference, for the next sync reads them anyway; it has where `are_awaited_read`. Both are None where an earlier
    version did not count them.

    As it is now: `missing`, orders that no read has brought; `compared_again`, orders of ranges that a later audit
    speaks of instead; `read_since`, the rest. `not_listed`: orders here that the platform no longer listed.
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
    missing_then: int
    changed_then: int
    not_listed_then: int
    missing: int
    compared_again: int
    not_listed: int
    error: str | None

    @property
    def here(self) -> int | None:
        """The orders that were in the tables, without rejects; None where that is not known."""
        return None if self.table_orders is None else self.table_orders - (self.rejects or 0)

    @property
    def awaited_then(self) -> int | None:
        """The orders by creation time that were no difference, for the next sync was to read them anyway."""
        if self.platform_orders is None or self.table_orders is None:
            return self.awaited
        return max(0, self.platform_orders - self.table_orders - self.missing_then + self.not_listed_then)

    @property
    def read_since(self) -> int:
        """The orders that were missing, or here in an older version, and were read since."""
        return max(0, self.missing_then + self.changed_then - self.missing - self.compared_again)


class DifferenceReport(msgspec.Struct, frozen=True):
    """One range that differed. The columns of `sync.audit_differences`; ids are empty where they are not known.

    `still_missing_ids`: those of `missing_ids` and `older_ids` that no read has brought since; `is_read`: every order
    of it was.
    """

    feed: str
    starts_at: datetime
    ends_at: datetime
    platform_orders: int
    table_orders: int
    missing: int | None
    missing_ids: list[str]
    older_ids: list[str]
    not_listed_ids: list[str]
    still_missing_ids: list[str]
    is_read: bool
    repaired_at: datetime | None
    settled_by: int | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_because: str | None

    @property
    def state(self) -> str:
        """Say what became of it: repaired (read since), settled by a later audit, acknowledged, or open."""
        if self.settled_by is not None:
            return f"see audit {self.settled_by}"
        if self.repaired_at is not None or self.is_read:
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

    They are no longer a problem; a later audit that finds the same orders takes that over.
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
