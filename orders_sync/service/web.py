"""The HTTP server of a process: uvicorn in our event loop, on a port that is bound before anything else starts.

Anyone may reach it, so connections are limited: their number, the time until a request is complete, and nothing is read
for a request that is already answered.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orders_sync.domain.errors import AddressError, SettingsError

BACKLOG = 128
LARGEST_PORT = 65535
DRAIN_SECONDS = 2  # for requests in flight when the process stops
HEADER_SECONDS = 10.0  # from the start of a connection, or of a further request, to the end of the headers
MAX_CONNECTIONS = 512  # and at most a quarter of the files the process may open
MIN_CONNECTIONS = 16


def listening_socket(listen: str, options: str = "--listen or [service] listen") -> socket.socket:
    """Return a listening socket on `address:port`. Raises `SettingsError`, `AddressError` if it is taken.

    `options`: where the user chooses another address, for the error.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > LARGEST_PORT:
        raise SettingsError(f'cannot listen on {listen}: must be address:port, such as "127.0.0.1:8710"')
    # with the protocol, asyncio recognizes TCP and sets TCP_NODELAY, so that small responses are sent at once
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, proto=socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
        listening.listen(BACKLOG)
        return listening
    except OSError as error:
        listening.close()
        raise AddressError(
            f"cannot listen on {listen}: {error.strerror}. Another process may have the port: choose one with {options}"
        ) from None


class Connection(H11Protocol):
    """A connection that must send its headers within `HEADER_SECONDS`.

    When there are too many, the oldest one without a complete request is closed: idle connections keep out neither a
    probe of /healthz nor a message.
    """

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit the time for headers; at too many connections drop the oldest unfinished one."""
        super().connection_made(transport)
        self.began_at = self.loop.time()
        self._start_header_timer()
        if len(self.connections) > max_connections():
            unfinished = [each for each in self.connections if isinstance(each, Connection) and each.is_unfinished]
            min(unfinished, key=lambda each: each.began_at, default=self).transport.abort()

    @property
    def is_unfinished(self) -> bool:
        """True if there is no request, or one that is not completely received."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def data_received(self, data: bytes) -> None:
        """Limit the time for the headers of the next request, too."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._start_header_timer()
        else:
            self._stop_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the limit for headers."""
        self._stop_header_timer()
        super().connection_lost(exc)

    def _start_header_timer(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


@cache
def max_connections() -> int:
    """Return the largest number of connections: most file descriptors stay for the process itself."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    bound = MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files // 4)
    return max(MIN_CONNECTIONS, bound)


def close_after_refusal(app: ASGIApp) -> ASGIApp:
    """Close the connection after an error response, and after one to a request that was not read to its end.

    Otherwise the rest of the request would be read for nothing.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        is_read = headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers

        async def receive_tracked() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or (message["type"] == "http.request" and not message.get("more_body", False))
            return message

        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start" and (message["status"] >= 400 or not is_read):
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await app(scope, receive_tracked, send_closing)

    return answer


class Server(uvicorn.Server):
    """Serves an application until `should_exit`. No access log: a hook's path holds its token (P8).

    `proxy_headers`: whether a proxy on this machine is believed what address a request comes from.
    """

    def __init__(self, app: ASGIApp, *, proxy_headers: bool = True) -> None:
        super().__init__(
            uvicorn.Config(
                close_after_refusal(app),
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=proxy_headers,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield
