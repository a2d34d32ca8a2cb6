"""`orders-sync backfill --orders`: read single orders by their numbers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from orders_sync.cli import account_selection, backfill_requests, databases, output
from orders_sync.cli.sync import show
from orders_sync.domain.errors import NotFoundError
from orders_sync.domain.times import duration
from orders_sync.engine import order_fetch
from orders_sync.engine.actions.backfills import Requested
from orders_sync.engine.order_fetch import OrdersPreview
from orders_sync.engine.results import AccountResult
from orders_sync.settings import Settings
from orders_sync.store.database import Connection

STDIN = "-"


def run(settings: Settings, texts: Sequence[str], *, wait: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what can be read of these orders, then request it. Raises `NotFoundError` where one cannot be read."""
    given = [sys.stdin.read() if text == STDIN else text for text in texts]
    sources = account_selection.sources(settings)
    requested: Requested | None = None
    outcomes: list[AccountResult] = []

    async def ask(connection: Connection) -> OrdersPreview:
        return await order_fetch.preview(connection, sources, given, datetime.now(UTC))

    with databases.opened(settings) as host:
        with host.session() as session:
            account_selection.register(settings, session)
        plan = host.ask(ask)
        if not as_json:
            _show(plan)
        for remark in plan.remarks:
            output.info(remark)
        if plan.plan is not None:
            only_shown = dry_run or (as_json and not yes)
            requested, outcomes = backfill_requests.carry_out(
                host, settings, plan.plan, dry_run=only_shown, asks=not yes, wait=wait
            )
    if as_json:
        plain = {**asdict(plan), "orders": [_plain(each) for each in plan.orders]}
        plain = {"notices" if name == "remarks" else name: value for name, value in plain.items()}
        output.print_json(
            {
                **plain,
                "request": requested and requested.number,
                "backfills": [] if requested is None else requested.backfills,
                "outcomes": [outcome.plain() for outcome in outcomes],
            }
        )
    elif outcomes:
        show(outcomes)
    if plan.not_fetched:
        count = len({each.number for each in plan.not_fetched})
        raise NotFoundError(f"{count} {'number' if count == 1 else 'numbers'} of these cannot be read")
    backfill_requests.exit_if_failed(outcomes)


def _plain(order: order_fetch.FetchedOrder) -> dict[str, object]:
    return {
        "number": order.number,
        "account": order.account,
        "order_id": order.order_id,
        "feed": order.feed,
        "start": order.window.start,
        "end": order.window.end,
    }


def _show(plan: OrdersPreview) -> None:
    if plan.orders:
        output.table(
            "Orders that can be read",
            ["number", "account", "order", "by", "from", "to"],
            [
                (each.number, each.account, each.order_id, each.feed, each.window.start, each.window.end)
                for each in plan.orders
            ],
        )
        output.info(f"at least {plan.calls} calls, about {duration(int(plan.seconds) + 1)}")
    for each in plan.not_fetched:
        output.say(f"{each.number}: {each.reason}{f': `{each.command}`' if each.command else ''}")
