"""How much of an account's history is read: the newest stretch without a gap, for history is read newest first.

history_from          watermark                      first        past      now
|====== proven =======|   unread   |=== read ===|     |=== newest stretch ===|
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from psycopg.rows import class_row

from orders_sync.store.database import Connection

# of accounts `a`. A range that was listed as empty once was read, though its proof is withheld. What was read up to
# `past` may reach further: the next window begins the overlap before it
PROGRESS = """
    SELECT a.name, a.history_from, a.watermark, a.proven_from, lower(n.stretch) AS first,
        greatest(upper(n.stretch), (
            SELECT max(d.ends_at) FROM sync.windows AS d
            WHERE d.account = a.name AND d.kind = 'incremental' AND d.state = 'done'
              AND d.ends_at > upper(n.stretch) AND d.starts_at <= upper(n.stretch)
        )) AS past,
        n.share::float AS share
    FROM sync.accounts AS a
    LEFT JOIN LATERAL (
        SELECT max(ends_at) AS planned_to FROM sync.windows AS w WHERE w.account = a.name AND w.kind = 'incremental'
    ) AS p ON true
    LEFT JOIN LATERAL (
        SELECT range_agg(tstzrange(starts_at, ends_at)) AS unread FROM sync.windows AS w
        WHERE w.account = a.name AND w.kind = 'incremental' AND w.state IN ('planned', 'running', 'failed')
          AND w.not_before IS NULL
    ) AS o ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(piece ORDER BY lower(piece) DESC))[1] AS stretch,
            extract(epoch FROM sum(upper(piece) - lower(piece)))
                / nullif(extract(epoch FROM p.planned_to - a.history_from), 0) AS share
        FROM unnest(tstzmultirange(tstzrange(a.history_from, greatest(p.planned_to, a.history_from)))
            - coalesce(o.unread, '{}')) AS piece
    ) AS n ON true
"""


class Progress(msgspec.Struct, frozen=True):
    """`[first, past)`: the newest stretch that was read without a gap; None before anything was. `share`: of the
    history up to `past`, between 0 and 1."""

    name: str
    history_from: datetime | None
    watermark: datetime | None
    proven_from: datetime | None
    first: datetime | None
    past: datetime | None
    share: float | None


async def progress(connection: Connection, account: str) -> Progress | None:
    """Return how far the account is read; None for one that was never planned."""
    async with connection.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(f"{PROGRESS} WHERE a.name = %s".encode(), [account])
        return await cursor.fetchone()


def remarks(found: Progress) -> list[str]:
    """Say what of an account's history is not read, or proves nothing, in a sentence each. Pure."""
    said = []
    if found.proven_from and found.history_from and found.proven_from > found.history_from:
        said.append(
            f"{found.name}: complete from {_utc(found.proven_from)} on only. The settings ask for history from "
            f"{_utc(found.history_from)}, which lies beyond what the platform lists: nothing older is proven"
        )
    if found.first and found.past and found.share is not None and found.share < 1 and not _is_current(found):
        said.append(
            f"{found.name}: read from {_utc(found.first)} to {_utc(found.past)}, {found.share:.0%} of the history; "
            "older history follows"
        )
    return said


def _is_current(found: Progress) -> bool:
    """Whether the stretch begins before the watermark: then only its newest end is being read."""
    return found.first is not None and found.watermark is not None and found.first < found.watermark


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
