"""The endpoints that steer the sandbox and tell the truth about it. They ask for no credentials."""

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

AT_ONCE = 500  # truths between two pauses for other requests


def control_routes(sandbox: Sandbox) -> list[Route]:
    """/sandbox/faults, live, stats, accounts, accounts.toml, truth."""
    control = _Control(sandbox)
    return [
        Route("/sandbox/faults", control.faults, methods=["GET", "POST"]),
        Route("/sandbox/live", control.live, methods=["GET", "POST"]),
        Route("/sandbox/stats", control.stats),
        Route("/sandbox/accounts", control.accounts),
        Route("/sandbox/accounts.toml", control.accounts_toml),
        Route("/sandbox/truth", control.truth),
    ]


def accounts_toml(accounts: list[SandboxAccount], root: str) -> str:
    """These accounts as the text of an orders_sync.toml, for a sandbox reached at `root`."""
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
        """POST {"rates": {}, "script": [], "account": NAME, "latency_ms": N, "hang_seconds": N, "clear": true}."""
        faults = self.sandbox.faults
        if request.method == "POST":
            try:
                told = await _object(request)
                account = told.get("account")
                if told.get("clear"):
                    faults.clear()
                if "rates" in told:
                    faults.set_rates(told["rates"], account)
                faults.script(*told.get("script", ()), account=account)
                for name in ("latency_ms", "hang_seconds", "retry_after"):
                    if name in told:
                        setattr(faults, name, float(told[name]))
            except (ValueError, TypeError, AttributeError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(faults.report())

    async def live(self, request: Request) -> Response:
        """POST {"rate": changes a second}; 0 stops."""
        life = self.sandbox.life
        if request.method == "POST":
            try:
                life.start(float((await _object(request))["rate"]))
            except (ValueError, TypeError, KeyError) as error:
                return JSONResponse({"error": f"rate: {error}"}, status_code=400)
        self.sandbox.world.publish(self.sandbox.clock())
        return JSONResponse({"rate": life.rate, "happened": life.happened, "hidden": self.sandbox.world.hidden})

    async def stats(self, request: Request) -> Response:
        """Calls by account and endpoint."""
        calls: dict[str, dict[str, int]] = {}
        for (account, platform), count in sorted(self.sandbox.stats.items()):
            calls.setdefault(account, {})[PATHS[platform]] = count
        return JSONResponse(
            {"calls": calls, "orders": {s.account.name: len(s.shelves.orders) for s in self.sandbox.world.shops}}
        )

    async def accounts(self, request: Request) -> Response:
        """The accounts with their credentials."""
        return Response(msgspec.json.encode(self.sandbox.world.accounts), media_type="application/json")

    async def accounts_toml(self, request: Request) -> Response:
        """The same as a ready orders_sync.toml."""
        return PlainTextResponse(accounts_toml(self.sandbox.world.accounts, str(request.base_url)))

    async def truth(self, request: Request) -> Response:
        """NDJSON, one order a line."""
        account = request.query_params.get("account", "")
        if account not in {known.name for known in self.sandbox.world.accounts}:
            return JSONResponse({"error": f"no account {account!r}"}, status_code=404)
        self.sandbox.world.publish(self.sandbox.clock())
        return StreamingResponse(self._truths(account), media_type="application/x-ndjson")

    async def _truths(self, account: str) -> AsyncIterator[bytes]:
        batch: list[Any] = []
        for truth in self.sandbox.world.truths(account):
            batch.append(truth)
            if len(batch) == AT_ONCE:
                yield msgspec.json.Encoder().encode_lines(batch)
                batch.clear()
                await asyncio.sleep(0)
        yield msgspec.json.Encoder().encode_lines(batch)


async def _object(request: Request) -> dict[str, Any]:
    told = msgspec.json.decode(await request.body() or b"{}")
    if not isinstance(told, dict):
        raise ValueError("a JSON object is needed")
    return told
