"""The state of every hour of some days of an account's list, by the windows of the ledger and what is proven.

Windows are added up by hour, however many there are, and one that is longer counts for each hour that it touches. The
worst state wins. Messages' windows are left out: each is about one order and proves nothing of its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from orders_sync.domain import emptiness, local_times
from orders_sync.domain.windows import Feed, WindowKind
from orders_sync.store.backfills import PROVES
from orders_sync.store.database import Connection
from orders_sync.store.ledger import PLANNED_TO
from orders_sync.store.progress import PROGRESS
from orders_sync.store.queries import fetch_row, fetch_rows
from orders_sync.store.states import OPEN_WINDOWS

MOST_DAYS = 31
LONGEST = timedelta(days=40)  # of windows, as a rule: one that ends later than this after the range began after it
READ_AGAIN = (WindowKind.CONFIRM, WindowKind.SWEEP, WindowKind.BACKFILL, WindowKind.REPAIR)

_TIMES = f"""
SELECT a.feed, p.history_from, p.proven_from, p.read_to, {PLANNED_TO} AS planned_to
FROM ({PROGRESS}) AS p JOIN sync.accounts AS a USING (name) WHERE a.name = %(account)s
"""

# Windows of changes leave no gap between the beginning of history and the end of the last one (`ledger`): what is not
# open of it was read. So they are not gone through, a window a minute, but for the first that ends after the beginning
# of each hour: if it touches the hour, its windows were not removed. Of what is due of an hour only that counts which
# lies after the beginning of history.
_CELLS = f"""
WITH unread AS MATERIALIZED (
    SELECT starts_at, ends_at, kind, state, attempts > 0 AS is_tried, not_before IS NOT NULL AS is_asked_again,
        part_rows IS NOT NULL AS lacks_records, greatest(width_bucket(starts_at, %(starts)s), 1) AS first,
        width_bucket(least(ends_at, %(end)s) - interval '1 microsecond', %(starts)s) AS last
    FROM sync.windows
    WHERE account = %(account)s AND state IN {OPEN_WINDOWS} AND starts_at < %(end)s AND ends_at > %(start)s
        AND feed = %(feed)s AND kind <> 'hook'
), counted AS (
    SELECT cell, count(*) FILTER (WHERE state = 'failed') AS failed,
        count(*) FILTER (WHERE state = 'running' OR state = 'planned' AND is_asked_again) AS running,
        count(*) FILTER (WHERE state = 'planned' AND NOT is_asked_again) AS planned,
        count(*) FILTER (WHERE state = 'planned' AND NOT is_asked_again AND is_tried) AS tried
    FROM unread, generate_series(first, last) AS cell GROUP BY cell
), proof AS MATERIALIZED (
    SELECT done, tstzmultirange(%(own)s::tstzrange) - u.own + done - u.lacking AS proven
    FROM (
        SELECT coalesce(range_agg(tstzrange(starts_at, ends_at)) FILTER (WHERE kind = 'incremental'), '{{}}') AS own,
            coalesce(range_agg(tstzrange(starts_at, ends_at)) FILTER (WHERE lacks_records), '{{}}') AS lacking
        FROM unread
    ) AS u, (
        SELECT coalesce(range_agg(tstzrange(starts_at, ends_at)), '{{}}') AS done FROM sync.windows
        WHERE account = %(account)s AND kind = ANY (%(kinds)s) AND ends_at > %(start)s
            AND ends_at < %(end)s + %(longest)s AND starts_at < %(end)s AND feed = %(feed)s AND {PROVES}
    ) AS d
), cells AS (
    SELECT place::int AS cell, start, lead(start, 1, %(end)s) OVER (ORDER BY place) AS past
    FROM unnest(%(starts)s) WITH ORDINALITY AS s (start, place)
), due AS (
    SELECT cell, start, past, tstzrange(first, greatest(first, least(past, %(due)s))) AS due
    FROM cells, greatest(start, least(past, %(begins)s::timestamptz)) AS first
)
SELECT c.cell, coalesce(n.failed, 0)::int AS failed, coalesce(n.running, 0)::int AS running,
    coalesce(n.planned, 0)::int AS planned, coalesce(n.tried, 0)::int AS tried,
    CASE WHEN isempty(due) THEN tstzrange(start, past) <@ p.done ELSE due <@ p.proven END AS is_proven,
    tstzrange(start, past) && p.done OR %(is_own)s AND coalesce((
        SELECT w.starts_at < past FROM sync.windows AS w
        WHERE w.account = %(account)s AND w.kind = 'incremental' AND w.ends_at > start ORDER BY w.ends_at LIMIT 1
    ), false) AS is_in_ledger
