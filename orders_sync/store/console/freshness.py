"""Delay of an account over time, from the ledger: how old the newest order that is here may be.

It grows as time passes and falls when a window of changes is read, so it is drawn as a sawtooth:

     before  /|    /|          before   delay in the moment before a window was landed
            / |   / |  /
    after  /  |  /  | /        after    delay in the moment after it
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_optional, fetch_rows

SPAN = timedelta(hours=48)
MOST_TEETH = 288  # one for each ten minutes of two days

# windows are walked from the newest end back, no further than those read since
_REACHED = """
SELECT ends_at FROM sync.windows
WHERE account = %(account)s AND kind = 'incremental' AND state = 'done' AND finished_at <= %(since)s
ORDER BY ends_at DESC LIMIT 1
"""
# of each part of the time the tooth that rose highest, and the first of all, before which nothing was read, beside the
# highest of its part. The index by the end of windows is meant, not that by the time they were read, of all accounts
_TEETH = """
WITH newer AS MATERIALIZED (
    SELECT id, ends_at, finished_at FROM sync.windows
    WHERE account = %(account)s AND kind = 'incremental' AND state = 'done'
        AND ends_at > coalesce(%(reached)s, '-infinity'::timestamptz)
), reads AS (
    SELECT finished_at AS at, coalesce(
            max(ends_at) OVER (ORDER BY finished_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
            %(reached)s) AS before,
        max(ends_at) OVER (ORDER BY finished_at, id) AS after, max(ends_at) OVER () AS last
    FROM newer WHERE finished_at > %(since)s AND finished_at <= %(until)s
)
SELECT at, before, after, last FROM (
    SELECT DISTINCT ON (part, before IS NULL) at, before, after, last
    FROM reads, floor(extract(epoch FROM at - %(since)s) / %(seconds)s) AS part
    ORDER BY part, before IS NULL, at - before DESC, at
) AS highest
ORDER BY at, before NULLS FIRST
"""


class Delay(msgspec.Struct, frozen=True):
    """The delay in seconds around one moment. `before` is None where nothing had been read before it."""

    at: datetime
    before: float | None
    after: float


class _Tooth(msgspec.Struct, frozen=True):
    at: datetime
    before: datetime | None
    after: datetime
    last: datetime


async def delays(connection: Connection, account: str, now: datetime, span: timedelta = SPAN) -> list[Delay]:
    """Return the delay of an account in the time `span` before `now`, oldest first; empty where nothing was read.

    The first moment is the beginning of that time, if something had been read by then, the last one is `now`. Between
    two moments it rises as time passes from `after` of the first one; of shorter rises only the highest are returned,
    `MOST_TEETH` at most.
    """
    since = now - span
    values: dict[str, object] = {"account": account, "since": since, "until": now}
    reached = await fetch_optional(connection, _REACHED, values, datetime)
    values |= {"reached": reached, "seconds": span.total_seconds() / MOST_TEETH}
    teeth = await fetch_rows(connection, _TEETH, values, _Tooth)
    last = teeth[-1].last if teeth else reached
    found = [] if reached is None else [Delay(since, None, _seconds(since, reached))]
    found += [
        Delay(each.at, None if each.before is None else _seconds(each.at, each.before), _seconds(each.at, each.after))
        for each in teeth
    ]
    return found if last is None else [*found, Delay(now, _seconds(now, last), _seconds(now, last))]


def _seconds(at: datetime, reached: datetime) -> float:
    return (at - reached).total_seconds()
