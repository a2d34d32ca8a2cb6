"""Plans of backfills: what a person was shown, so that exactly this is started."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from orders_sync.domain.windows import Feed, Window, tile

KEPT = timedelta(hours=1)  # an older plan cannot be started
PLAN_COMPARED_AFTER = timedelta(hours=1)  # of a plan, younger ranges are not compared: they change with each read


class PlannedPart(msgspec.Struct, frozen=True):
    """The ranges of one account to be read, in windows of at most `longest_seconds`, oldest first.

    `past`: what is younger than that is not read. `orders`: the ids that are to be read, of a plan by numbers, one list
    for each range. `remark`: what there is to know about it.
    """

    account: str
    feed: Feed
    past: datetime
    longest_seconds: float
    page_size: int
    ranges: list[Window]
    orders: list[list[str]] = []
    remark: str | None = msgspec.field(default=None, name="notice")  # as plans are stored, and in sync.backfills

    def windows(self) -> list[Window]:
        """Return the windows to read: the ranges as they are where orders are asked for, else cut to their length."""
        if self.orders:
            return self.ranges
        longest = timedelta(seconds=self.longest_seconds)
        return [window for each in self.ranges for window in tile(each.start, each.end, longest)]


class BackfillPlan(msgspec.Struct, frozen=True):
    """A plan: a range `[start, end)` of accounts, or the orders with these `numbers`.

    `everything`: what is complete is read again too. `compared_to`: the plan is compared up to it when it is started;
    what is older must not have changed.
    """

    start: datetime
    end: datetime
    everything: bool
    compared_to: datetime
    parts: list[PlannedPart]
    numbers: list[str] = []

    @property
    def accounts(self) -> list[str]:
        """The names of the accounts, in the order of the parts."""
        return [part.account for part in self.parts]


def fingerprint(parts: Sequence[PlannedPart], compared_to: datetime) -> bytes:
    """Return a hash of what is to be read before a time, and of how: the same while nothing of it changed."""
    found = [
        (
            part.account,
            part.feed,
            part.longest_seconds,
            part.page_size,
            [
                (each.start.astimezone(UTC), min(each.end, compared_to).astimezone(UTC))
                for each in part.ranges
                if each.start < compared_to
            ],
            part.orders,
        )
        for part in parts
    ]
    return blake2b(msgspec.json.encode(found), digest_size=16).digest()
