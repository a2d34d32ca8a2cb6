"""The ASGI app: endpoints of the three platforms, apps of simulations, and the control endpoints (control.py)."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from orders_sync.platforms import Simulation
from orders_sync.sandbox.accounts import SIMULATIONS
from orders_sync.sandbox.control import control_routes
from orders_sync.sandbox.fault_responses import Hang, Reset, Truncated
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.messages import MessageSender
from orders_sync.sandbox.pages import (
    PATHS,
    ListPage,
    error_body,
    flow_limit_error,
    list_page,
    null_data_body,
    page_body,
)
from orders_sync.sandbox.request_checks import (
    ListRequest,
    RequestRejectedError,
    authenticate_1688,
    authenticate_xportcn,
    parse_1688,
    parse_xportcn,
)
from orders_sync.sandbox.shops import Shop
from orders_sync.sandbox.state import Clock, SandboxState, utc_now
from orders_sync.sandbox.world import World

_ERROR_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>Please try again later.</p></body></html>"


class Sandbox(SandboxState):
    """A simulated world behind the platforms' APIs. `app` is the ASGI app.

    `hooks`: root URL of a service that receives messages about changes, as from Xportcn's message service. All else:
    `SandboxState`.
    """

    def __init__(
        self,
        world: World,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        hooks: str | None = None,
        simulations: Sequence[Simulation] = (),
    ) -> None:
        super().__init__(world, faults, clock, simulations)
        self.message_sender = MessageSender(world, hooks) if hooks else None
        self.app = self._build()

    def _build(self) -> Starlette:
        routes: list[BaseRoute] = [
            Route(PATHS["1688"], self._serve_1688, methods=["POST"]),
            Route(PATHS["xportcn_open"], self._serve_open, methods=["GET"]),
            Route(PATHS["xportcn_ka"], self._serve_ka, methods=["POST"]),
            *control_routes(self),
            *(Mount(f"{SIMULATIONS}/{each.settings.platform}", each.app) for each in self.simulations),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.live_mode.resume()
        if self.message_sender is not None:
            self.message_sender.start()
        try:
            yield
        finally:
            await self.live_mode.stop()
            if self.message_sender is not None:
                await self.message_sender.stop()

    async def _serve_1688(self, request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        form = dict(parse_qsl(body, keep_blank_values=True))
        return await self._serve("1688", lambda now: authenticate_1688(self.world, form, now), lambda: parse_1688(form))

    async def _serve_open(self, request: Request) -> Response:
        parameters = dict(request.query_params)
        return await self._serve(
            "xportcn_open",
            lambda now: authenticate_xportcn(self.world, "xportcn_open", request.headers, now),
            lambda: parse_xportcn(parameters, "xportcn_open"),
        )

    async def _serve_ka(self, request: Request) -> Response:
        body = await request.body()
        return await self._serve(
            "xportcn_ka",
            lambda now: authenticate_xportcn(self.world, "xportcn_ka", request.headers, now),
            lambda: parse_xportcn(_json_parameters(body), "xportcn_ka"),
        )

    async def _serve(
        self, platform: str, authenticate: Callable[[float], Shop], parse: Callable[[], ListRequest]
    ) -> Response:
        """Serve one call: check the request, draw a fault, return the page or what the fault makes of it.

        `authenticate` gets the epoch seconds of the clock.
        """
        now = self.clock()
        self.world.publish(now)
        if self.faults.latency_ms:
            await asyncio.sleep(self.faults.latency_ms / 1000)
        try:
            shop = authenticate(now.timestamp())
        except RequestRejectedError as rejection:
            self.stats["?", platform] += 1
            return _json_response(error_body(platform, rejection))
        name = shop.account.name
        self.stats[name, platform] += 1
        try:
            list_request = parse()
        except RequestRejectedError as rejection:
            return _json_response(error_body(platform, rejection))
        fault = self.faults.draw(name)
        replacement = self._replacement(platform, fault)
        if replacement is not None:
            return replacement
        with self.world.lock:
            page = list_page(shop, list_request)
        response = _faulty_response(platform, fault, page)
        if self.world.between_calls is not None:
            self.world.between_calls()
        return response

    def _replacement(self, platform: str, fault: str | None) -> Response | None:
        """Return the response that takes the place of the page, if the fault is of that kind."""
        faults = self.faults
        if fault == "http_5xx":
            status = faults.rng.choice((500, 502, 503))
            return HTMLResponse(_ERROR_PAGE.format(status), status_code=status)
        if fault == "reset":
            return Reset()
        if fault == "hang":
            return Hang(faults.hang_seconds)
        if fault == "firewall":
            return HTMLResponse(_ERROR_PAGE.format("403 Forbidden"), status_code=403)
        if fault == "html":
            return HTMLResponse(_ERROR_PAGE.format("系统维护 maintenance"))
        if fault == "flow_limit":
            return _json_response(error_body(platform, flow_limit_error(platform)))
        if fault == "http_429":
            headers = {"retry-after": f"{faults.retry_after:g}"}
            return HTMLResponse(_ERROR_PAGE.format("429"), status_code=429, headers=headers)
        return None


def _faulty_response(platform: str, fault: str | None, page: ListPage) -> Response:
    """Return the page, changed by the fault if there is one. Changes `page`."""
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
    body = null_data_body(platform) if fault == "null_data" else page_body(platform, page)
    if fault == "truncated":
        return Truncated(body, media_type="application/json")
    if fault == "garbled":
        return _json_response(body[: len(body) // 2] + b'"}]oops')
    return _json_response(BOM_UTF8 + body if fault == "bom" else body)


def _json_response(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _json_parameters(body: bytes) -> Mapping[str, str]:
    """Return the values of a JSON object as text, without null and "".

    Raises `RequestRejectedError` if the body is not a JSON object.
    """
    try:
        parameters: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        parameters = None
    if not isinstance(parameters, dict):
        raise RequestRejectedError(400, "the body is not a JSON object")
    return {name: str(value) for name, value in parameters.items() if value is not None and value != ""}
