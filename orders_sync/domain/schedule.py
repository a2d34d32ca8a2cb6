"""Arithmetic of the windows that an account needs next. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.emptiness import REACH_MARGIN, at_reach
from orders_sync.domain.ledger import CLOCK_TOLERANCE, Plan, PlannedTimes, PlannedWindows, PlanningState, Unclaimed
from orders_sync.domain.sweeps import DAY, Sweep, SweepRange, due_ranges, is_due, split_at_history
from orders_sync.domain.windows import SECOND, Feed, Window, WindowKind, merge, tile, whole_second


def due_plan(
    state: PlanningState, policy: SyncPolicy, feed: Feed, furthest_back: timedelta | None, sweep: Sweep
) -> Plan:
    """Return the plan that is due: new changes, the pass that confirms them, orders to be read again, sweeps.

    `feed`: what changes are listed by. Where that is the update time, only `Sweep.DUE` plans a sweep, one a day.
    """
    planned = state.planned
    moments = [whole_second(each) for each in state.to_read_again]
    sweeps: list[SweepRange] = []
    if feed is Feed.CREATED:
        sweeps = ranges_to_sweep(planned, policy, sweep, state.oldest)
    elif sweep is Sweep.DUE:
        sweeps = daily_sweep(planned, policy, furthest_back, state.oldest)
    return Plan(
        superseded(planned, policy),
        [
            PlannedWindows(WindowKind.INCREMENTAL, feed, incremental(planned, policy, furthest_back)),
            PlannedWindows(WindowKind.CONFIRM, feed, confirm(planned, policy)),
            PlannedWindows(WindowKind.REPAIR, Feed.CREATED, merge(Window(each, each + SECOND) for each in moments)),
        ],
        sweeps,
    )


def incremental(planned: PlannedTimes, policy: SyncPolicy, furthest_back: timedelta | None = None) -> list[Window]:
    """Return the windows from where planning stopped, less the overlap for late indexing, to now less the lag.

        history_from                     planned_to     now - lag  now
        |====== planned before ======|=overlap=|            |        |
                                     |---- new windows -----|
        |-- more --| when the settings reach further back than before

    Nothing where the result would be empty. A newest window that nobody has claimed yet (`newest`) is replaced by
    a longer one, so that windows do not pile up while nobody reads: the caller takes it out (`superseded`). No window
    of history reaches over the border of what the platform is documented to list, `furthest_back` of now; one of new
    changes that does is cut when it is read.
    """
    end = whole_second(planned.now - policy.lag)
    if planned.history_from is None or planned.planned_to is None:
        return _history(policy.history_from, end, planned.now, policy, furthest_back)
    earlier = _history(policy.history_from, planned.history_from, planned.now, policy, furthest_back)
    start = max(planned.planned_to - policy.overlap, planned.history_from)
    if planned.newest is not None:
        start = planned.newest.window.start if superseded(planned, policy) else end
    return [*earlier, *tile(start, end, policy.longest_window)]


def _history(
    start: datetime, end: datetime, now: datetime, policy: SyncPolicy, furthest_back: timedelta | None
) -> list[Window]:
    """Cut a range at the platform's reach, then tile both parts; nothing when start >= end."""
    if start >= end:
        return []
    parts = at_reach(Window(start, end), now, furthest_back)
    return [each for part in parts if part for each in tile(part.start, part.end, policy.longest_window)]


def superseded(planned: PlannedTimes, policy: SyncPolicy) -> Unclaimed | None:
    """Return the unclaimed window that the newest one of `incremental` makes superfluous."""
    is_longer = planned.newest is not None and planned.newest.window.end < whole_second(planned.now - policy.lag)
    return planned.newest if is_longer else None


def time_ahead(planned: PlannedTimes, policy: SyncPolicy) -> datetime | None:
    """Return the time an account was planned or proven to, if it lies after the latest end that a plan can have now.

    Then the database's clock was put back, and nothing would be due until it has caught up. Else None.
    """
    reached = max((moment for moment in (planned.planned_to, planned.watermark) if moment is not None), default=None)
    latest = planned.now + max(policy.lag, timedelta(0)) + CLOCK_TOLERANCE
    return reached if reached is not None and reached > latest else None


def is_interval_over(planned: PlannedTimes, policy: SyncPolicy) -> bool:
    """Return whether changes are due: the plan ends an interval or more before what could be planned now."""
    return planned.planned_to is None or planned.now - policy.lag - planned.planned_to >= policy.interval


def confirm(planned: PlannedTimes, policy: SyncPolicy) -> list[Window]:
    """Return the windows of the slower pass over the time before the overlap, due three times in `policy.confirm`.

        planned_to - confirm          planned_to
        |-------- confirm --------|=overlap=|---- incremental ----|

    It finds orders that the platform indexes late, by up to two thirds of `confirm`.
    """
    if planned.history_from is None or planned.planned_to is None:
        return []
    if not policy.confirm or not is_due(planned.planned_to, planned.now - policy.lag, policy.confirm / 3):
        return []
    start = max(planned.history_from, planned.planned_to - policy.confirm)
    return list(tile(start, planned.planned_to - policy.overlap, policy.longest_window))


def planned_history(planned: PlannedTimes, policy: SyncPolicy, furthest_back: timedelta | None) -> list[Window]:
    """Return windows over all that was planned of the history, to read it again; none if nothing was planned yet."""
    if planned.history_from is None or planned.planned_to is None:
        return []
    return _history(planned.history_from, planned.planned_to, planned.now, policy, furthest_back)


def backfill(parts: list[Window], now: datetime, policy: SyncPolicy) -> list[Window]:
    """Return the parts of a range as windows the platform takes, up to now less the lag."""
    end = whole_second(now - policy.lag)
    return [window for part in parts for window in tile(part.start, min(part.end, end), policy.longest_window)]


def ranges_to_sweep(
    planned: PlannedTimes, policy: SyncPolicy, sweep: Sweep, oldest: datetime | None = None
) -> list[SweepRange]:
    """Return the ranges of creation time that a pass sweeps: only what was planned before; the rest is read anyway.

    `oldest`: the earliest creation time in the tables. Orders of backfills before the history are kept current too.
    """
    if planned.history_from is None or planned.planned_to is None:
        return []
    begins = min(planned.history_from, oldest or planned.history_from)
    end = whole_second(planned.now - policy.lag) if sweep is Sweep.DUE else planned.planned_to
    found = due_ranges(policy.sweeps, sweep, begins, planned.planned_to, end)
    return [part for each in found for part in split_at_history(each, planned.history_from)]


def daily_sweep(
    planned: PlannedTimes, policy: SyncPolicy, furthest_back: timedelta | None, oldest: datetime | None = None
) -> list[SweepRange]:
    """Return the ranges of creation time that are read again once a day where changes are listed by update time.

    They bring a change that was listed late, or without its modify time moving. They begin `REACH_MARGIN` after the
    earliest moment that the platform lists (`furthest_back` before now), at the age of `finals_age` where none is
    documented.
    `oldest`: as in `ranges_to_sweep`.
    """
    if planned.history_from is None or planned.planned_to is None:
        return []
    end = whole_second(planned.now - policy.lag)
    if not is_due(planned.planned_to, end, DAY):
        return []
    begins = min(planned.history_from, oldest or planned.history_from)
    start = max(begins, end - (furthest_back or policy.sweeps.finals_age) + REACH_MARGIN)
    return split_at_history(SweepRange(start, end, with_final=True), planned.history_from) if start < end else []
