"""`orders-sync accounts`: the accounts of the settings and of the ledger; pauses, and the end of a suspension."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from msgspec import structs

from orders_sync.cli import account_selection, actor, databases, options, output, user_settings
from orders_sync.cli.doctor import Probed, doctor
from orders_sync.domain.errors import UsageError
from orders_sync.domain.local_times import stamp
from orders_sync.engine import service_status
from orders_sync.engine.actions import accounts as actions
from orders_sync.engine.actions import windows as window_actions
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.settings import Settings
from orders_sync.store import identities, overview, ownership, stored_accounts
from orders_sync.store.database import Connection
from orders_sync.store.pauses import Pause
from orders_sync.store.stored_accounts import StoredAccount
from orders_sync.store.suspensions import Suspension

app = typer.Typer(help="List, pause, resume, test, rename, merge and retire accounts.", no_args_is_help=True)


@app.command("list")
def list_(config: options.Config = None, json: options.Json = False) -> None:
    """List the accounts of the settings and of the tables: platform, seller, rate and state."""
    settings = user_settings.load(config)
    with databases.opened(settings) as host, host.session() as connection:
        processes = overview.processes(connection)
        known = {each.name: each for each in stored_accounts.read(connection)}
        shared = ownership.shared(connection)
        unrefreshed = identities.unrefreshed(connection)
    misconfigured = service_status.misconfigured(settings, processes)
    elsewhere = {name for each in processes if each.is_alive for name in each.accounts}
    rows = _rows(settings, known)
    for row in rows:
        row["in_running_process"] = row["account"] in elsewhere
        row["misconfigured"] = misconfigured.get(row["account"]) if row["in_settings"] else None
    if json:
        output.print_json(rows)
    elif not rows:
        output.info("no accounts yet: add one to orders_sync.toml, or try `orders-sync demo`")
    else:
        columns = ["account", "platform", "seller", "calls per second", "state"]
        output.table(
            "Accounts",
            columns,
            [(r["account"], r["platform"], r["seller"], _rate(r["requests_per_second"]), _state(r)) for r in rows],
            columns[3:4],
        )
        for row in rows:
            if row["misconfigured"]:
                output.info(f"{row['account']}: misconfigured: {row['misconfigured']}")
            if row["paused_at"]:
                output.info(str(_pause(row)))
            if row["suspended_at"]:
                output.info(_why(row))
        for each in unrefreshed:
            output.info(each)
        for found in shared:
            output.info(f"{found.account} also lists {found.orders:,} orders that {found.owner} keeps current")


@app.command()
def rename(
    old: Annotated[str, typer.Argument(help="Its name in the tables: `accounts list`.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Rename an account that is not in the settings. Others are renamed in the settings, and follow at a reload."""
    settings = user_settings.load(config)
    if account_selection.named(settings, old):
        raise UsageError(f"{old} is in the settings: change its name there, and the next run renames it in the tables")
    with databases.opened(settings) as host, host.session() as connection:
        if account_selection.named(settings, new):
            taken = f"{new} is the name of an account in the settings: choose another, or see `accounts merge`"
            raise UsageError(identities.awaited_renames(connection, settings.listed).get(old, taken))
        identities.rename(connection, actor.current(), old, new)
    output.report({"account": new, "was": old}, f"renamed {old} to {new}", json)


@app.command()
def retire(name: str, config: options.Config = None, json: options.Json = False) -> None:
    """Declare that the orders of an account that is not in the settings need no more updates. They stay."""
    settings = user_settings.load(config)
    if account_selection.named(settings, name):
        raise UsageError(f"{name} is in the settings: remove it there first")
    with databases.opened(settings) as host, host.session() as connection:
        identities.retire(connection, actor.current(), name)
    text = f"{name} is retired: its orders stay as they are. Add it to the settings again to resume reading"
    output.report({"account": name}, text, json)


@app.command()
def merge(old: str, new: options.AccountName, config: options.Config = None, json: options.Json = False) -> None:
    """Merge two accounts of one shop, such as after a change of host: NEW gets the orders of OLD, which is removed."""
    settings = user_settings.load(config)
    if account_selection.named(settings, old):
        raise UsageError(f"{old} is in the settings: remove it there first")
    with databases.opened(settings) as host, host.session() as connection:
        identities.merge(connection, actor.current(), old, new)
    text = f"{new} now has the orders of {old}; `orders-sync rejects replay` stores those that were rejected meanwhile"
    output.report({"account": new, "merged": old}, text, json)


