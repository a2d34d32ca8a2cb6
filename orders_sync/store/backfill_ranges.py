"""Ranges of the ledger as a backfill sees them: complete, failed, waiting or missing. One statement for all accounts.

    complete   read with proof: by incremental windows of the account's own feed, or by another window that is done
    failed     of the rest: windows that failed
    waiting    of the rest: windows that are planned or being read
    missing    what is left: nobody has read it, or not with proof

Incremental windows leave no gap between the account's history and what is planned, so all of that is complete but what
an open one covers (`unproven`). Windows that are done are looked for only there and outside of the planned range, so
the cost does not grow with the ledger, not even for an account that is late. Within the planned range they are those
that end up to `longest` after such a gap: a longer one, of former settings, may be overlooked, and its range is read
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from orders_sync.domain import emptiness
from orders_sync.domain.ledger import BackfillState
from orders_sync.domain.windows import Feed, Window
from orders_sync.store import ledger
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_rows
from orders_sync.store.states import OPEN_WINDOWS

SHOWN = 20  # ranges of a kind that are listed for each account
SAMPLES = 4  # windows of an account whose orders are counted; the others are taken to hold as many
MOST_COUNTED = 10_000  # orders of one of these

# every kind that proves something: a window that was read because of a message may be too young for that
_PROVING = "ARRAY['incremental', 'confirm', 'sweep', 'backfill', 'repair']"
_TO_READ = "CASE WHEN %(everything)s THEN tstzmultirange(range) ELSE tstzmultirange(range) - complete END"


def _listed(kind: str) -> str:
    """Return the columns that list the ranges of a kind: starts, ends, and how many there are."""
    return f"""
    ARRAY(SELECT lower(r) FROM unnest({kind}) AS r ORDER BY r LIMIT %(shown)s) AS {kind}_starts,
    ARRAY(SELECT upper(r) FROM unnest({kind}) AS r ORDER BY r LIMIT %(shown)s) AS {kind}_ends,
    (SELECT count(*) FROM unnest({kind}))::int AS {kind}_ranges"""


_STATE = f"""
WITH asked AS MATERIALIZED (
    SELECT q.place, q.name, q.feed, q.longest, q.page_size, a.history_from AS begins, due.past, own.planned_to,
        greatest(own.history_from, own.proven_from) AS history_from,
        greatest(own.history_from, own.proven_from, coalesce(own.undone_from, own.planned_to)) AS proven_to,
        CASE WHEN %(start)s < due.past THEN tstzrange(%(start)s, due.past) ELSE 'empty' END AS range
    FROM unnest(%(names)s::text[], %(feeds)s::text[], %(pasts)s::timestamptz[], %(longest)s::interval[],
        %(page_sizes)s::int[], %(not_due)s::interval[])
        WITH ORDINALITY AS q (name, feed, past, longest, page_size, not_due, place)
    LEFT JOIN sync.accounts AS a ON a.name = q.name
    LEFT JOIN LATERAL (
        -- how far the account's own feed is planned and read; looked up once, not for every mention of it
        SELECT a.history_from, a.proven_from, {ledger.PLANNED_TO} AS planned_to, {ledger.UNDONE_FROM} AS undone_from
        WHERE a.feed = q.feed AND a.history_from IS NOT NULL OFFSET 0
    ) AS own ON true
    CROSS JOIN LATERAL (
        -- what is younger than the last plan is left to the next one, which is not late yet
        SELECT CASE WHEN own.planned_to BETWEEN q.past - q.not_due AND q.past THEN own.planned_to ELSE q.past END
    ) AS due (past)
), known AS MATERIALIZED (
    SELECT q.*, open.failed_windows, open.waiting_windows, open.failed AS all_failed, open.waiting AS all_waiting,
        tstzmultirange(q.range) * (done.ranges - coalesce(open.reopened, '{{}}')) AS complete
    FROM asked AS q
    CROSS JOIN LATERAL (
        SELECT coalesce(range_agg(r) FILTER (WHERE is_read AND state = 'failed'), '{{}}') AS failed,
            coalesce(range_agg(r) FILTER (WHERE is_read AND state <> 'failed'), '{{}}') AS waiting,
            range_agg(r) FILTER (WHERE part_rows IS NOT NULL) AS reopened,
            count(*) FILTER (WHERE is_read AND state = 'failed')::int AS failed_windows,
            count(*) FILTER (WHERE is_read AND state <> 'failed')::int AS waiting_windows
        FROM (
            SELECT state, part_rows, tstzrange(starts_at, ends_at) AS r,
                status IS NULL AND kind <> 'hook' AND orders IS NULL AS is_read
            FROM sync.windows AS w
            WHERE w.account = q.name AND w.state IN {OPEN_WINDOWS} AND w.feed = q.feed
                AND w.starts_at < upper(q.range) AND w.ends_at > lower(q.range)
        ) AS windows
    ) AS open
    CROSS JOIN LATERAL (
        SELECT tstzmultirange(q.range) - CASE WHEN q.planned_to IS NULL THEN '{{}}' ELSE
            tstzmultirange(tstzrange(q.history_from, greatest(q.planned_to, q.proven_to)))
            - coalesce(range_agg(tstzrange(w.starts_at, w.ends_at)), '{{}}') END AS ranges
        FROM sync.windows AS w
        WHERE w.account = q.name AND w.kind = 'incremental' AND w.state IN {OPEN_WINDOWS} AND w.ends_at > q.proven_to
    ) AS unproven
    CROSS JOIN LATERAL (
        SELECT tstzmultirange(q.range) - unproven.ranges
            + coalesce(range_agg(tstzrange(w.starts_at, w.ends_at)), '{{}}') AS ranges
        FROM (
            SELECT lower(r), upper(r), upper(r) + q.longest FROM unnest(unproven.ranges) AS r
            UNION ALL
            SELECT coalesce(q.planned_to, lower(q.range)), upper(q.range), 'infinity'
        ) AS gap (starts_at, ends_at, last_end)
        CROSS JOIN LATERAL (
            SELECT w.starts_at, w.ends_at FROM sync.windows AS w
            WHERE w.account = q.name AND w.kind = ANY ({_PROVING}) AND w.feed = q.feed
                AND w.ends_at > gap.starts_at AND w.ends_at <= gap.last_end AND w.starts_at < gap.ends_at
                AND w.status IS NULL AND w.state = 'done'
                AND NOT (w.kind <> 'incremental' AND w.seen = 0 AND w.ends_at - w.starts_at > %(one_answer)s)
            OFFSET 0  -- each gap by the index, not every window of the account against all gaps
        ) AS w
    ) AS done
), parted AS MATERIALIZED (
    SELECT *, {_TO_READ} AS to_read,
        tstzmultirange(range) * all_failed - complete AS failed,
        tstzmultirange(range) * all_waiting - complete - all_failed AS waiting,
        tstzmultirange(range) - complete - all_failed - all_waiting AS missing
    FROM known
)
SELECT p.name AS account, p.feed, p.past, p.begins AS history_from, p.failed_windows, p.waiting_windows, pieces.windows,
    coalesce(round(estimate.calls * pieces.windows), 0)::int AS calls,
    ARRAY(SELECT lower(r) FROM unnest(p.to_read) AS r ORDER BY r) AS to_read_starts,
    ARRAY(SELECT upper(r) FROM unnest(p.to_read) AS r ORDER BY r) AS to_read_ends,
    e.request_id AS equal_request, e.state AS equal_state,
    {", ".join(map(_listed, ("complete", "failed", "waiting", "missing")))}
