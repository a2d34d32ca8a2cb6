"""Decide what an empty response proves, and what one beyond a platform's reach does: nothing by itself. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.domain.windows import Window

REACH_MARGIN = timedelta(hours=2)  # of the reach, not relied on: time passes before a window is read
ONE_ANSWER = timedelta(days=1)  # the longest window that a single empty response closes
SECOND_ANSWER_AFTER = timedelta(minutes=2)  # delay before a longer one is read once more
# delays before a history that was found empty is read again: new authorisations may list nothing at first
EMPTY_HISTORY_AGAIN = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)


def is_believed(window: Window, *, is_second_answer: bool) -> bool:
    """Return whether an empty response is believed: for a day at once, for more if it is repeated minutes later.

    So an empty window costs two calls at most, however long it is.
    """
    return is_second_answer or window.end - window.start <= ONE_ANSWER


def at_reach(window: Window, now: datetime, furthest_back: timedelta | None) -> tuple[Window | None, Window | None]:
    """Cut a window at the earliest moment that the platform is documented to list. Return the parts before and after.

        now - furthest_back   the next whole hour but one                                 now
        |---------------------|-----------------------------------------------------------|
        ...... beyond ........|......................... within ...........................

    One to two hours of the reach count as beyond (`REACH_MARGIN`), or a range would be beyond by the time it is read.
    """
    if furthest_back is None:
        return None, window
    border = (now - furthest_back).replace(minute=0, second=0, microsecond=0) + REACH_MARGIN
    if window.end <= border:
        return window, None
    if window.start >= border:
        return None, window
    return Window(window.start, border), Window(border, window.end)
