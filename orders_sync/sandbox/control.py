"""Control endpoints under /sandbox: faults, live mode, statistics, accounts, expected values. No authentication."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from orders_sync.sandbox.accounts import accounts_toml
from orders_sync.sandbox.expected import ExpectedValues
from orders_sync.sandbox.faults import CLEAN, KINDS, MALFORMED
from orders_sync.sandbox.pages import PATHS
from orders_sync.sandbox.state import SandboxState

BATCH = 500  # orders sent between two yields to other requests
NUMBERS = ("latency_ms", "hang_seconds", "retry_after")  # of /sandbox/faults
KNOWN = {
    **KINDS,
    MALFORMED: "rates only: the share of orders, always the same ones, whose record is malformed",
    CLEAN: "script only: a call without a fault",
}


def control_routes(sandbox: SandboxState) -> list[Route]:
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
    def __init__(self, sandbox: SandboxState) -> None:
        self.sandbox = sandbox

    async def faults(self, request: Request) -> Response:
        """GET or change the faults; `known` names them all.

        POST {"rates": {}, "script": [], "account": NAME, "latency_ms": N, "hang_seconds": N, "retry_after": N,
        "clear": true}, all of them optional. Status 400 with {"error"} for an unknown key, fault or account or an
        invalid value; nothing is changed then.
        """
        faults = self.sandbox.faults
        if request.method == "POST":
            try:
                body = await _json_object(request, "rates", "script", "account", *NUMBERS, "clear")
                numbers = {name: _number(name, body[name]) for name in NUMBERS if name in body}
                account = self._account(body.get("account"))
                script = faults.checked_script(body.get("script", []))
                rates = faults.checked_rates(body.get("rates", {}))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            if body.get("clear"):
                faults.clear()
            if "rates" in body:
                faults.set_rates(rates, account)
            faults.script(*script, account=account)
            for name, number in numbers.items():
                setattr(faults, name, number)
        return JSONResponse({**faults.report(), "known": KNOWN})

    async def live(self, request: Request) -> Response:
        """GET or change the rate of changes: POST {"rate": changes per second}, 0 to stop."""
        live_mode = self.sandbox.live_mode
        if request.method == "POST":
            try:
                body = await _json_object(request, "rate")
                live_mode.start(_number("rate", body.get("rate")))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        self.sandbox.world.publish(self.sandbox.clock())
        return JSONResponse(
            {"rate": live_mode.rate, "happened": live_mode.happened, "hidden": self.sandbox.world.hidden}
        )

    def _account(self, name: object) -> str | None:
        """Return the name of a shop, None for all of them. Raises ValueError for an unknown one."""
        known = [each.name for each in self.sandbox.world.accounts]
        if name is not None and name not in known:
            raise ValueError(f"unknown account {name!r}; known are {', '.join(known)}")
        return None if name is None else str(name)

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


async def _json_object(request: Request, *keys: str) -> dict[str, Any]:
    """Return the JSON object of a request. Raises ValueError if it is none, or has a key that is none of `keys`."""
    try:
        body = msgspec.json.decode(await request.body() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    for key in body:
        if key not in keys:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(keys)}")
    return body


def _number(name: str, value: object) -> float:
    """Return a number that is 0 or more. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{name}: must be a number, 0 or more (got {value!r})")
    return float(value)
