"""The HTTP side of a process: uvicorn in our event loop, on a port that is ours before anything else begins.

It is reached by strangers, so everything about a connection is bounded: how many there are, how long one may take to
say what it wants, and that nothing is read on behalf of a request that is answered.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orders_sync.domain.errors import SettingsError

BACKLOG = 128
LARGEST_PORT = 65535
DRAIN_SECONDS = 2  # for requests under way when the process stops
HEAD_SECONDS = 10.0  # from a connection's first byte of a request, or its beginning, to the end of the headers
MOST_CONNECTIONS = 512  # and no more than a quarter of the files the process may open
FEWEST_CONNECTIONS = 16


def bound(listen: str) -> socket.socket:
    """A listening socket on `address:port`. Raises `SettingsError` when it cannot be had."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > LARGEST_PORT:
        raise SettingsError(f'cannot listen on {listen}: must be address:port, such as "127.0.0.1:8710"')
    # its protocol is named, so that asyncio knows it for TCP and small answers leave at once
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, proto=socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
        listening.listen(BACKLOG)
        return listening
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {listen}: {error.strerror}. Another process may have the port: choose one with --listen "
            "or [service] listen"
        ) from None


class Connection(H11Protocol):
    """A connection that must say what it wants within `HEAD_SECONDS`.

    Where there are too many, the one that has waited longest without a whole request makes room for the new one: who
    only holds connections open keeps nobody out, neither a probe of /healthz nor a message.
    """

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.begun = self.loop.time()
        self._await_head()
        if len(self.connections) > most_connections():
            unfinished = [each for each in self.connections if isinstance(each, Connection) and each.is_unfinished]
            min(unfinished, key=lambda each: each.begun, default=self).transport.abort()

    @property
    def is_unfinished(self) -> bool:
        """Whether it has no request, or one that is still coming in."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


@cache
def most_connections() -> int:
    """How many connections are kept at once: few enough that the process always has files left for its own."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    bound = MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files // 4)
    return max(FEWEST_CONNECTIONS, bound)


def closing(app: ASGIApp) -> ASGIApp:
    """The application, whose connection is closed after an answer that refuses, and after one to a request that was not
    read to its end: what else comes in would be read for nothing."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        is_read = headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers

        async def hear() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or (message["type"] == "http.request" and not message.get("more_body", False))
            return message

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start" and (message["status"] >= 400 or not is_read):
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await app(scope, hear, say)

    return answer


class Server(uvicorn.Server):
    """Serves routes until `should_exit`. No access log: a hook's path holds its token (P8)."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        app = Starlette(routes=routes)
        super().__init__(
            uvicorn.Config(
                closing(app),
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's."""
        yield
