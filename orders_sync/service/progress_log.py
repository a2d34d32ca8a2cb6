"""Progress of the service: a log line and counters for every finished window."""

from __future__ import annotations

import structlog
from structlog.stdlib import BoundLogger

from orders_sync.engine.results import WindowResult
from orders_sync.service import logs
from orders_sync.service.liveness import Liveness
from orders_sync.service.metrics import Metrics

log: BoundLogger = structlog.get_logger(__name__)


class LoggingProgress:
    """A `Progress` that logs and counts, for a process without a terminal."""

    def __init__(self, metrics: Metrics, liveness: Liveness | None = None) -> None:
        self._metrics = metrics
        self._liveness = liveness or Liveness()

    def counted(self, account: str, records: int) -> None:
        """Ignore: the log line of the window has it."""

    def landed(self, account: str, orders: int) -> None:
        """Ignore: the log line of the window has it."""

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """Ignore: the audit logs its result at its end."""

    def show(self, account: str, text: str) -> None:
        """Log a text about an account."""
        log.info(text, account=account)

    def closed(self, window: WindowResult) -> None:
        """Log and count a window that was closed."""
        logs.window_closed(log, window)
        self._metrics.count(window)
        self._liveness.window_ended()
