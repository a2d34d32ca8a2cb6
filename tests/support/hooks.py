"""Accounts with and without a hook for messages, and the path of each."""

from __future__ import annotations

from datetime import UTC, datetime

from orders_sync.domain.secret import Secret
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.platforms.alibaba_1688.settings import Account1688
from orders_sync.platforms.xportcn.settings import AccountXportcn

TOKEN = "Hush-4711-hush-4711"
DAY = datetime(2025, 8, 1, tzinfo=UTC)


def xportcn(name: str, token: str | None = TOKEN, platform: str = "xportcn_ka") -> AccountSettings:
    return AccountXportcn(
        name=name,
        platform=platform,
        seller="u",
        app_id=Secret("k"),
        app_secret=Secret("s"),
        history_from=DAY,
        hook_token=None if token is None else Secret(token),
    )


SHOP = Account1688(
    name="kingdo", platform="1688", seller="kingdo", app_id=Secret("a"), app_secret=Secret(TOKEN), history_from=DAY
)
ACCOUNTS = [
    xportcn("my.ka-shop"),
    xportcn("open", "another-token-0815", "xportcn_open"),
    xportcn("deaf", None),
    SHOP,
]


class Planned(list[str]):
    """The accounts for which a stored message was announced."""

    async def __call__(self, account: str) -> None:
        self.append(account)


def path(account: str = "my.ka-shop", token: str = TOKEN) -> str:
    return f"/hooks/xportcn/{account}/{token}"
