"""Remarks for people who ask for a backfill: what there is to know of its range. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Window, whole_second
from orders_sync.engine.sources import AccountSource
from orders_sync.store.backfills import EqualRequest
from orders_sync.store.open_differences import MissingOrders


def why_not_backfillable(source: AccountSource, window: Window, now: datetime) -> str | None:
    """Say why nothing of a range can be read yet; None where something can."""
    end = whole_second(now - source.policy.lag)
    if window.start < end:
        return None
    return Sentence(
        "the range lies in the future: it begins at %(start)s, and what is younger than %(end)s may not be listed yet. "
        "Nothing was read",
        start=window.start,
        end=end,
    )


def remarks(source: AccountSource, window: Window, now: datetime, equal: Sequence[EqualRequest] = ()) -> list[str]:
    """Return what there is to know of a range, in sentences. `equal`: earlier requests for the same range."""
    sentences: list[str] = []
    furthest, end = source.platform.furthest_back, whole_second(now - source.policy.lag)
    if furthest is not None and window.start < now - furthest:
        sentences.append(
            Sentence(
                "%(platform)s is documented to list orders from %(time)s on. Those before are requested all the same, "
                "but an empty result does not prove that there were none",
                platform=source.platform.name,
                time=now - furthest,
            )
        )
    if window.end > end and window.end > now:
        sentences.append(
            Sentence(
                "the range ends in the future: it is read up to %(end)s, what comes later by the usual sync", end=end
            )
        )
    for each in equal[:1]:
        sentences.append(
            Sentence(
                "request %(request)s, %(state)s, asks for the same range",
                request=each.request_id,
                state=Sentence(each.state.value),
            )
        )
    return sentences


def of_missing(found: MissingOrders) -> Sentence:
    """Say that an audit found orders of the range which are missing, however completely the range was read."""
    audit, name = found.audit, found.order_id
    if name is None:
        return Sentence(
            "audit %(audit)s counted more orders of this range at the platform than are here (missing: %(count)s): "
            "`orders-sync audit repair %(audit)s` has them read",
            audit=audit,
            count=found.orders,
        )
    if found.orders == 1:
        return Sentence(
            "audit %(audit)s found 1 order of this range that is missing here, %(order)s: "
            "`orders-sync audit repair %(audit)s` has it read",
            audit=audit,
            order=name,
        )
    return Sentence(
        "audit %(audit)s found %(count)s orders of this range that are missing here, such as %(order)s: "
        "`orders-sync audit repair %(audit)s` has them read",
        audit=audit,
        count=found.orders,
        order=name,
    )
