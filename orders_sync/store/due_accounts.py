"""Due accounts, for a scheduler that asks every few seconds: one query for any number of accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from orders_sync.domain.accounts import Account, SyncPolicy
from orders_sync.domain.ledger import CLOCK_TOLERANCE
from orders_sync.store.database import Connection
from orders_sync.store.empty_history import NEXT_READ
from orders_sync.store.ledger import RETRY_AT
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import fetch_values

# due is also an account that is planned into the future, since the database's clock was put back: planning it says so;
# and a suspended one once its credentials are other ones. Waiting windows do not make an account due while it rests
_DUE = f"""
SELECT n.name
FROM unnest(%(names)s::text[], %(fingerprints)s::text[], %(lags)s::interval[], %(intervals)s::interval[])
    AS n (name, fingerprint, lag, every)
LEFT JOIN sync.accounts AS a ON a.name = n.name
LEFT JOIN LATERAL (
    SELECT max(ends_at) AS planned_to FROM sync.windows AS w WHERE w.account = n.name AND w.kind = 'incremental'
) AS w ON true
WHERE a.name IS NULL
   OR NOT {IS_PAUSED} AND a.suspended_at IS NOT NULL AND a.credentials <> n.fingerprint
   OR NOT {IS_PAUSED} AND a.suspended_at IS NULL AND (
        w.planned_to IS NULL
        OR clock_timestamp() - n.lag - w.planned_to >= n.every
        OR greatest(w.planned_to, a.watermark) > clock_timestamp() + greatest(n.lag, interval '0') + %(tolerance)s
        OR {NEXT_READ} <= clock_timestamp()
        OR EXISTS (SELECT FROM sync.backfills AS b WHERE b.account = n.name AND b.state = 'requested')
        OR EXISTS (
            SELECT FROM sync.requests AS q
            WHERE q.account = n.name AND q.kind = 'sync' AND q.finished_at IS NULL
        )
        OR EXISTS (SELECT FROM sync.messages AS m WHERE m.account = n.name AND m.handled_at IS NULL)
        OR EXISTS (
            SELECT FROM sync.windows AS o WHERE o.account = n.name AND (
                o.state = 'failed' AND {RETRY_AT} <= clock_timestamp()
                OR (o.state = 'planned' AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
                    OR o.state = 'running' AND o.lease_until < clock_timestamp())
                    AND (a.rests_until IS NULL OR a.rests_until < clock_timestamp())
            )
        )
   )
ORDER BY w.planned_to NULLS FIRST
"""

_DUE_FOR_AUDIT = f"""
SELECT n.name FROM unnest(%s::text[]) AS n (name)
JOIN sync.accounts AS a ON a.name = n.name AND a.watermark IS NOT NULL AND a.suspended_at IS NULL
    AND NOT {IS_PAUSED}
LEFT JOIN LATERAL (
    SELECT started_at, finished_at, error FROM sync.audits
    WHERE account = n.name AND is_routine ORDER BY started_at DESC LIMIT 1
) AS last ON true
WHERE last.started_at IS NULL
   OR last.started_at < clock_timestamp() - %s
   OR (last.error IS NOT NULL OR last.finished_at IS NULL) AND last.started_at < clock_timestamp() - %s
"""


async def accounts(connection: Connection, asked: Iterable[tuple[Account, SyncPolicy]]) -> list[str]:
    """Return the names of accounts that are to be planned or read now, the one that is furthest behind first."""
    pairs = list(asked)
    return await fetch_values(
        connection,
        _DUE,
        {
            "names": [account.name for account, _ in pairs],
            "fingerprints": [account.fingerprint for account, _ in pairs],
            "lags": [policy.lag for _, policy in pairs],
            "tolerance": CLOCK_TOLERANCE,
            "intervals": [policy.interval for _, policy in pairs],
        },
        str,
    )


async def audits(connection: Connection, names: list[str], every: timedelta, again: timedelta) -> list[str]:
    """Return those accounts whose last routine audit began longer ago than `every`, or than `again` if it failed."""
    return await fetch_values(connection, _DUE_FOR_AUDIT, [names, every, again], str)
