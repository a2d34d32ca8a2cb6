"""Answers that a well-behaved server never gives. They need a `Wire`: the connection under the request.

The server puts one into the ASGI scope (server.py), the in-process transport another (transport.py).
"""

from __future__ import annotations

from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

WIRE = "orders_sync.sandbox.wire"  # its name in scope["extensions"]


class Wire(Protocol):
    """What can be done to a connection besides answering."""

    async def reset(self, receive: Receive) -> None:
        """Break it: the client has no answer, or half of one."""

    async def close(self, receive: Receive) -> None:
        """Close it after what was sent so far has gone out."""

    async def hang(self, receive: Receive, seconds: float) -> None:
        """Stay silent until the client gives up, at most so long, then break it."""


def _wire(scope: Scope) -> Wire:
    wire: Wire | None = scope.get("extensions", {}).get(WIRE)
    if wire is None:
        raise RuntimeError("this fault needs sandbox.server or sandbox.transport: a plain ASGI server cannot do it")
    return wire


class Reset(Response):
    """The connection breaks before an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _wire(scope).reset(receive)


class Hang(Response):
    """No answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _wire(scope).hang(receive, self.seconds)


class Truncated(Response):
    """Content-Length promises the whole body, half of it is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _wire(scope).close(receive)
