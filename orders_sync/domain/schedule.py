"""Arithmetic of the windows that an account needs next. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.emptiness import REACH_MARGIN, at_reach
from orders_sync.domain.ledger import CLOCK_TOLERANCE, Plan, PlannedWindows, PlanningState, Reach, Unclaimed
from orders_sync.domain.sweeps import DAY, Sweep, SweepRange, due_ranges, is_due, split_at_history
from orders_sync.domain.windows import SECOND, Feed, Window, WindowKind, merge, tile, whole_second


def changes(
    state: PlanningState, policy: SyncPolicy, feed: Feed, furthest_back: timedelta | None, sweep: Sweep
) -> Plan:
    """Return all that follows from the clock: new changes, the passes behind them, re-reads, sweeps.

    `feed`: what changes are listed by. Where that is the update time, sweeps are few, and only those that are due.
    """
    reach = state.reach
    moments = [whole_second(each) for each in state.rereads]
    sweeps: list[SweepRange] = []
    if feed is Feed.CREATED:
        sweeps = ranges_to_sweep(reach, policy, sweep, state.oldest)
    elif sweep is Sweep.DUE:
        sweeps = daily_sweep(reach, policy, furthest_back, state.oldest)
    return Plan(
        replaces(reach, policy),
        [
            PlannedWindows(WindowKind.INCREMENTAL, feed, incremental(reach, policy, furthest_back)),
            PlannedWindows(WindowKind.CONFIRM, feed, confirm(reach, policy)),
            PlannedWindows(WindowKind.REPAIR, Feed.CREATED, merge(Window(each, each + SECOND) for each in moments)),
        ],
        sweeps,
    )


def incremental(reach: Reach, policy: SyncPolicy, furthest_back: timedelta | None = None) -> list[Window]:
    """Return the windows from where planning stopped, less the overlap for late indexing, to now less the lag.

        history_from                     planned_to     now - lag  now
        |====== planned before ======|=overlap=|            |        |
                                     |---- new windows -----|
        |-- more --| when the settings reach further back than before

    Nothing where the result would be empty. A newest window that nobody has claimed yet (`Reach.newest`) is replaced by
    a longer one, so that windows do not pile up while nobody reads: the caller takes it out (`replaces`). No window
    of history reaches over the border of what the platform is documented to list, `furthest_back` of now; one of new
    changes that does is cut when it is read.
    """
    end = whole_second(reach.now - policy.lag)
    if reach.history_from is None or reach.planned_to is None:
        return _history(policy.history_from, end, reach.now, policy, furthest_back)
    earlier = _history(policy.history_from, reach.history_from, reach.now, policy, furthest_back)
    start = max(reach.planned_to - policy.overlap, reach.history_from)
    if reach.newest is not None:
        start = reach.newest.window.start if replaces(reach, policy) else end
    return [*earlier, *tile(start, end, policy.longest_window)]


def _history(
    start: datetime, end: datetime, now: datetime, policy: SyncPolicy, furthest_back: timedelta | None
) -> list[Window]:
    """Tile a range, what lies beyond the platform's reach and what lies within it apart; nothing when start >= end."""
    if start >= end:
        return []
    parts = at_reach(Window(start, end), now, furthest_back)
    return [each for part in parts if part for each in tile(part.start, part.end, policy.longest_window)]


def replaces(reach: Reach, policy: SyncPolicy) -> Unclaimed | None:
    """Return the unclaimed window that the newest one of `incremental` makes superfluous."""
    is_longer = reach.newest is not None and reach.newest.window.end < whole_second(reach.now - policy.lag)
    return reach.newest if is_longer else None


def time_ahead(reach: Reach, policy: SyncPolicy) -> datetime | None:
    """The time an account was planned to, or proven, where it lies further in the database's future than any plan ends.

    Else None. Then the database's clock was put back, and nothing would be due for as long as it is behind.
    """
    reached = max((moment for moment in (reach.planned_to, reach.watermark) if moment is not None), default=None)
    latest = reach.now + max(policy.lag, timedelta(0)) + CLOCK_TOLERANCE
    return reached if reached is not None and reached > latest else None


def is_interval_over(reach: Reach, policy: SyncPolicy) -> bool:
    """Return whether changes are due: the plan ends an interval or more before what could be planned now."""
    return reach.planned_to is None or reach.now - policy.lag - reach.planned_to >= policy.interval


def confirm(reach: Reach, policy: SyncPolicy) -> list[Window]:
    """Return the windows of the slower pass behind the overlap, due three times in each `confirm`.

        planned_to - confirm          planned_to
        |-------- confirm --------|=overlap=|---- incremental ----|

    It finds orders that the platform indexes late, by up to two thirds of `confirm`.
    """
    if reach.history_from is None or reach.planned_to is None:
        return []
    if not policy.confirm or not is_due(reach.planned_to, reach.now - policy.lag, policy.confirm / 3):
        return []
    start = max(reach.history_from, reach.planned_to - policy.confirm)
    return list(tile(start, reach.planned_to - policy.overlap, policy.longest_window))


def planned_history(reach: Reach, policy: SyncPolicy, furthest_back: timedelta | None) -> list[Window]:
    """Windows over all that was planned of the history, to read it again; none of an account that was never planned."""
    if reach.history_from is None or reach.planned_to is None:
        return []
    return _history(reach.history_from, reach.planned_to, reach.now, policy, furthest_back)


def backfill(parts: list[Window], now: datetime, policy: SyncPolicy) -> list[Window]:
    """Return the parts of a range as windows the platform takes, up to now less the lag."""
    end = whole_second(now - policy.lag)
    return [window for part in parts for window in tile(part.start, min(part.end, end), policy.longest_window)]


def ranges_to_sweep(reach: Reach, policy: SyncPolicy, sweep: Sweep, oldest: datetime | None = None) -> list[SweepRange]:
    """Return the ranges of creation time that a pass sweeps: only what was planned before; the rest is read anyway.

    `oldest`: the earliest creation time in the tables. Orders of backfills before the history are kept current too.
    """
    if reach.history_from is None or reach.planned_to is None:
        return []
    begins = min(reach.history_from, oldest or reach.history_from)
    end = whole_second(reach.now - policy.lag) if sweep is Sweep.DUE else reach.planned_to
    found = due_ranges(policy.sweeps, sweep, begins, reach.planned_to, end)
    return [part for each in found for part in split_at_history(each, reach.history_from)]


def daily_sweep(
    reach: Reach, policy: SyncPolicy, furthest_back: timedelta | None, oldest: datetime | None = None
) -> list[SweepRange]:
    """Return the ranges of creation time that are read again once a day where changes are listed by update time.

    They bring a change that was listed late, or without its modify time moving. They begin `REACH_MARGIN` after the end
    of what the platform lists (`furthest_back` of now), at the age of `finals_age` where no such end is documented.
    `oldest`: as in `ranges_to_sweep`.
    """
    if reach.history_from is None or reach.planned_to is None:
        return []
    end = whole_second(reach.now - policy.lag)
    if not is_due(reach.planned_to, end, DAY):
        return []
    begins = min(reach.history_from, oldest or reach.history_from)
    start = max(begins, end - (furthest_back or policy.sweeps.finals_age) + REACH_MARGIN)
    return split_at_history(SweepRange(start, end, with_final=True), reach.history_from) if start < end else []
