"""Which windows an account needs next. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.domain.accounts import Pace
from orders_sync.domain.emptiness import at_reach
from orders_sync.domain.ledger import CLOCK_TOLERANCE, Reach, Unclaimed
from orders_sync.domain.sweeps import DAY, Look, Sweep, cut, is_due, looks
from orders_sync.domain.windows import Window, tile, whole_second


def incremental(reach: Reach, pace: Pace, furthest_back: timedelta | None = None) -> list[Window]:
    """From where planning stopped, less the overlap for what was indexed late, to now less the lag.

        history_from                     planned_to     now - lag  now
        |====== planned before ======|=overlap=|            |        |
                                     |---- new windows -----|
        |-- more --| when the settings reach further back than before

    Nothing where the result would be empty. A newest window that nobody has claimed yet (`Reach.newest`) is replaced by
    a longer one, so that windows do not pile up while nobody reads: the caller takes it out (`replaces`). No window
    reaches over the border of what the platform is documented to list, `furthest_back` of now.
    """
    end = whole_second(reach.now - pace.lag)
    if reach.history_from is None or reach.planned_to is None:
        return _history(pace.history_from, end, reach.now, pace, furthest_back)
    earlier = _history(pace.history_from, reach.history_from, reach.now, pace, furthest_back)
    start = max(reach.planned_to - pace.overlap, reach.history_from)
    if reach.newest is not None:
        start = reach.newest.window.start if replaces(reach, pace) else end
    return [*earlier, *tile(start, end, pace.longest_window)]


def _history(
    start: datetime, end: datetime, now: datetime, pace: Pace, furthest_back: timedelta | None
) -> list[Window]:
    """Tile a range, what lies beyond the platform's reach and what lies within it apart; nothing when start >= end."""
    if start >= end:
        return []
    parts = at_reach(Window(start, end), now, furthest_back)
    return [each for part in parts if part for each in tile(part.start, part.end, pace.longest_window)]


def replaces(reach: Reach, pace: Pace) -> Unclaimed | None:
    """The unclaimed window that the newest one of `incremental` makes superfluous."""
    is_longer = reach.newest is not None and reach.newest.window.end < whole_second(reach.now - pace.lag)
    return reach.newest if is_longer else None


def time_ahead(reach: Reach, pace: Pace) -> datetime | None:
    """The time an account was planned to, or proven, where it lies further in the database's future than any plan ends;
    else None. Then the database's clock was put back, and nothing would be due for as long as it is behind."""
    reached = max((moment for moment in (reach.planned_to, reach.watermark) if moment is not None), default=None)
    latest = reach.now + max(pace.lag, timedelta(0)) + CLOCK_TOLERANCE
    return reached if reached is not None and reached > latest else None


def is_interval_over(reach: Reach, pace: Pace) -> bool:
    """Whether changes are due: what is planned ends an interval or more before what could be planned now."""
    return reach.planned_to is None or reach.now - pace.lag - reach.planned_to >= pace.interval


def confirm(reach: Reach, pace: Pace) -> list[Window]:
    """The slower pass behind the overlap, three times in each `confirm`, for what was indexed later still.

        planned_to - confirm          planned_to
        |-------- confirm --------|=overlap=|---- incremental ----|

    So an order that comes into the index up to two thirds of `confirm` late is still found by itself.
    """
    if reach.history_from is None or reach.planned_to is None:
        return []
    if not pace.confirm or not is_due(reach.planned_to, reach.now - pace.lag, pace.confirm / 3):
        return []
    start = max(reach.history_from, reach.planned_to - pace.confirm)
    return list(tile(start, reach.planned_to - pace.overlap, pace.longest_window))


def history_again(reach: Reach, pace: Pace, furthest_back: timedelta | None) -> list[Window]:
    """All that was planned before."""
    if reach.history_from is None or reach.planned_to is None:
        return []
    return _history(reach.history_from, reach.planned_to, reach.now, pace, furthest_back)


def backfill(parts: list[Window], now: datetime, pace: Pace) -> list[Window]:
    """The parts of a range as windows the platform takes, up to now less the lag."""
    end = whole_second(now - pace.lag)
    return [window for part in parts for window in tile(part.start, min(part.end, end), pace.longest_window)]


def look_over(reach: Reach, pace: Pace, sweep: Sweep, oldest: datetime | None = None) -> list[Look]:
    """The ranges of creation time a pass has to look over. Only what was planned before: the rest is read anyway.

    `oldest`: the earliest creation time in the tables. Orders of backfills before the history are kept current too.
    """
    if reach.history_from is None or reach.planned_to is None:
        return []
    begins = min(reach.history_from, oldest or reach.history_from)
    end = whole_second(reach.now - pace.lag) if sweep is Sweep.DUE else reach.planned_to
    found = looks(pace.sweeps, sweep, begins, reach.planned_to, end)
    return [part for look in found for part in cut(look, reach.history_from)]


def daily(reach: Reach, pace: Pace, furthest_back: timedelta | None, oldest: datetime | None = None) -> list[Look]:
    """The range of creation time that is looked over once a day where changes are listed by update time: a change that
    was listed late, or without its modify time moving, is found there. As far back as the platform lists. `oldest`: as
    in `look_over`."""
    if reach.history_from is None or reach.planned_to is None:
        return []
    end = whole_second(reach.now - pace.lag)
    if not is_due(reach.planned_to, end, DAY):
        return []
    begins = min(reach.history_from, oldest or reach.history_from)
    start = max(begins, end - (furthest_back or pace.sweeps.finals_age) + timedelta(hours=2))
    return cut(Look(start, end, with_final=True), reach.history_from) if start < end else []
