"""The sandbox as an in-process httpx transport. Connection faults raise the errors of a real network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Receive

from orders_sync.sandbox.fault_responses import CONNECTION_CONTROL


class SandboxTransport(httpx.AsyncBaseTransport):
    """Sends requests to an ASGI app: `httpx.AsyncClient(transport=SandboxTransport(sandbox.app))`.

    A hang raises `ReadTimeout` immediately.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the app's response. Raises `httpx.TransportError` for a connection fault."""
        body = await request.aread()
        connection = _ConnectionControl(request)
        sent = False
        status, headers, parts = 500, [], []

        async def receive() -> Message:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                parts.append(bytes(message.get("body", b"")))

        await self.app(_scope(request, connection), receive, send)
        if connection.broken is not None:
            raise connection.broken
        return httpx.Response(status, headers=headers, stream=_Body(parts, connection.cut), request=request)


def _scope(request: httpx.Request, connection: _ConnectionControl) -> dict[str, Any]:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "extensions": {CONNECTION_CONTROL: connection},
    }


class _ConnectionControl:
    """Records the error that the client is to get: `broken` before the response, `cut` in its body."""

    def __init__(self, request: httpx.Request) -> None:
        self.request = request
        self.broken: httpx.TransportError | None = None
        self.cut: httpx.TransportError | None = None

    async def reset(self, receive: Receive) -> None:
        self.broken = httpx.ReadError("connection reset by peer", request=self.request)

    async def close(self, receive: Receive) -> None:
        self.cut = httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body", request=self.request
        )

    async def hang(self, receive: Receive, seconds: float) -> None:
        self.broken = httpx.ReadTimeout("no answer", request=self.request)


class _Body(httpx.AsyncByteStream):
    def __init__(self, parts: list[bytes], cut: httpx.TransportError | None) -> None:
        self.parts = parts
        self.cut = cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            if part:
                yield part
        if self.cut is not None:
            raise self.cut
