"""Accounts whose whole history was read and brought no order, and when it is read again.

A platform may list nothing in the first minutes after an account was authorised. So the history is read again 10
minutes, an hour and a day after it was first found empty (`domain/emptiness.py`), until anything was listed.

    first read, nothing listed     + 10 min     + 1 h              + 1 d
    |------------------------------|------------|------------------|     a service that slept reads once
    empty_since                    read again   read again         read again
"""

from __future__ import annotations

from orders_sync.domain.emptiness import EMPTY_HISTORY_AGAIN
from orders_sync.store.database import Connection
from orders_sync.store.states import OPEN_WINDOWS

# of an account `a`; orders that another account keeps, and records that are no order, were listed too
_LISTED = """(EXISTS (SELECT FROM orders AS o WHERE o.account = a.name)
    OR EXISTS (SELECT FROM sync.shared_orders AS o WHERE o.account = a.name)
    OR EXISTS (SELECT FROM sync.rejects AS o WHERE o.account = a.name))"""

_DELAYS = ", ".join(f"interval '{delay.total_seconds():.0f} s'" for delay in EMPTY_HISTORY_AGAIN)
# of an account `a`: when its empty history is to be read again; NULL when that is over
NEXT_READ = f"""(SELECT min(a.empty_since + delay) FROM unnest(ARRAY[{_DELAYS}]) AS delay
    WHERE a.empty_since + delay > coalesce(a.empty_read_at, a.empty_since))"""

# a range that was listed as empty once and waits to be asked again (`not_before`) was read
_RECORD = f"""
UPDATE sync.accounts AS a SET empty_since = CASE WHEN a.empty_since IS NULL THEN clock_timestamp() END,
    empty_read_at = NULL
WHERE a.name = %(account)s AND (a.empty_since IS NOT NULL) = {_LISTED} AND (a.empty_since IS NOT NULL OR (
    EXISTS (SELECT FROM sync.windows AS w WHERE w.account = a.name AND w.kind = 'incremental')
    AND NOT EXISTS (
        SELECT FROM sync.windows AS w WHERE w.account = a.name AND w.kind = 'incremental' AND w.not_before IS NULL
          AND w.state IN {OPEN_WINDOWS})))
RETURNING a.empty_since IS NOT NULL
"""

_BEGIN = f"""
UPDATE sync.accounts AS a SET empty_read_at = clock_timestamp()
WHERE a.name = %(account)s AND a.empty_since IS NOT NULL AND {NEXT_READ} <= clock_timestamp() AND NOT {_LISTED}
"""


async def record(connection: Connection, account: str) -> bool:
    """Record whether all of an account's history was read without an order listed; return True if that is new."""
    cursor = await connection.execute(_RECORD.encode(), {"account": account})
    return await cursor.fetchone() == (True,)


async def begin_read(connection: Connection, account: str) -> bool:
    """Return whether an empty history is to be read again now; then it counts as read from now on.

    In the transaction that plans the read.
    """
    cursor = await connection.execute(_BEGIN.encode(), {"account": account})
    return cursor.rowcount == 1
