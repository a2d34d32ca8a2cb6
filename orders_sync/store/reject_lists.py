"""Rejects for an operator: grouped by reason, one by one, open or ignored; decisions on many; settled by later reads.

open --ignore--> ignored --unignore--> open          settled: its order landed, or its record is no longer listed

The same bytes stay ignored whenever they are read again; other bytes of the same order are another reject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from orders_sync.domain.emptiness import ONE_ANSWER
from orders_sync.domain.reject_reasons import RejectReason, RejectState
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows, fetch_values


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice of rejects: all that match every field that is not None."""

    numbers: Sequence[int] | None = None
    reason: RejectReason | None = None
    account: str | None = None
    states: Sequence[RejectState] = field(default=(RejectState.OPEN,))

    def values(self) -> dict[str, object]:
        """Return the parameters of `_FITS`."""
        return {
            "numbers": None if self.numbers is None else list(self.numbers),
            "reason": self.reason,
            "account": self.account,
            "open": RejectState.OPEN in self.states,
            "ignored": RejectState.IGNORED in self.states,
            "settled": RejectState.SETTLED in self.states,
        }


class ReasonGroup(msgspec.Struct, frozen=True):
    """Rejects of one reason and platform. `first`, `last`: when the earliest was first seen, the latest last read.

    `example`: the number of the newest, `example_reason`: what is wrong with it in its own words.
    """

    reason_key: str
    platform: str
    records: int
    accounts: int
    ignored: int
    first: datetime
    last: datetime
    example: int
    example_reason: str


# the first condition is that of the partial indexes, the second keeps settled ones out where they are not asked for
_FITS = """
    (%(settled)s OR resolved_at IS NULL)
    AND (%(open)s OR ignored_at IS NOT NULL OR resolved_at IS NOT NULL)
    AND (%(ignored)s OR ignored_at IS NULL OR resolved_at IS NOT NULL)
    AND (%(numbers)s::bigint[] IS NULL OR id = ANY (%(numbers)s))
    AND (%(account)s::text IS NULL OR account = %(account)s)
    AND (%(reason)s::text IS NULL OR reason_key = %(reason)s)
"""
_STATE = """
    CASE WHEN resolved_at IS NOT NULL THEN 'settled' WHEN ignored_at IS NOT NULL THEN 'ignored' ELSE 'open' END AS state
"""
_GROUPS = f"""
SELECT reason_key, platform, count(*) AS records, count(DISTINCT account) AS accounts,
    count(ignored_at) AS ignored, min(rejected_at) AS first, max(read_at) AS last, max(id) AS example,
    (array_agg(reason ORDER BY id DESC))[1] AS example_reason
FROM sync.rejects WHERE {_FITS}
GROUP BY reason_key, platform ORDER BY records DESC, reason_key, platform
"""
_LIST = f"""
SELECT id, account, platform, order_id, reason_key, reason, {_STATE}, rejected_at, read_at, resolved_at, ignored_at,
    ignored_by
FROM sync.rejects WHERE {_FITS}
ORDER BY id LIMIT %(limit)s
"""
_NUMBERS = f"SELECT id FROM sync.rejects WHERE {_FITS} ORDER BY read_at, id LIMIT %(limit)s"
_IGNORED = """
SELECT count(*) FROM sync.rejects
WHERE resolved_at IS NULL AND ignored_at IS NOT NULL AND (%(account)s::text IS NULL OR account = %(account)s)
"""

# of a record that shows when it is listed, the second of its window around that time must be read again, inside what is
# read, for a list may take its ends as inclusive or not; of any other the whole window. Later reads that brought the
# same bytes moved `read_at` on. A list that is read because of a message, and one empty answer for more than a day,
# prove nothing (see `backfills`). Locked rows are being written by a read of today
_SETTLE_NAMELESS = """
UPDATE sync.rejects SET resolved_at = clock_timestamp()
WHERE id = ANY (ARRAY(
    SELECT r.id FROM sync.rejects AS r JOIN sync.windows AS w ON w.id = r.window_id
    WHERE r.account = %(account)s AND r.order_id IS NULL AND r.resolved_at IS NULL AND w.status IS NULL
      AND tstzrange(w.starts_at, w.ends_at) * CASE
            WHEN r.listed_at >= w.starts_at AND r.listed_at < w.ends_at
            THEN tstzrange(r.listed_at - interval '1 s', r.listed_at + interval '1 s', '[]')
            ELSE tstzrange(NULL, NULL) END <@ (
        SELECT range_agg(tstzrange(l.starts_at, l.ends_at)) FROM sync.windows AS l
        WHERE l.account = r.account AND l.feed = w.feed AND l.kind <> 'hook' AND l.status IS NULL AND l.state = 'done'
          AND l.starts_at < w.ends_at AND l.ends_at > w.starts_at AND l.started_at > r.read_at
          AND NOT (l.seen = 0 AND l.ends_at - l.starts_at > %(one_answer)s)
    )
    FOR UPDATE OF r SKIP LOCKED
))
"""


async def groups(connection: Connection, chosen: Chosen) -> list[ReasonGroup]:
    """Return the rejects that fit by reason and platform, the most frequent first."""
    return await fetch_rows(connection, _GROUPS, chosen.values(), ReasonGroup)


async def listed(connection: Connection, chosen: Chosen, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the rejects that fit without their payloads, by number."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LIST.encode(), {**chosen.values(), "limit": limit})
        return await cursor.fetchall()


async def numbers(connection: Connection, chosen: Chosen, limit: int | None = None) -> list[int]:
    """Return the numbers of the rejects that fit, by the time they were read."""
    return await fetch_values(connection, _NUMBERS, {**chosen.values(), "limit": limit}, int)


async def ignored(connection: Connection, account: str | None) -> int:
    """Count the ignored rejects, of one account if given."""
    return (await fetch_values(connection, _IGNORED, {"account": account}, int))[0]


async def ignore(connection: Connection, chosen: Sequence[int], person: str) -> int:
    """Ignore those of these rejects that are open; return their number. `person`: who says so."""
    query = """
        UPDATE sync.rejects SET ignored_at = clock_timestamp(), ignored_by = %s
        WHERE id = ANY (%s) AND resolved_at IS NULL AND ignored_at IS NULL
    """
    return (await connection.execute(query, [person, list(chosen)])).rowcount


async def unignore(connection: Connection, chosen: Sequence[int]) -> int:
    """Open those of these rejects again that are ignored; return their number."""
    query = """
        UPDATE sync.rejects SET ignored_at = NULL, ignored_by = NULL
        WHERE id = ANY (%s) AND resolved_at IS NULL AND ignored_at IS NOT NULL
    """
    return (await connection.execute(query, [list(chosen)])).rowcount


async def settle_nameless(connection: Connection, account: str) -> int:
    """Settle the rejects that name no order and that later complete reads did not bring again.

    Reads of the time by which they are listed; of their whole window where they show no such time.

    Then the platform lists the order in a form that can be converted, or no longer lists it: nothing of it is missing.
    Returns how many there were.
    """
    values = {"account": account, "one_answer": ONE_ANSWER}
    return (await connection.execute(_SETTLE_NAMELESS, values)).rowcount
