"""Asking the sandbox as a client would, signed by the rules of api-facts 0, written down a third time."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx

from orders_sync.sandbox import Sandbox, SandboxAccount, SandboxTransport, World

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
ROOT = "http://sandbox"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def local(moment: datetime) -> str:
    return (moment + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


def request(account: SandboxAccount, root: str = ROOT, now: datetime = NOW, **asked: object) -> httpx.Request:
    """A signed call. `asked`: the platform's parameters; `sign=`, `seller=`, `stamp=` and `key=` spoil it."""
    spoiled = {name: str(asked.pop(name)) for name in ("sign", "seller", "stamp", "key") if name in asked}
    stamp = spoiled.get("stamp", str(int(now.timestamp())))
    key, seller = spoiled.get("key", account.app_id), spoiled.get("seller", account.seller)
    if account.platform == "1688":
        form = {
            "appid": key,
            "seller_nick": seller,
            "timestamp": stamp,
            "start_created": local(NOW - timedelta(days=31)),
            "end_created": local(NOW),
            **{name: str(value) for name, value in asked.items()},
        }
        told = "".join(name + form[name] for name in sorted(form))
        form["sign"] = spoiled.get("sign", md5(account.app_secret + told + account.app_secret))
        return httpx.Request("POST", f"{root}/gateway/1688/order/ext/list", data=form)
    headers = {
        "access-key": key,
        "timestamp": stamp,
        "nonce-str": "nzxqnqd8u7",
        "user-id": seller,
        "signature": spoiled.get("sign", md5(f"{key}{stamp}nzxqnqd8u7{account.app_secret}").upper()),
    }
    if account.platform == "xportcn_open":
        return httpx.Request("GET", f"{root}/api/open/order/page", params=cast("Any", asked), headers=headers)
    return httpx.Request("POST", f"{root}/api/open/purchase/page", json=asked, headers=headers)


def client(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=SandboxTransport(sandbox.app))


def fixed() -> datetime:
    return NOW


async def answer(sandbox: Sandbox, account: SandboxAccount, **asked: Any) -> dict[str, Any]:
    """The envelope of one call in process."""
    async with client(sandbox) as http:
        return json.loads((await http.send(request(account, now=sandbox.clock(), **asked))).content)


async def rows(sandbox: Sandbox, account: SandboxAccount, **asked: object) -> tuple[int, list[dict[str, Any]]]:
    """Total and rows of one page."""
    data = (await answer(sandbox, account, **asked))["data"]
    return data["total"], data["items"] if account.platform == "1688" else data["data"]


def id_of(row: dict[str, Any]) -> str:
    return str(row["baseInfo"]["idOfStr"] if "baseInfo" in row else row["id"])


def records(world: World, platform: str) -> list[bytes]:
    return [order.record for shop in world.shops if shop.platform == platform for order in shop.shelves.orders.values()]
