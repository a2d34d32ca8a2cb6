"""A window that was read to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.engine.results import WindowResult

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CLAIM = Claim(
    1, "shop", WindowKind.SWEEP, Feed.CREATED, Window(NOON, NOON + timedelta(hours=1)), None, None, None, 1, 1, 0, NOON
)
DONE = WindowResult(CLAIM, 3, 7, LoadCounts(new=4, changed=2, unchanged=1), None, 0.3)
