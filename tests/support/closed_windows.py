"""A window that was read to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orders_sync.domain.windows import Feed, Window
from orders_sync.engine.draining import Closed
from orders_sync.store.claims import Claim
from orders_sync.store.load import Landed

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
CLAIM = Claim(
    1, "shop", "sweep", Feed.CREATED, Window(NOON, NOON + timedelta(hours=1)), None, None, None, 1, 1, 0, NOON
)
DONE = Closed(CLAIM, 3, 7, Landed(new=4, changed=2, unchanged=1), None, 0.3)
