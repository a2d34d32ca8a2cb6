"""Plans of backfills as they are stored for an hour: another version may start them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from orders_sync.domain.backfill_plans import BackfillPlan, PlannedPart
from orders_sync.domain.windows import Feed, Window

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = Window(NOON, NOON + timedelta(days=1))


def test_a_stored_plan_keeps_the_names_of_its_fields() -> None:
    part = PlannedPart("shop", Feed.CREATED, DAY.end, 3600.0, 20, [DAY], remark="it is cut")
    stored = msgspec.json.encode(BackfillPlan(DAY.start, DAY.end, False, DAY.end, [part]))
    assert msgspec.json.decode(stored)["parts"][0]["notice"] == "it is cut"
    assert msgspec.json.decode(stored, type=BackfillPlan).parts == [part]
