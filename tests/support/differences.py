"""Differences that an audit of one day found, hour by hour."""

from __future__ import annotations

from datetime import timedelta

from orders_sync.domain.windows import Feed, Window
from orders_sync.store.audits import RecordedDifference
from tests.support.loading import NOON

HOUR = timedelta(hours=1)
DAY = Window(NOON - 24 * HOUR, NOON)


def difference(hour: int, *missing: str, older: tuple[str, ...] = (), gone: tuple[str, ...] = ()) -> RecordedDifference:
    window = Window(DAY.start + hour * HOUR, DAY.start + (hour + 1) * HOUR)
    count = len(missing) + len(older)
    return RecordedDifference(Feed.CREATED, window, 10 + count, 10 + len(gone), count, missing, older, gone)
