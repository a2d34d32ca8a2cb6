"""Actions on single orders: fetch them now, reveal the personal data of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import NotFoundError
from orders_sync.domain.sentences import Sentence
from orders_sync.engine import order_fetch
from orders_sync.engine.actions import backfills
from orders_sync.engine.actions.backfills import Requested
from orders_sync.engine.order_fetch import OrdersPreview
from orders_sync.engine.sources import AccountSource
from orders_sync.store import activity, order_persons
from orders_sync.store.database import Connection
from orders_sync.store.order_numbers import OrderKey


@dataclass(frozen=True, slots=True)
class Fetching:
    """The plan of reading orders, and the request it was started as; None where none of them can be read."""

    plan: OrdersPreview
    requested: Requested | None


async def fetch(
    connection: Connection, actor: Actor, sources: Sequence[AccountSource], texts: Sequence[str], now: datetime
) -> Fetching:
    """Request the orders with these numbers to be read at once, without a look at the plan.

    Raises what `order_fetch.preview` raises.
    """
    async with connection.transaction():
        plan = await order_fetch.preview(connection, sources, texts, now)
        requested = None
        if plan.plan is not None:
            requested = await backfills.start(connection, actor, sources, plan.plan)
    return Fetching(plan, requested)


async def reveal_personal_data(connection: Connection, actor: Actor, key: OrderKey) -> dict[str, Any]:
    """Return the personal data of an order, as `store/order_persons.py` reads it, and record who asked.

    Raises `NotFoundError` for an unknown order.
    """
    async with connection.transaction():
        personal_data = await order_persons.read(connection, key)
        if personal_data is None:
            raise NotFoundError(
                Sentence("there is no order %(order)s of %(platform)s here", order=key.order_id, platform=key.platform)
            )
        await activity.record(
            connection,
            actor,
            Action.PERSONS_REVEAL,
            account=personal_data.pop("account"),
            subject=f"order {key.order_id}",
            details={"platform": key.platform},
        )
    return personal_data
