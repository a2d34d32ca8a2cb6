"""The HTTP side of a process: uvicorn in our event loop, on a port that is ours before anything else begins."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from orders_sync.domain.errors import SettingsError

BACKLOG = 128
LARGEST_PORT = 65535
DRAIN_SECONDS = 2  # for requests under way when the process stops


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


class Server(uvicorn.Server):
    """Serves routes until `should_exit`. No access log: a hook's path holds its token (P8)."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        app = Starlette(routes=routes)
        super().__init__(
            uvicorn.Config(
                app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=DRAIN_SECONDS
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's."""
        yield
