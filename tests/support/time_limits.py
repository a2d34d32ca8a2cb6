"""The product's limits by the clock, made so long that a machine with ten times its work does not exceed them.

One that is waited out is made short instead. A limit that a test is about is set by that test. What is promised of the
limits themselves: `test_signals.py`.
"""

from __future__ import annotations

from orders_sync.cli import signals
from orders_sync.console import guard, site
from orders_sync.engine import runner
from orders_sync.sandbox import messages
from orders_sync.service import app, health, heartbeat, worker
from orders_sync.store import service_metrics

LONG = 60  # seconds
IN_USE = {  # what tests do not have: seconds by which a command, the service and the release of a window are over
    "command": signals.CLEANING_SECONDS,
    "service": app.STOP_SECONDS,
    "release": runner.RELEASE_SECONDS,
}


def lengthen() -> None:
    """Lengthen the limits of this process on what is done once: handing windows back, a page, a message."""
    signals.CLEANING_SECONDS = app.STOP_SECONDS = messages.TIMEOUT = guard.BODY_SECONDS = float(LONG)
    site.READING_SECONDS = site.ACTING_SECONDS = LONG
    runner.RELEASE_SECONDS = 20  # waited out where the database is away


def lengthen_for_a_database_that_answers() -> None:
    """Lengthen those as well within which the database has to answer: where it does not, they are waited out."""
    health.READY_SECONDS = health.METRICS_SECONDS = heartbeat.REMOVAL_SECONDS = float(LONG)
    service_metrics.STATEMENT_TIMEOUT_MS = LONG * 1000


def shorten() -> None:
    """Shorten what a service that ends waits for where platforms do not answer: windows in flight."""
    worker.GRACE_SECONDS = 1
