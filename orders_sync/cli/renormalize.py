"""`orders-sync renormalize`: the flattened tables made anew from the payloads, after a normalizer changed."""

from __future__ import annotations

from dataclasses import asdict, astuple
from datetime import timedelta
from typing import Annotated

import typer

from orders_sync.cli import actor, databases, options, output, user_settings
from orders_sync.cli.progress import bars
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.local_times import date_of
from orders_sync.engine.renormalize import Rebuilt
from orders_sync.engine.renormalize import renormalize as renormalize_platform
from orders_sync.platforms import PLATFORMS
from orders_sync.store import activity, rebuild
from orders_sync.store.database import Connection
from orders_sync.store.rebuild import WithoutPayload


def renormalize(
    platform: Annotated[
        str | None, typer.Option(help="Only this platform.", show_default=False, autocompletion=options.platform_names)
    ] = None,
    account: options.Account = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Rebuild the tables from raw_orders with this version's code. Makes no API calls; safe at any time.

    Rows that were deleted or changed by hand come back, too. Orders whose rows are equal are not touched; differences
    are updated and recorded in the order's history. Orders whose payload was removed by [retention] keep their rows.
    Moved: another payload landed meanwhile, with rows of its own.
    """
    if platform is not None and platform not in PLATFORMS:
        raise UsageError(f"--platform: unknown platform {platform}; known are {', '.join(PLATFORMS)}")

    async def run(connection: Connection) -> tuple[list[Rebuilt], list[WithoutPayload]]:
        totals = await rebuild.count(connection, platform, account)
        if account is not None and not totals and not await rebuild.without_payload(connection, platform, account):
            raise NotFoundError(
                f"no orders of account {account} are stored{f' on {platform}' if platform else ''}. "
                "`orders-sync status` lists the accounts"
            )
        with bars(totals) as progress:
            for name, orders in totals.items():
                progress.counted(name, orders)
            subject = platform if account is None else None
            await activity.record(connection, actor.current(), Action.RENORMALIZE, account=account, subject=subject)
            results = [await renormalize_platform(connection, name, account, progress) for name in totals]
        return results, await rebuild.without_payload(connection, platform, account)

    results, deleted = databases.ask(user_settings.load(config), run)
    if json:
        output.print_json([asdict(each) for each in results])
    elif results:
        columns = ["platform", "looked at", "rebuilt", "equal", "rejected", "moved"]  # as the keys of --json
        output.table("Orders rebuilt from their payloads", columns, [astuple(each) for each in results], columns[1:])
    elif not deleted:
        output.info(f"no orders{f' of {platform}' if platform else ''} are stored yet: run `orders-sync sync`")
    for each in deleted:
        output.info(_remedy(each))
    if any(each.rejected for each in results):
        output.info("rejected orders keep their rows; `orders-sync rejects list` shows the reasons")


def _remedy(deleted: WithoutPayload) -> str:
    """Say how to get payloads back that somebody deleted."""
    orders = "1 order" if deleted.orders == 1 else f"{deleted.orders:,} orders"
    loss = (
        f"{deleted.account}: the payloads of {orders} were deleted or changed by hand, and their rows left as they are"
    )
    if deleted.first is None or deleted.last is None:
        return f"{loss}; they come back when the platform lists them again"
    first, past = date_of(deleted.first), date_of(deleted.last) + timedelta(days=1)
    return (
        f"{loss}. To read them again: `orders-sync backfill --account {deleted.account} --by created --from {first} "
        f"--to {past} --everything`"
    )
