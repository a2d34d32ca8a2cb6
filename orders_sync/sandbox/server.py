"""The sandbox as an HTTP server that can abort connections, as networks do."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orders_sync.platforms import Simulation
from orders_sync.sandbox.app import Sandbox
from orders_sync.sandbox.fault_responses import CONNECTION_CONTROL
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.state import Clock, utc_now
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
    simulations: Sequence[Simulation] = (),
) -> None:
    """Serve until interrupted. Prints nothing.

    Args:
        world: The shops and their orders.
        port: Port to listen on; 0 for any free one.
        host: Address to listen on.
        live_rate: Changes per second; 0 for none.
        faults: Faults to inject.
        ready: Called with the root URL once the server listens.
        clock: Source of the current time.
        hooks: Root URL of a service that receives messages about changes.
        simulations: Accounts of installed platforms.

    Raises:
        OSError: The address cannot be listened on.
        KeyboardInterrupt: The server was interrupted.
    """
    sandbox = Sandbox(world, faults, clock, hooks, simulations)
    sandbox.live_mode.rate = live_rate
    server = _Server(sandbox, host, port, ready)
    gc.freeze()  # the world lives as long as the process: keep it out of garbage collection
    server.run(sockets=[server.socket])


@contextmanager
def background(
    world: World, faults: Faults | None = None, clock: Clock = utc_now, port: int = 0, live_rate: float = 0
) -> Iterator[tuple[str, Sandbox]]:
    """Serve from a background thread within a `with` block; yields (root URL, sandbox). For tests.

    Raises OSError if the port cannot be listened on.
    """
    sandbox = Sandbox(world, faults, clock)
    sandbox.live_mode.rate = live_rate
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
    """A server that listens as soon as it is created, so that the caller gets the OSError of a port in use."""

    def __init__(self, sandbox: Sandbox, host: str, port: int, ready: Ready | None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family)
        # asyncio sets it only on sockets created with IPPROTO_TCP; without it small responses take 40 ms
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ready = ready
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # otherwise its warnings go to stderr
        super().__init__(
            uvicorn.Config(sandbox.app, http=_Protocol, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self.ready is not None:
            host, port = self.socket.getsockname()[:2]
            self.ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


class _Protocol(H11Protocol):
    """Adds a `ConnectionControl` to the scope of each request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: Any = self.app

        async def with_connection_control(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[CONNECTION_CONTROL] = _ConnectionControl(self.transport)
            await app(scope, receive, send)

        self.app = with_connection_control


class _ConnectionControl:
    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    async def reset(self, receive: Receive) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock is not None:  # linger 0 sends RST instead of FIN
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
        await _await_disconnect(receive)

    async def close(self, receive: Receive) -> None:
        self.transport.close()
        await _await_disconnect(receive)

    async def hang(self, receive: Receive, seconds: float) -> None:
        try:
            await asyncio.wait_for(_await_disconnect(receive), seconds)
        except TimeoutError:
            await self.reset(receive)


async def _await_disconnect(receive: Receive) -> None:
    """Wait until the connection is closed, so that the server does not respond on it."""
    while (await receive())["type"] != "http.disconnect":
        pass
