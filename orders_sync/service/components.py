"""The components that one process of the service consists of."""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Components:
    """The components of a process.

    `web`: the listening socket of health and metrics; `hooks`: it also receives platform messages there. `console`: the
    listening socket of the console.
    """

    schedules: bool = False
    works: bool = False
    web: socket.socket | None = None
    hooks: bool = False
    console: socket.socket | None = None

    @property
    def names(self) -> list[str]:
        """The names of the components, as in `sync.processes.parts`: those of the commands that run them alone.

        `orders-sync console` runs the hooks too, so they are named `console`.
        """
        parts = (("scheduler", self.schedules), ("worker", self.works), ("console", self.hooks))
        return [name for name, runs in parts if runs]

    def log_fields(self) -> dict[str, object]:
        """Return the fields of a log line."""
        components = [name for name, runs in (("scheduler", self.schedules), ("worker", self.works)) if runs]
        if self.web is None:
            return {"parts": components}
        fields: dict[str, object] = {"parts": [*components, "web"], "listening": _url(self.web)}
        if self.console is not None:
            fields["console"] = _url(self.console)
        return fields


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
