"""Responses that break the HTTP connection. They need a `ConnectionControl` in the ASGI scope.

server.py provides one for real connections, transport.py one for requests in process.
"""

from __future__ import annotations

from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

CONNECTION_CONTROL = "orders_sync.sandbox.connection_control"  # key in scope["extensions"]


class ConnectionControl(Protocol):
    """Operations on the connection of a request that ASGI does not offer."""

    async def reset(self, receive: Receive) -> None:
        """Abort the connection: the client gets no response, or part of one."""

    async def close(self, receive: Receive) -> None:
        """Close the connection once the data sent so far is flushed."""

    async def hang(self, receive: Receive, seconds: float) -> None:
        """Send nothing until the client disconnects; abort the connection after `seconds`."""


def _connection_control(scope: Scope) -> ConnectionControl:
    control: ConnectionControl | None = scope.get("extensions", {}).get(CONNECTION_CONTROL)
    if control is None:
        raise RuntimeError("this fault needs sandbox.server or sandbox.transport: a plain ASGI server cannot inject it")
    return control


class Reset(Response):
    """Abort the connection before a response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the connection."""
        await _connection_control(scope).reset(receive)


class Hang(Response):
    """Send no response; abort the connection after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing, for at most `seconds`."""
        await _connection_control(scope).hang(receive, self.seconds)


class Truncated(Response):
    """Send half of the body under a Content-Length of the whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and half of the body, then close the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _connection_control(scope).close(receive)
