"""A platform over HTTP whose answers drip and never end."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n"
STEADY = b" " * 4096  # a drop by which an answer comes fast enough not to be given up


class Drip:
    """A platform that sends a drop twice a second until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.calls = 0
        self.url = ""


@contextmanager
def drip(drop: bytes = b" ") -> Iterator[Drip]:
    made = Drip()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            made.calls += 1
            with suppress(OSError):
                self.request.sendall(HEAD)
                while not made.closed.wait(0.5):
                    self.request.sendall(drop)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield made
        finally:
            made.closed.set()
            server.shutdown()


def accounts(url: str, count: int, first: int = 0) -> str:
    """Return settings of accounts whose names and shops are numbered from `first`."""
    return "".join(
        f"""
[[accounts]]
name = "drip-{number}"
platform = "1688"
base_url = "{url}"
seller_nick = "s{number}"
app_id = "drip{number}"
app_secret = "a secret of drip {number}"
history_from = "{datetime.now(UTC):%Y-%m-%d}"
"""
        for number in range(first, first + count)
    )