@app.command()
def pause(
    names: options.AccountNames,
    reason: Annotated[str | None, typer.Option("--reason", help="Shown in `status`.", show_default=False)] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="Date or time at which it ends by itself, or a length: 30m. [default: at `accounts resume`]"
        ),
    ] = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Pause accounts: they are neither planned nor read. Windows in flight are finished, messages kept for later."""
    settings = user_settings.load(config)
    ends = None if until is None else options.moment(until, "--until", ahead=True)
    if ends is not None and ends <= datetime.now(UTC):
        raise UsageError(f'--until: lies in the past (got "{until}")')
    with databases.opened(settings) as host:
        with host.session() as session:
            account_selection.register(settings, session)

        async def ask(connection: Connection) -> list[Pause]:
            async with connection.transaction():  # all of them or none
                who = actor.current()
                return [
                    await actions.pause(connection, who, settings.listed, each, reason, ends)
                    for each in dict.fromkeys(names)
                ]

        paused = host.ask(ask)
    rows = [{"account": each.name, **structs.asdict(each)} for each in paused]
    for row in rows:
        del row["name"]
    if json:
        output.print_json(rows if len(names) > 1 else rows[0])
        return
    for each in paused:
        output.info(str(each))


@app.command()
def resume(name: options.AccountName, config: options.Config = None, json: options.Json = False) -> None:
    """End a pause, or a suspension: make calls again with the credentials that were refused."""
    databases.ask(user_settings.load(config), lambda connection: actions.resume(connection, actor.current(), name))
    text = f"{name}: a running service, or the next `orders-sync sync`, makes calls for it again"
    output.report({"account": name}, text, json)


@app.command()
def retry(
    name: options.AccountName,
    windows: Annotated[
        list[int] | None,
        typer.Option("--window", help="Only this failed window; may be repeated.", show_default=False),
    ] = None,
    config: options.Config = None,
) -> None:
    """Have the failed windows of an account read now, due or not."""

    async def ask(connection: Connection) -> int:
        return await window_actions.retry(connection, actor.current(), name, windows)

    count = databases.ask(user_settings.load(config), ask)
    output.info(f"{name}: {count} failed windows are read again by a running service, or the next `orders-sync sync`")


@app.command("test")
def check(
    name: options.AccountName, probe: Probed = False, config: options.Config = None, json: options.Json = False
) -> None:
    """Check one account as `doctor` does: its settings, its secrets, its address, and one call with its credentials."""
    doctor(config=config, json=json, probe=probe, account=[name])


def _rows(settings: Settings, known: dict[str, StoredAccount]) -> list[dict[str, Any]]:
    """Return one row per account: those of the settings, then those only in the tables. No fingerprint (P8)."""
    rows = []
    for each in settings.accounts:
        stored = known.pop(each.name, None)
        rows.append(
            _row(each.name, each.platform, each.seller, each.requests_per_second, stored)
            | {"in_settings": True, "has_other_credentials": _has_other_credentials(each, stored)}
        )
    for wrong in settings.misconfigured:
        stored = known.pop(wrong.label, None)
        platform, seller = (wrong.identity.platform, wrong.identity.seller) if wrong.identity else ("", None)
        rows.append(
            _row(wrong.label, platform, seller, None, stored) | {"in_settings": True, "has_other_credentials": False}
        )
    for name, stored in sorted(known.items()):
        rows.append(
            _row(name, stored.platform, stored.seller, None, stored)
            | {"in_settings": False, "has_other_credentials": False}
        )
    return rows


def _has_other_credentials(account: AccountSettings, stored: StoredAccount | None) -> bool:
    """Tell whether it was suspended for other credentials than these; False where these cannot be read."""
    if stored is None or stored.credentials is None or account.unreadable_secrets():
        return False
    return stored.credentials != account.account().fingerprint


def _row(
    name: str, platform: str, seller: str | None, rate: float | None, stored: StoredAccount | None
) -> dict[str, Any]:
    return {
        "account": name,
        "platform": platform,
        "seller": seller,
        "host": stored.host if stored else None,
        "removed_at": stored.removed_at if stored else None,
        "retired_at": stored.retired_at if stored else None,
        "requests_per_second": rate,
        "suspended_at": stored.suspended_at if stored else None,
        "suspended_because": stored.suspended_because if stored else None,
        "misconfigured": None,
        "paused_at": stored.paused_at if stored else None,
        "paused_until": stored.paused_until if stored else None,
        "paused_by": stored.paused_by if stored else None,
        "paused_because": stored.paused_because if stored else None,
    }


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{rate:g}"


def _state(row: dict[str, Any]) -> str:
    if row["misconfigured"]:
        return "misconfigured"
    if row["paused_at"]:
        return f"paused since {stamp(row['paused_at'])}"
    if row["suspended_at"]:
        return f"suspended since {stamp(row['suspended_at'])}"
    if not row["in_settings"] and row["retired_at"]:
        return "retired"
    if not row["in_settings"] and row["in_running_process"]:
        return "in the settings of a running process"
    return "active" if row["in_settings"] else "not in the settings"


def _pause(row: dict[str, Any]) -> Pause:
    return Pause(row["account"], row["paused_at"], row["paused_until"], row["paused_by"], row["paused_because"])


def _why(row: dict[str, Any]) -> str:
    """Return why an account is suspended and what ends it."""
    if row["has_other_credentials"]:
        return f"{row['account']}: {row['suspended_because']}. Its credentials changed since: the next sync tries them"
    return str(Suspension(row["account"], row["suspended_at"], row["suspended_because"]))