FROM due AS c CROSS JOIN proof AS p LEFT JOIN counted AS n USING (cell) ORDER BY c.cell
"""


class CellState(StrEnum):
    """The state of an hour, the worst first."""

    FAILED = "failed"  # a read of it failed and is to be repeated
    MISSING = "missing"  # it should be here by now and is not
    RUNNING = "running"  # it is being read, or is read once more because it was listed as empty
    NEVER_ASKED = "never asked"  # the platform was not asked for it yet: older history, or another list than is read
    BEFORE_HISTORY = "before history"  # earlier than is synced, or than the platform lists
    NOT_DUE = "not due"  # it is too young, or lies ahead
    FORGOTTEN = "proved, details removed"  # it was read completely; retention removed its windows since
    COMPLETE = "complete"


class AccountTimes(msgspec.Struct, frozen=True):
    """The times that an account's own list is judged by. `feed`: that list."""

    feed: Feed
    history_from: datetime | None
    proven_from: datetime | None
    read_to: datetime | None
    planned_to: datetime | None

    @property
    def begins(self) -> datetime | None:
        """The earliest moment that should be here."""
        known = [each for each in (self.history_from, self.proven_from) if each is not None]
        return max(known) if known else None

    @property
    def planned(self) -> str:
        """The range that was planned without a gap, as Postgres spells it."""
        if self.begins is None or self.planned_to is None or self.planned_to <= self.begins:
            return "empty"
        return f"[{self.begins.isoformat()},{self.planned_to.isoformat()})"


class HourCounts(msgspec.Struct, frozen=True):
    """The windows that touch an hour and are still to be read, by state, and what is known of it.

    `tried`: of the planned ones, those that were begun before. `is_proven`: all of it that is due was read completely;
    `is_in_ledger`: windows that touch it are in the ledger.
    """

    cell: int
    failed: int = 0
    running: int = 0
    planned: int = 0
    tried: int = 0
    is_proven: bool = False
    is_in_ledger: bool = False


class Cell(msgspec.Struct, frozen=True):
    """An hour `[starts_at, ends_at)`, shown as `hour` of `day` in the zone that people see."""

    day: date
    hour: int
    starts_at: datetime
    ends_at: datetime
    state: CellState
    counts: HourCounts


class HeatMap(msgspec.Struct, frozen=True):
    """The hours of some days, oldest first, of the list by `feed`; `is_own`: by it the account's changes are read."""

    account: str
    feed: Feed
    is_own: bool
    cells: list[Cell]


async def heat_map(
    connection: Connection,
    account: str,
    days: Sequence[date],
    due: datetime,
    feed: Feed | None = None,
    longest: timedelta = LONGEST,
) -> HeatMap | None:
    """Return the state of every hour of successive days, at most the last `MOST_DAYS` of them; None if it is unknown.

    `due`: orders up to then should be here, by the account's promise. `feed`: None for the account's own.
    `longest`: no window is longer; those that are count while they are open.
    """
    times = await fetch_row(connection, _TIMES, {"account": account}, AccountTimes)
    hours = [(day, *each) for day in days[-MOST_DAYS:] for each in local_times.hours_of(day)]
    if times is None or not hours:
        return None
    feed, is_own = feed or times.feed, feed in (None, times.feed)
    values = {
        "account": account,
        "feed": feed,
        "kinds": list(READ_AGAIN),
        "start": hours[0][2],
        "end": hours[-1][3],
        "starts": [start for _, _, start, _ in hours],
        "longest": longest,
        "one_answer": emptiness.ONE_ANSWER,
        "due": due,
        "is_own": is_own,
        "begins": times.begins if is_own else None,
        "own": times.planned if is_own else "empty",
    }
    found = await fetch_rows(connection, _CELLS, values, HourCounts)
    cells = [
        Cell(day, hour, start, end, state(counts, start, end, due, times if is_own else None), counts)
        for (day, hour, start, end), counts in zip(hours, found, strict=True)
    ]
    return HeatMap(account, feed, is_own, cells)


def state(counts: HourCounts, start: datetime, end: datetime, due: datetime, times: AccountTimes | None) -> CellState:
    """Return the state of an hour. `times`: None for a list that is not the account's own. Pure."""
    if counts.failed:
        return CellState.FAILED
    if counts.is_proven:
        return CellState.COMPLETE if counts.is_in_ledger else CellState.FORGOTTEN
    if counts.running:
        return CellState.RUNNING
    if start >= due:
        return CellState.NOT_DUE
    if times is None:
        return CellState.NEVER_ASKED
    if times.begins is None or end <= times.begins:
        return CellState.BEFORE_HISTORY
    is_older = times.read_to is None or end <= times.read_to
    is_untried = counts.planned > 0 and counts.tried == 0
    return CellState.NEVER_ASKED if is_untried and is_older else CellState.MISSING
