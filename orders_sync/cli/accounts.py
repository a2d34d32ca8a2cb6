"""`orders-sync accounts`: the accounts of the settings and of the ledger, and the end of a suspension."""

from __future__ import annotations

from typing import Any

import typer
from psycopg.rows import dict_row

from orders_sync.cli import product, screen
from orders_sync.domain.errors import SettingsError
from orders_sync.platforms import PLATFORMS
from orders_sync.settings import Settings
from orders_sync.store import database, suspensions
from orders_sync.store.suspensions import Suspension

app = typer.Typer(help="The accounts, and which of them are suspended.", no_args_is_help=True)

_KNOWN = "SELECT name, platform, seller, suspended_at, suspended_because, credentials FROM sync.accounts"


@app.command("list")
def list_(config: product.Config = None, json: product.Json = False) -> None:
    """Every account of the settings and of the tables: platform, seller, rate, and whether calls are made for it."""
    settings = product.load(config)
    with (
        product.opened(settings) as url,
        database.session(url) as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        known = {row["name"]: row for row in cursor.execute(_KNOWN)}
    rows = _rows(settings, known)
    if json:
        screen.print_json(rows)
    elif not rows:
        screen.tell("no accounts yet: describe one in orders_sync.toml, or try `orders-sync demo`")
    else:
        columns = ["account", "platform", "seller", "calls a second", "state"]
        screen.table(
            "Accounts",
            columns,
            [(r["account"], r["platform"], r["seller"], _rate(r["requests_per_second"]), _state(r)) for r in rows],
            columns[3:4],
        )
        for row in rows:
            if row["suspended_at"]:
                screen.tell(_why(row))


@app.command()
def resume(name: str, config: product.Config = None) -> None:
    """Let calls be made again with the credentials that were refused."""

    async def lift(url: str) -> bool:
        async with database.connected(url, size=1) as pool, pool.connection() as connection:
            return await suspensions.resume(connection, name)

    with product.opened(product.load(config)) as url:
        if not product.run(lift(url)):
            raise SettingsError(f"{name} is not suspended: `orders-sync accounts list` shows every account")
    screen.tell(f"{name}: the next `orders-sync sync` makes calls for it again")


def _rows(settings: Settings, known: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """An account a row, in the order of the settings, then those that only the tables know. No fingerprint (P8)."""
    rows = []
    for each in settings.accounts:
        account = each.account(PLATFORMS[each.platform].base_url)
        stored = known.pop(account.name, None)
        is_other = stored is not None and stored["credentials"] not in (None, account.fingerprint)
        rows.append(
            _row(account.name, account.platform, account.seller, each.requests_per_second, stored)
            | {"in_settings": True, "has_other_credentials": is_other}
        )
    for name, stored in sorted(known.items()):
        rows.append(
            _row(name, stored["platform"], stored["seller"], None, stored)
            | {"in_settings": False, "has_other_credentials": False}
        )
    return rows


def _row(name: str, platform: str, seller: str, rate: float | None, stored: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "account": name,
        "platform": platform,
        "seller": seller,
        "requests_per_second": rate,
        "suspended_at": stored["suspended_at"] if stored else None,
        "suspended_because": stored["suspended_because"] if stored else None,
    }


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{rate:g}"


def _state(row: dict[str, Any]) -> str:
    if row["suspended_at"]:
        return f"suspended since {row['suspended_at']:%Y-%m-%d %H:%M:%S} UTC"
    return "active" if row["in_settings"] else "not in the settings"


def _why(row: dict[str, Any]) -> str:
    """Why an account is suspended and what ends it."""
    if row["has_other_credentials"]:
        return f"{row['account']}: {row['suspended_because']}. Its credentials changed since: the next sync tries them"
    return str(Suspension(row["account"], row["suspended_at"], row["suspended_because"]))
