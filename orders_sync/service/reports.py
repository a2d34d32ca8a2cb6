"""What the service says of its reading: a log line and counters for every window."""

from __future__ import annotations

import structlog
from structlog.stdlib import BoundLogger

from orders_sync.engine.draining import Closed
from orders_sync.service import logs
from orders_sync.service.liveness import Liveness
from orders_sync.service.metrics import Metrics

log: BoundLogger = structlog.get_logger(__name__)


class Reports:
    """The `Progress` of a process that nobody watches."""

    def __init__(self, metrics: Metrics, liveness: Liveness | None = None) -> None:
        self._metrics = metrics
        self._liveness = liveness or Liveness()

    def counted(self, account: str, rows: int) -> None:
        """Bars show it; here the window's line does."""

    def landed(self, account: str, rows: int) -> None:
        """As `counted`."""

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """The audit's own line says it at its end."""

    def told(self, account: str, text: str) -> None:
        log.info(text, account=account)

    def closed(self, window: Closed) -> None:
        logs.window_closed(log, window)
        self._metrics.count(window)
        self._liveness.finished()
