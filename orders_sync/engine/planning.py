"""Which windows an account needs next. Pure."""

from __future__ import annotations

from datetime import timedelta

from orders_sync.domain.accounts import Pace
from orders_sync.domain.windows import Window, tile, whole_second
from orders_sync.store.ledger import Reach


def incremental(reach: Reach, pace: Pace, longest: timedelta) -> list[Window]:
    """From where planning stopped, less the overlap for what was indexed late, to now less the lag.

        history_from                     planned_to     now - lag  now
        |====== planned before ======|=overlap=|            |        |
                                     |---- new windows -----|
        |-- more --| when the settings reach further back than before

    Nothing where the result would be empty.
    """
    end = whole_second(reach.now - pace.lag)
    if reach.history_from is None or reach.planned_to is None:
        return list(tile(pace.history_from, end, longest))
    earlier = tile(pace.history_from, reach.history_from, longest)
    start = max(reach.planned_to - pace.overlap, reach.history_from)
    return [*earlier, *tile(start, end, longest)]


def sweep(reach: Reach, pace: Pace, longest: timedelta) -> list[Window]:
    """Everything planned so far once more: on a feed by creation time, changes do not come back by themselves."""
    if reach.history_from is None or reach.planned_to is None:
        return []
    return list(tile(reach.history_from, reach.planned_to, longest))