FROM parted AS p
CROSS JOIN LATERAL (
    SELECT coalesce(sum(ceil(extract(epoch FROM upper(r) - lower(r)) / extract(epoch FROM p.longest))), 0)::int
    FROM unnest(p.to_read) AS r
) AS pieces (windows)
CROSS JOIN LATERAL (
    -- windows are numbered over all pieces; of those that are chosen the orders are counted
    SELECT avg(CASE WHEN counted.orders <= p.page_size THEN 1
        ELSE 1 + ceil(counted.orders::numeric / p.page_size) END) AS calls
    FROM generate_series(0, least(pieces.windows, %(samples)s) - 1) AS sample
    CROSS JOIN LATERAL (SELECT sample * pieces.windows / least(pieces.windows, %(samples)s)) AS chosen (number)
    JOIN LATERAL (
        SELECT r, windows, sum(windows) OVER (ORDER BY r) - windows AS before
        FROM unnest(p.to_read) AS r, LATERAL (
            SELECT ceil(extract(epoch FROM upper(r) - lower(r)) / extract(epoch FROM p.longest))::int) AS w (windows)
    ) AS piece ON chosen.number >= piece.before AND chosen.number < piece.before + piece.windows
    CROSS JOIN LATERAL (
        SELECT lower(piece.r) + (chosen.number - piece.before)::int * p.longest) AS window_ (first)
    CROSS JOIN LATERAL (
        SELECT count(*) AS orders FROM (
            SELECT FROM orders AS o
            WHERE o.account = p.name AND o.created_at >= window_.first
                AND o.created_at < least(window_.first + p.longest, upper(piece.r))
            LIMIT %(most_counted)s
        ) AS o
    ) AS counted
) AS estimate
LEFT JOIN (
    SELECT DISTINCT ON (account, feed) account, feed, coalesce(request_id, id) AS request_id, state
    FROM sync.backfills
    WHERE starts_at = %(start)s AND ends_at = %(end)s AND state <> 'cancelled'
    ORDER BY account, feed, id DESC
) AS e ON (e.account, e.feed) = (p.name, p.feed)
ORDER BY p.place
"""


@dataclass(frozen=True, slots=True)
class AskedRange:
    """An account for which a range is asked, up to `past` at most, to be read in windows of at most `longest`.

    What is younger than the account's last plan is left to the next one, where that plan reached to within `not_due` of
    `past`.
    """

    account: str
    feed: Feed
    past: datetime
    longest: timedelta
    page_size: int
    not_due: timedelta = timedelta()


class RangeState(msgspec.Struct, frozen=True):
    """The state of a range of one account.

    Ranges by kind, the earliest first: `..._starts` and `..._ends` hold the first `SHOWN`, `..._ranges` counts all.
    `past`: the range was looked at up to it. `history_from`: as `sync.accounts` has it. `failed_windows`,
    `waiting_windows`: windows that overlap the range. `to_read`: what is not complete, or all where everything is asked
    for. `windows`: their number; `calls`: about how many they take, by the stored orders of a sample of them.
    `equal_request`, `equal_state`: of the newest backfill of the same range that nobody cancelled, None without one.
    """

    account: str
    feed: Feed
    past: datetime
    history_from: datetime | None
    failed_windows: int
    waiting_windows: int
    windows: int
    calls: int
    to_read_starts: list[datetime]
    to_read_ends: list[datetime]
    equal_request: int | None
    equal_state: BackfillState | None
    complete_starts: list[datetime]
    complete_ends: list[datetime]
    complete_ranges: int
    failed_starts: list[datetime]
    failed_ends: list[datetime]
    failed_ranges: int
    waiting_starts: list[datetime]
    waiting_ends: list[datetime]
    waiting_ranges: int
    missing_starts: list[datetime]
    missing_ends: list[datetime]
    missing_ranges: int

    def by_kind(self) -> dict[str, list[Window]]:
        """Return the first `SHOWN` ranges of each kind."""
        return {
            "complete": windows(self.complete_starts, self.complete_ends),
            "missing": windows(self.missing_starts, self.missing_ends),
            "failed": windows(self.failed_starts, self.failed_ends),
            "waiting": windows(self.waiting_starts, self.waiting_ends),
        }

    @property
    def to_read(self) -> list[Window]:
        """The pieces of the range that are to be read, oldest first."""
        return windows(self.to_read_starts, self.to_read_ends)


def windows(starts: Sequence[datetime], ends: Sequence[datetime]) -> list[Window]:
    """Return the ranges that begin and end at these times."""
    return [Window(start, end) for start, end in zip(starts, ends, strict=True)]


async def states(
    connection: Connection, asked: Sequence[AskedRange], start: datetime, end: datetime, *, everything: bool = False
) -> list[RangeState]:
    """Return the state of `[start, end)` for each of these accounts, in their order.

    `everything`: what is complete is to be read again too.
    """
    values = {
        "names": [each.account for each in asked],
        "feeds": [each.feed for each in asked],
        "pasts": [min(each.past, end) for each in asked],
        "longest": [each.longest for each in asked],
        "page_sizes": [each.page_size for each in asked],
        "not_due": [each.not_due for each in asked],
        "start": start,
        "end": end,
        "everything": everything,
        "one_answer": emptiness.ONE_ANSWER,
        "shown": SHOWN,
        "samples": SAMPLES,
        "most_counted": MOST_COUNTED,
    }
    return await fetch_rows(connection, _STATE, values, RangeState)
