"""`orders-sync activity`: who did what, and when."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import typer
from msgspec import structs

from orders_sync.cli import databases, options, output, user_settings
from orders_sync.domain.activity import TIMES
from orders_sync.domain.local_times import stamp
from orders_sync.store import activity as store
from orders_sync.store.activity import Activity
from orders_sync.store.database import Connection

SHOWN = 5  # numbers of one action; --json has more


def activity(
    account: options.Account = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only of this person.", show_default=False)] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Only from this date or time on. Without an offset it is Asia/Shanghai, or [display] time_zone.",
            show_default=False,
        ),
    ] = None,
    before: Annotated[
        int | None, typer.Option("--before", help="Only older than this number.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """List what people did, newest first: pauses, backfills, replays, audits and so on, by command and in the console.

    One line for each account that an action concerns. ORDERS_SYNC_USER says who runs a command; without it that is the
    user of the shell.
    """
    first = None if since is None else options.moment(since, "--since")

    async def ask(connection: Connection) -> list[Activity]:
        return await store.listed(connection, account=account, actor=actor, since=first, before=before, limit=limit)

    found = databases.ask(user_settings.load(config), ask)
    if json:
        output.print_json([structs.asdict(each) for each in found])
        return
    if not found:
        output.info("nothing was recorded" + (" that fits" if account or actor or since or before else " yet"))
        return
    columns = ["at", "who", "from", "action", "account", "details"]
    output.table(
        "What people did",
        columns,
        [(each.at, each.actor, each.origin, each.action, each.account, _about(each)) for each in found],
        optional=["from"],
        see="activity --json",
    )
    if len(found) == limit:
        output.info(f"older ones: --before {found[-1].id}")


def _about(found: Activity) -> str:
    """Return what was acted on, then the details of the action."""
    return ", ".join(filter(None, [found.subject, _details(found.details)]))


def _details(details: dict[str, Any]) -> str:
    """Return details in a line, times in the zone of the user."""
    first = ["from", "to"]  # jsonb keeps the shortest name first
    in_order = sorted(details.items(), key=lambda each: first.index(each[0]) if each[0] in first else len(first))
    return ", ".join(f"{name.replace('_', ' ')}: {_value(name, value)}" for name, value in in_order)


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        more = f" and {len(value) - SHOWN} more" if len(value) > SHOWN else ""
        return " ".join(map(str, value[:SHOWN])) + more
    if name in TIMES:
        with suppress(ValueError):
            return stamp(datetime.fromisoformat(str(value)))
    return str(value)
