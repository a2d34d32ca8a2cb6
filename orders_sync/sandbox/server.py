"""The sandbox as a real HTTP server, able to break connections the way networks do."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orders_sync.sandbox.answers import WIRE
from orders_sync.sandbox.app import Clock, Sandbox, utc_now
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.world import World

Ready = Callable[[str], None]


def serve(
    world: World,
    port: int,
    host: str = "127.0.0.1",
    live_rate: float = 0,
    faults: Faults | None = None,
    ready: Ready | None = None,
    clock: Clock = utc_now,
    hooks: str | None = None,
) -> None:
    """Serve until interrupted; port 0 is any free one. Prints nothing: `ready` gets the root URL once it listens.
    `hooks`: the root URL of a service that is told what happens.

    Raises OSError when it cannot listen there, KeyboardInterrupt when it was interrupted.
    """
    sandbox = Sandbox(world, faults, clock, hooks)
    sandbox.life.rate = live_rate
    server = _Server(sandbox, host, port, ready)
    gc.freeze()  # the world stays: the collector need not walk it again and again
    server.run(sockets=[server.socket])


@contextmanager
def background(
    world: World, faults: Faults | None = None, clock: Clock = utc_now, port: int = 0, live_rate: float = 0
) -> Iterator[tuple[str, Sandbox]]:
    """Serve from a thread of its own for the length of a `with`: (root URL, sandbox). For tests and the demo."""
    sandbox = Sandbox(world, faults, clock)
    sandbox.life.rate = live_rate
    started = threading.Event()
    root: list[str] = []

    def ready(url: str) -> None:
        root.append(url)
        started.set()

    def run() -> None:
        try:
            server.run(sockets=[server.socket])
        finally:
            started.set()

    server = _Server(sandbox, "127.0.0.1", port, ready)
    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    try:
        if not root:
            raise OSError("the sandbox server ended before it listened")
        yield root[0], sandbox
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    """Listens from its creation on, so that a taken port is an OSError for who asked."""

    def __init__(self, sandbox: Sandbox, host: str, port: int, ready: Ready | None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family)
        # asyncio does this only for sockets made with TCP's number; without it every small answer takes 40 ms
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ready = ready
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # else its warnings go to stderr by themselves
        super().__init__(
            uvicorn.Config(sandbox.app, http=_Protocol, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self.ready is not None:
            host, port = self.socket.getsockname()[:2]
            self.ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


class _Protocol(H11Protocol):
    """Gives each request a `Wire` to its connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: Any = self.app

        async def wired(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[WIRE] = _Wire(self.transport)
            await app(scope, receive, send)

        self.app = wired


class _Wire:
    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    async def reset(self, receive: Receive) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock is not None:  # linger 0: the peer sees a reset, not an end
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        await _gone(receive)

    async def close(self, receive: Receive) -> None:
        self.transport.close()
        await _gone(receive)

    async def hang(self, receive: Receive, seconds: float) -> None:
        try:
            await asyncio.wait_for(_gone(receive), seconds)
        except TimeoutError:
            await self.reset(receive)


async def _gone(receive: Receive) -> None:
    """Return once the connection is no more, so that the server does not try to answer on it."""
    while (await receive())["type"] != "http.disconnect":
        pass
