"""A messenger over HTTP: it keeps what it got, and accepts, refuses or never answers, by the path that is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Messenger:
    """`answers`: by path, the status and the body; a path that is not there is accepted. `silent`: never answered."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def url(self, path: str = "/ok") -> str:
        """The address as Apprise writes it."""
        return f"json://127.0.0.1:{self.port}{path}"

    @property
    def texts(self) -> list[str]:
        """Title and text of everything it got, in order."""
        return [f"{said['title']}\n{said['message']}" for _, said in self.got]

    def at(self, path: str) -> int:
        """Return how often this path was asked."""
        return sum(asked == path for asked, _ in self.got)


@contextmanager
def messenger() -> Iterator[Messenger]:
    made = Messenger()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"]))
            path = self.path.partition("?")[0]
            made.got.append((path, json.loads(text)))
            made.asked.set()
            if path in made.silent:
                made.closed.wait()
                return
            status, body = made.answers.get(path, (200, "{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        made.closed.set()
        server.shutdown()
        server.server_close()
