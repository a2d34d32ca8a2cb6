"""The accounts of a sandbox as settings: for the settings file that it serves, and for the demo."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from orders_sync.domain.secret import Secret
from orders_sync.platforms import PLATFORMS
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.sandbox.shops import SandboxAccount

REQUESTS_PER_SECOND = 1000
SIMULATIONS = "/platforms"  # below it, the platforms that bring a simulation


def shop_settings(shop: SandboxAccount, root: str) -> AccountSettings:
    """Return the settings of a shop's account, for a sandbox at the URL `root`."""
    more: dict[str, Any] = {"hook_token": Secret(shop.hook_token)} if shop.hook_token else {}
    return PLATFORMS[shop.platform].settings(
        name=shop.name,
        platform=shop.platform,
        base_url=root.rstrip("/") + ("" if shop.platform == "1688" else "/api"),
        seller=shop.seller,
        app_id=Secret(shop.app_id),
        app_secret=Secret(shop.app_secret),
        history_from=shop.history_from,
        requests_per_second=REQUESTS_PER_SECOND,
        **more,
    )


def simulation_settings(account: AccountSettings, root: str) -> AccountSettings:
    """Return the settings of a simulation's account, for a sandbox at the URL `root`."""
    base_url = f"{root.rstrip('/')}{SIMULATIONS}/{account.platform}"
    return structs.replace(account, base_url=base_url, requests_per_second=REQUESTS_PER_SECOND)


def accounts_toml(accounts: Iterable[AccountSettings]) -> str:
    """Return the text of an orders_sync.toml with these accounts, secrets included. Defaults are left out."""
    return "\n".join(_account_toml(account) for account in accounts)


def _account_toml(account: AccountSettings) -> str:
    values = {field.encode_name: (field.default, getattr(account, field.name)) for field in structs.fields(account)}
    lines = [f"{key} = {_toml(value)}" for key, (default, value) in values.items() if value != default]
    return "\n".join(["[[accounts]]", *lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, Secret):
        value = value.reveal()
    elif isinstance(value, datetime):
        value = value.isoformat()
    elif isinstance(value, timedelta):
        value = f"{value // timedelta(seconds=1)}s"
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
