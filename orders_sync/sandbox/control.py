"""Control endpoints under /sandbox: faults, live mode, statistics, accounts, expected values. No authentication."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from orders_sync.sandbox.pages import PATHS

if TYPE_CHECKING:
    from orders_sync.sandbox.app import Sandbox
    from orders_sync.sandbox.shops import SandboxAccount

BATCH = 500  # orders sent between two yields to other requests


def control_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes /sandbox/faults, live, stats, accounts, accounts.toml and truth."""
    control = _Control(sandbox)
    return [
        Route("/sandbox/faults", control.faults, methods=["GET", "POST"]),
        Route("/sandbox/live", control.live, methods=["GET", "POST"]),
        Route("/sandbox/stats", control.stats),
        Route("/sandbox/accounts", control.accounts),
        Route("/sandbox/accounts.toml", control.accounts_toml),
        Route("/sandbox/truth", control.expected_orders),
    ]


def accounts_toml(accounts: list[SandboxAccount], root: str) -> str:
    """Return the text of an orders_sync.toml with these accounts, for a sandbox at the URL `root`."""
    return "\n".join(_account_toml(account, root.rstrip("/")) for account in accounts)


def _account_toml(account: SandboxAccount, root: str) -> str:
    platform_1688 = account.platform == "1688"
    seller, key, secret = (
        ("seller_nick", "app_id", "app_secret") if platform_1688 else ("user_id", "access_key", "access_secret")
    )
    pairs = {
        "name": account.name,
        "platform": account.platform,
        "base_url": root if platform_1688 else f"{root}/api",
        seller: account.seller,
        key: account.app_id,
        secret: account.app_secret,
        "requests_per_second": 1000,
        "history_from": account.history_from.isoformat(),
    }
    if account.hook_token:
        pairs["hook_token"] = account.hook_token
    lines = [f"{name} = {json.dumps(value)}" for name, value in pairs.items()]
    return "\n".join(["[[accounts]]", *lines, ""])


class _Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def faults(self, request: Request) -> Response:
        """GET or change the faults.

        POST {"rates": {}, "script": [], "account": NAME, "latency_ms": N, "hang_seconds": N, "retry_after": N,
        "clear": true}, all of them optional. Status 400 with {"error"} for invalid values.
        """
        faults = self.sandbox.faults
        if request.method == "POST":
            try:
                body = await _json_object(request)
                account = body.get("account")
                if body.get("clear"):
                    faults.clear()
                if "rates" in body:
                    faults.set_rates(body["rates"], account)
                faults.script(*body.get("script", ()), account=account)
                for name in ("latency_ms", "hang_seconds", "retry_after"):
                    if name in body:
                        setattr(faults, name, float(body[name]))
            except (ValueError, TypeError, AttributeError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(faults.report())

    async def live(self, request: Request) -> Response:
        """GET or change the rate of changes: POST {"rate": changes per second}, 0 to stop."""
        live_mode = self.sandbox.live_mode
        if request.method == "POST":
            try:
                live_mode.start(float((await _json_object(request))["rate"]))
            except (ValueError, TypeError, KeyError) as error:
                return JSONResponse({"error": f"rate: {error}"}, status_code=400)
        self.sandbox.world.publish(self.sandbox.clock())
        return JSONResponse(
            {"rate": live_mode.rate, "happened": live_mode.happened, "hidden": self.sandbox.world.hidden}
        )

    async def stats(self, request: Request) -> Response:
        """GET the number of calls by account and endpoint, and of listed orders by account."""
        calls: dict[str, dict[str, int]] = {}
        for (account, platform), count in sorted(self.sandbox.stats.items()):
            calls.setdefault(account, {})[PATHS[platform]] = count
        return JSONResponse(
            {"calls": calls, "orders": {s.account.name: len(s.index.orders) for s in self.sandbox.world.shops}}
        )

    async def accounts(self, request: Request) -> Response:
        """GET the accounts with their credentials."""
        return Response(msgspec.json.encode(self.sandbox.world.accounts), media_type="application/json")

    async def accounts_toml(self, request: Request) -> Response:
        """GET the accounts as an orders_sync.toml."""
        return PlainTextResponse(accounts_toml(self.sandbox.world.accounts, str(request.base_url)))

    async def expected_orders(self, request: Request) -> Response:
        """GET the expected values of the listed orders of `account`: NDJSON, one order per line."""
        account = request.query_params.get("account", "")
        if account not in {known.name for known in self.sandbox.world.accounts}:
            return JSONResponse({"error": f"no account {account!r}"}, status_code=404)
        self.sandbox.world.publish(self.sandbox.clock())
        return StreamingResponse(self._expected_orders(account), media_type="application/x-ndjson")

    async def _expected_orders(self, account: str) -> AsyncIterator[bytes]:
        batch: list[Any] = []
        for expected_order in self.sandbox.world.iter_expected_orders(account):
            batch.append(expected_order)
            if len(batch) == BATCH:
                yield msgspec.json.Encoder().encode_lines(batch)
                batch.clear()
                await asyncio.sleep(0)
        yield msgspec.json.Encoder().encode_lines(batch)


async def _json_object(request: Request) -> dict[str, Any]:
    body = msgspec.json.decode(await request.body() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
