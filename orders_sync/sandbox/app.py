"""The three platforms as one ASGI app, with the endpoints that steer it and tell the truth (control.py)."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from orders_sync.sandbox.answers import Hang, Reset, Truncated
from orders_sync.sandbox.control import control_routes
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.gates import Barred, Listing, enter_1688, enter_xportcn, listing_1688, listing_xportcn
from orders_sync.sandbox.life import Life
from orders_sync.sandbox.messages import Messenger
from orders_sync.sandbox.pages import PATHS, Sheet, envelope, flow_limit, null_data, refusal, sheet
from orders_sync.sandbox.shops import Shop
from orders_sync.sandbox.world import World

Clock = Callable[[], datetime]
_APOLOGY = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>Please try again later.</p></body></html>"


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A world, what goes wrong in front of it, and the clock it believes. `app` is the ASGI app.

    `hooks`: the root URL of a service that is told what happens, as Xportcn's message service does.
    `stats` counts calls by (account, platform); an account that was not recognised is "?".
    """

    def __init__(
        self, world: World, faults: Faults | None = None, clock: Clock = utc_now, hooks: str | None = None
    ) -> None:
        self.world = world
        self.faults = faults if faults is not None else Faults()
        self.clock = clock
        self.life = Life(world, clock)
        self.messenger = Messenger(world, hooks) if hooks else None
        self.faults.attach(world)
        self.stats: Counter[tuple[str, str]] = Counter()
        self.app = self._build()

    def _build(self) -> Starlette:
        routes = [
            Route(PATHS["1688"], self._serve_1688, methods=["POST"]),
            Route(PATHS["xportcn_open"], self._serve_open, methods=["GET"]),
            Route(PATHS["xportcn_ka"], self._serve_ka, methods=["POST"]),
            *control_routes(self),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.life.resume()
        if self.messenger is not None:
            self.messenger.start()
        try:
            yield
        finally:
            await self.life.stop()
            if self.messenger is not None:
                await self.messenger.stop()

    async def _serve_1688(self, request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        form = dict(parse_qsl(body, keep_blank_values=True))
        return await self._serve("1688", lambda now: enter_1688(self.world, form, now), lambda: listing_1688(form))

    async def _serve_open(self, request: Request) -> Response:
        told = dict(request.query_params)
        return await self._serve(
            "xportcn_open",
            lambda now: enter_xportcn(self.world, "xportcn_open", request.headers, now),
            lambda: listing_xportcn(told, "xportcn_open"),
        )

    async def _serve_ka(self, request: Request) -> Response:
        body = await request.body()
        return await self._serve(
            "xportcn_ka",
            lambda now: enter_xportcn(self.world, "xportcn_ka", request.headers, now),
            lambda: listing_xportcn(_told(body), "xportcn_ka"),
        )

    async def _serve(self, platform: str, enter: Callable[[float], Shop], listing: Callable[[], Listing]) -> Response:
        """One call to a platform: the gates, then a fault if it is this call's turn, then the page."""
        now = self.clock()
        self.world.publish(now)
        if self.faults.latency_ms:
            await asyncio.sleep(self.faults.latency_ms / 1000)
        try:
            shop = enter(now.timestamp())
        except Barred as barred:
            self.stats["?", platform] += 1
            return _json(refusal(platform, barred))
        name = shop.account.name
        self.stats[name, platform] += 1
        try:
            asked = listing()
        except Barred as barred:
            return _json(refusal(platform, barred))
        fault = self.faults.draw(name)
        early = self._early(platform, fault)
        if early is not None:
            return early
        with self.world.lock:
            page = sheet(shop, asked)
        response = _late(platform, fault, page)
        if self.world.between_calls is not None:
            self.world.between_calls()
        return response

    def _early(self, platform: str, fault: str | None) -> Response | None:
        """Faults in place of an answer."""
        faults = self.faults
        if fault == "http_5xx":
            status = faults.rng.choice((500, 502, 503))
            return HTMLResponse(_APOLOGY.format(status), status_code=status)
        if fault == "reset":
            return Reset()
        if fault == "hang":
            return Hang(faults.hang_seconds)
        if fault == "firewall":
            return HTMLResponse(_APOLOGY.format("403 Forbidden"), status_code=403)
        if fault == "html":
            return HTMLResponse(_APOLOGY.format("系统维护 maintenance"))
        if fault == "flow_limit":
            return _json(refusal(platform, flow_limit(platform)))
        if fault == "http_429":
            headers = {"retry-after": f"{faults.retry_after:g}"}
            return HTMLResponse(_APOLOGY.format("429"), status_code=429, headers=headers)
        return None


def _late(platform: str, fault: str | None, page: Sheet) -> Response:
    """The answer, with faults inside it."""
    rows = page.records or []
    if fault == "total_high":
        page.total += 1 + len(rows)
    elif fault == "total_low":
        page.total = max(0, page.total - 1 - len(rows) // 2)
    elif fault == "total_zero":
        page.total = 0
    elif fault == "duplicate_rows":
        page.records = rows + rows[:3]
    elif fault == "missing_rows":
        page.records = rows[: -(1 + len(rows) // 10)]
    elif fault == "null_list":
        page.records = None
    elif fault == "shuffled":
        page.records = rows[1::2] + rows[::2]
    body = null_data(platform) if fault == "null_data" else envelope(platform, page)
    if fault == "truncated":
        return Truncated(body, media_type="application/json")
    if fault == "garbled":
        return _json(body[: len(body) // 2] + b'"}]oops')
    return _json(BOM_UTF8 + body if fault == "bom" else body)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _told(body: bytes) -> Mapping[str, str]:
    """A JSON body as text by name; null and "" are left out. Raises `Barred` when it is no object."""
    try:
        told: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = None
    if not isinstance(told, dict):
        raise Barred(400, "the body is not a JSON object")
    return {name: str(value) for name, value in told.items() if value is not None and value != ""}
