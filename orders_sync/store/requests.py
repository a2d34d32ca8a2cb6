"""Requests of people that the running service takes: `sync` by whoever plans the account, `audit` by a worker.

    audit: waits --taken--> taken --> finished
    sync:  waits --taken--> finished: once its windows are planned, the ledger keeps them

One that waits is not added twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from orders_sync.domain.requests import RequestKind
from orders_sync.store import ledger
from orders_sync.store.database import Connection
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import fetch_row, fetch_rows, fetch_value, fetch_values

MOST_LOOKED_AT = 1000  # requests that are read of those that have not ended, and of those that have
RETAKEN_AFTER = "10 minutes"  # an audit whose worker lost the database is begun once more

_ADD = """
WITH waiting AS (
    SELECT id FROM sync.requests
    WHERE account = %(account)s AND kind = %(kind)s AND taken_at IS NULL AND finished_at IS NULL
        AND (starts_at, ends_at, repair)
            IS NOT DISTINCT FROM (%(start)s::timestamptz, %(end)s::timestamptz, %(repair)s)
), made AS (
    INSERT INTO sync.requests (account, kind, starts_at, ends_at, repair, requested_by)
    SELECT %(account)s, %(kind)s, %(start)s, %(end)s, %(repair)s, %(person)s
    WHERE NOT EXISTS (SELECT FROM waiting) RETURNING id
)
SELECT id FROM waiting UNION ALL SELECT id FROM made LIMIT 1
"""
_TAKE_SYNC = """
UPDATE sync.requests SET taken_at = clock_timestamp(), finished_at = clock_timestamp()
WHERE account = %s AND kind = 'sync' AND finished_at IS NULL
"""
# only one job audits an account at a time: a taken request that has not ended belongs to one that died
_TAKE_AUDIT = """
UPDATE sync.requests SET taken_at = clock_timestamp()
WHERE id = (
    SELECT id FROM sync.requests WHERE account = %s AND kind = 'audit' AND finished_at IS NULL
    ORDER BY id LIMIT 1 FOR UPDATE
)
RETURNING id, starts_at, ends_at, repair
"""
_WITH_AUDITS = f"""
SELECT DISTINCT r.account FROM sync.requests AS r JOIN sync.accounts AS a ON a.name = r.account
WHERE r.account = ANY (%s) AND r.kind = 'audit' AND r.finished_at IS NULL
    AND (r.taken_at IS NULL OR r.taken_at < clock_timestamp() - interval '{RETAKEN_AFTER}')
    AND a.suspended_at IS NULL AND NOT {IS_PAUSED}
ORDER BY r.account
"""
# one that ended before its audit began is in no row of `sync.audits`
_AUDITS_ASKED = """
SELECT id, account, starts_at, ends_at, requested_at, requested_by, taken_at, finished_at, error FROM (
    (SELECT * FROM sync.requests WHERE finished_at IS NULL ORDER BY id DESC LIMIT %(most)s)
    UNION ALL
    (SELECT * FROM sync.requests WHERE finished_at > clock_timestamp() - interval '7 d'
        ORDER BY finished_at DESC LIMIT %(most)s)
) AS r
WHERE kind = 'audit' AND (%(account)s::text IS NULL OR account = %(account)s) AND (finished_at IS NULL
    OR error IS NOT NULL AND NOT EXISTS (
        SELECT FROM sync.audits AS a
        WHERE a.account = r.account AND a.started_at BETWEEN r.taken_at AND r.finished_at))
ORDER BY id DESC LIMIT %(limit)s
"""
_OBSTACLE = f"""
SELECT CASE WHEN a.removed_at IS NOT NULL OR a.retired_at IS NOT NULL THEN 'removed'
    WHEN {IS_PAUSED} THEN 'paused' WHEN a.suspended_at IS NOT NULL THEN 'suspended' ELSE '' END
FROM sync.accounts AS a WHERE name = %s FOR UPDATE
"""


class Obstacle(StrEnum):
    """The reason why a request for an account is refused. That the account rests or is misconfigured is none."""

    REMOVED = "removed"  # from the settings, or retired
    PAUSED = "paused"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"  # there is no account of that name
    NONE = ""


class AuditRequest(msgspec.Struct, frozen=True):
    """An audit that was asked for, of `[starts_at, ends_at)` of creation time; None: as far as there is anything."""

    id: int
    starts_at: datetime | None
    ends_at: datetime | None
    repair: bool


class OpenRequest(msgspec.Struct, frozen=True):
    """A request that has not ended. `taken_at`: None while it waits."""

    id: int
    account: str
    kind: RequestKind
    requested_at: datetime
    requested_by: str
    taken_at: datetime | None


class AskedAudit(msgspec.Struct, frozen=True):
    """A request for an audit that has not ended (`finished_at` is None), or that ended before its audit began."""

    id: int
    account: str
    starts_at: datetime | None
    ends_at: datetime | None
    requested_at: datetime
    requested_by: str
    taken_at: datetime | None
    finished_at: datetime | None
    error: str | None


async def add(
    connection: Connection,
    account: str,
    kind: RequestKind,
    person: str,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    repair: bool = False,
) -> int:
    """Add a request and return its number; that of an equal one where it waits already.

    In a transaction that has locked the account's row (`obstacle`).
    """
    values = {"account": account, "kind": kind, "person": person, "start": start, "end": end, "repair": repair}
    return await fetch_value(connection, _ADD, values, int)


async def obstacle(connection: Connection, account: str) -> Obstacle:
    """Lock an account's row and return why a request for it is refused."""
    found = await fetch_values(connection, _OBSTACLE, [account], Obstacle)
    return found[0] if found else Obstacle.UNKNOWN


async def take_sync(connection: Connection, account: str) -> bool:
    """Take the requests to read an account, and return whether there are any. In the transaction that plans it."""
    return (await connection.execute(_TAKE_SYNC, [account])).rowcount > 0


async def take_audit(connection: Connection, account: str) -> AuditRequest | None:
    """Take the oldest request for an audit of an account; None if there is none. In the job of its audits only."""
    return await fetch_row(connection, _TAKE_AUDIT, [account], AuditRequest)


async def finish(connection: Connection, number: int, error: str | None = None) -> None:
    """Record that an audit has ended, with its error."""
    query = "UPDATE sync.requests SET finished_at = clock_timestamp(), error = %s WHERE id = %s"
    await connection.execute(query, [ledger.shortened_error(error), number])


async def with_audits(connection: Connection, accounts: Sequence[str]) -> list[str]:
    """Return the accounts that can be read and have a request for an audit which waits or was taken long ago."""
    return await fetch_values(connection, _WITH_AUDITS, [list(accounts)], str)


async def not_ended(connection: Connection, accounts: Sequence[str], limit: int = 100) -> list[OpenRequest]:
    """Return the requests for these accounts that have not ended, the oldest first."""
    query = """
        SELECT id, account, kind, requested_at, requested_by, taken_at FROM sync.requests
        WHERE account = ANY (%s) AND finished_at IS NULL ORDER BY id LIMIT %s
    """
    return await fetch_rows(connection, query, [list(accounts), limit], OpenRequest)


async def audits_asked(connection: Connection, account: str | None = None, limit: int = 20) -> list[AskedAudit]:
    """Return the newest audits that were asked for and wait or run, and those of a week that could not begin."""
    values = {"account": account, "limit": limit, "most": MOST_LOOKED_AT}
    return await fetch_rows(connection, _AUDITS_ASKED, values, AskedAudit)
