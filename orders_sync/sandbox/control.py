"""Control endpoints under /sandbox: faults, live mode, statistics, accounts, expected values. No authentication."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from orders_sync.sandbox.accounts import accounts_toml
from orders_sync.sandbox.pages import PATHS

if TYPE_CHECKING:
    from orders_sync.sandbox.app import Sandbox
    from orders_sync.sandbox.expected import ExpectedValues

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
        """GET the accounts: those of shops with their credentials, those of simulations by name and platform."""
        simulated = [
            {"name": each.settings.name, "platform": each.settings.platform} for each in self.sandbox.simulations
        ]
        return Response(msgspec.json.encode([*self.sandbox.world.accounts, *simulated]), media_type="application/json")

    async def accounts_toml(self, request: Request) -> Response:
        """GET the accounts as an orders_sync.toml."""
        return PlainTextResponse(accounts_toml(self.sandbox.accounts(str(request.base_url))))

    async def expected_orders(self, request: Request) -> Response:
        """GET the expected values of the listed orders of `account`: NDJSON, one order per line."""
        account = request.query_params.get("account", "")
        self.sandbox.world.publish(self.sandbox.clock())
        try:
            expected_orders = self.sandbox.expected_orders(account)
        except KeyError:
            return JSONResponse({"error": f"no account {account!r}"}, status_code=404)
        return StreamingResponse(_ndjson(expected_orders), media_type="application/x-ndjson")


async def _ndjson(expected_orders: Iterable[ExpectedValues]) -> AsyncIterator[bytes]:
    batch: list[ExpectedValues] = []
    for expected_order in expected_orders:
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
