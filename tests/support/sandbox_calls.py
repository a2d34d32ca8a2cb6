"""A client of the sandbox. Signs requests by api-facts 0, with code shared neither with product nor sandbox."""

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


def request(account: SandboxAccount, root: str = ROOT, now: datetime = NOW, **parameters: object) -> httpx.Request:
    """Build a signed list request.

    `parameters` are the platform's; `sign=`, `seller=`, `stamp=` and `key=` replace the valid values of the request.
    """
    replaced = {name: str(parameters.pop(name)) for name in ("sign", "seller", "stamp", "key") if name in parameters}
    stamp = replaced.get("stamp", str(int(now.timestamp())))
    key, seller = replaced.get("key", account.app_id), replaced.get("seller", account.seller)
    if account.platform == "1688":
        form = {
            "appid": key,
            "seller_nick": seller,
            "timestamp": stamp,
            "start_created": local(NOW - timedelta(days=31)),
            "end_created": local(NOW),
            **{name: str(value) for name, value in parameters.items()},
        }
        signed = "".join(name + form[name] for name in sorted(form))
        form["sign"] = replaced.get("sign", md5(account.app_secret + signed + account.app_secret))
        return httpx.Request("POST", f"{root}/gateway/1688/order/ext/list", data=form)
    headers = {
        "access-key": key,
        "timestamp": stamp,
        "nonce-str": "nzxqnqd8u7",
        "user-id": seller,
        "signature": replaced.get("sign", md5(f"{key}{stamp}nzxqnqd8u7{account.app_secret}").upper()),
    }
    if account.platform == "xportcn_open":
        return httpx.Request("GET", f"{root}/api/open/order/page", params=cast("Any", parameters), headers=headers)
    return httpx.Request("POST", f"{root}/api/open/purchase/page", json=parameters, headers=headers)


def client(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=SandboxTransport(sandbox.app))


def fixed() -> datetime:
    return NOW


async def answer(sandbox: Sandbox, account: SandboxAccount, **parameters: Any) -> dict[str, Any]:
    """Send one request in process; return the decoded response body."""
    async with client(sandbox) as http:
        return json.loads((await http.send(request(account, now=sandbox.clock(), **parameters))).content)


async def rows(sandbox: Sandbox, account: SandboxAccount, **parameters: object) -> tuple[int, list[dict[str, Any]]]:
    """Send one request in process; return the total and the rows of the page."""
    data = (await answer(sandbox, account, **parameters))["data"]
    return data["total"], data["items"] if account.platform == "1688" else data["data"]


def id_of(row: dict[str, Any]) -> str:
    return str(row["baseInfo"]["idOfStr"] if "baseInfo" in row else row["id"])


def records(world: World, platform: str) -> list[bytes]:
    return [order.record for shop in world.shops if shop.platform == platform for order in shop.index.orders.values()]
