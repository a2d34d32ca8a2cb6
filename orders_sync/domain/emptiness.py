"""What an empty answer is worth, and what one beyond a platform's reach is worth: nothing by itself. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.domain.windows import Window

HOUR = timedelta(hours=1)
ONE_ANSWER = timedelta(days=1)  # one empty answer closes no longer window
AGAIN = timedelta(minutes=2)  # later a longer one is asked once more
# after all of an account's history was found empty it is read again: new authorisations may list nothing at first
EMPTY_HISTORY_AGAIN = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)


def is_believed(window: Window, *, is_second_answer: bool) -> bool:
    """Return whether an empty answer is believed: of a day at once, of more when it is given twice, minutes apart.

    So an empty window costs two calls at most, however long it is.
    """
    return is_second_answer or window.end - window.start <= ONE_ANSWER


def at_reach(window: Window, now: datetime, furthest_back: timedelta | None) -> tuple[Window | None, Window | None]:
    """Cut a window where the platform's documented reach begins: what lies beyond it, and what lies within.

        now - furthest_back   the next whole hour but one                                 now
        |---------------------|-----------------------------------------------------------|
        ...... beyond ........|......................... within ...........................

    An hour or two of the reach are counted as beyond it, or a range would be beyond again by the time it is asked.
    """
    if furthest_back is None:
        return None, window
    border = (now - furthest_back).replace(minute=0, second=0, microsecond=0) + 2 * HOUR
    if window.end <= border:
        return window, None
    if window.start >= border:
        return None, window
    return Window(window.start, border), Window(border, window.end)
