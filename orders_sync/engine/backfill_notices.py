"""Notices for people who ask for a backfill. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders_sync.domain.local_times import stamp
from orders_sync.domain.windows import Window, whole_second
from orders_sync.engine.sources import AccountSource
from orders_sync.store.backfills import EqualRequest


def refusal(source: AccountSource, window: Window, now: datetime) -> str | None:
    """Say why nothing of a range can be read yet; None where something can."""
    end = whole_second(now - source.policy.lag)
    if window.start < end:
        return None
    return (
        f"the range lies in the future: it begins at {stamp(window.start)}, and what is younger than {stamp(end)} may "
        "not be listed yet. Nothing was read"
    )


def notices(source: AccountSource, window: Window, now: datetime, equal: Sequence[EqualRequest] = ()) -> list[str]:
    """Return what there is to know of a range, in sentences. `equal`: earlier requests for the same range."""
    said = []
    furthest, end = source.platform.furthest_back, whole_second(now - source.policy.lag)
    if furthest is not None and window.start < now - furthest:
        said.append(
            f"{source.platform.name} is documented to list one month back. Orders before {stamp(now - furthest)} are "
            "requested all the same, but an empty result does not prove that there were none"
        )
    if window.end > end and window.end > now:
        said.append(f"the range ends in the future: it is read up to {stamp(end)}, what comes later by the usual sync")
    for each in equal[:1]:
        said.append(f"backfill {each.id}, {each.state}, asks for the same range")
    return said
