"""What Prometheus is told: counters of this process, and gauges of what the tables say at that moment.

Gauges are the same wherever they are read, so whoever asks several processes takes the largest an account; counters are
summed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import prometheus_client
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orders_sync.domain.errors import AuthenticationError, LeaseLostError
from orders_sync.engine.draining import Closed
from orders_sync.service.liveness import Liveness
from orders_sync.store.vitals import AccountVitals, Vitals

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)  # of a window: one call to a full one at a slow rate

# values of the label `error`, which queries and dashboards hold: they outlive the names of the classes
ERROR_LABELS = {
    "AuthenticationError": "refused",
    "BlockedError": "blocked",
    "DatabaseBusyError": "database_busy",
    "IncompleteWindowError": "incomplete",
    "InvalidRequestError": "rejected",
    "LeaseLostError": "lost_window",
    "MalformedResponseError": "malformed",
    "RateLimitError": "throttled",
    "RowsOutOfRangeError": "misfit",
    "SuspectTotalError": "may_be_capped",
    "TransientError": "transient",
}

# a second series for every counter, which nobody asks for
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Gauge:
    """A value of an account; None: not known, so it is left out."""

    name: str
    help: str
    value: Callable[[AccountVitals], float | None]


ACCOUNT_GAUGES = (
    Gauge(
        "orders_sync_account_behind_seconds",
        "Age of the newest time up to which the account is read; gaps before it: orders_sync_account_history_ratio.",
        lambda account: account.behind,
    ),
    Gauge(
        "orders_sync_account_history_ratio",
        "How much of the account's history up to that time is read, between 0 and 1.",
        lambda account: account.history_share,
    ),
    Gauge(
        "orders_sync_account_watermark_timestamp_seconds",
        "The account's watermark: everything the platform lists before it has landed, with proof.",
        lambda account: account.watermark,
    ),
    Gauge(
        "orders_sync_account_proven_from_timestamp_seconds",
        "Where that proof begins: later than history_from when that lies beyond the platform's reach.",
        lambda account: account.proven_from,
    ),
    Gauge(
        "orders_sync_account_suspended",
        "1 when the platform refused the account's credentials and no call is made for it.",
        lambda account: account.is_suspended,
    ),
    Gauge(
        "orders_sync_account_resting",
        "1 when windows of the account failed one after the other and it is left alone for a moment.",
        lambda account: account.is_resting,
    ),
    Gauge(
        "orders_sync_rejects_open",
        "Records that could not be read as orders and are kept in sync.rejects.",
        lambda account: account.rejects,
    ),
    Gauge(
        "orders_sync_messages_waiting",
        "Messages of the platform that nothing was done about yet.",
        lambda account: account.messages,
    ),
    Gauge(
        "orders_sync_messages_oldest_waiting_seconds",
        "Age of the oldest of them, 0 when there is none.",
        lambda account: account.oldest_message,
    ),
    Gauge(
        "orders_sync_audit_age_seconds",
        "Since the last audit of the account that came to its end.",
        lambda account: account.audit_age,
    ),
    Gauge(
        "orders_sync_audit_differences",
        "Ranges in which that audit found other orders than the platform counts, without those repaired since.",
        lambda account: None if account.audit_age is None else account.differences,
    ),
    Gauge(
        "orders_sync_account_listing_late_seconds",
        "By how much at least the latest order of the last seven days was listed after its own time, 0 for none late.",
        lambda account: account.late_by or 0,
    ),
)


class Metrics:
    """The counters of one process. Make one a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._windows = self._counter(
            "windows_closed", "Windows this process was done with, by how they ended.", "account", "kind", "ended"
        )
        self._calls = self._counter("calls", "Calls spent on these windows, retries included.", "account")
        self._rows = self._counter("rows", "Orders of these windows, by what became of them.", "account", "outcome")
        self._errors = self._counter(
            "errors", "Windows that could not be read, split ones too, by the kind of error.", "account", "error"
        )
        self._refused = self._counter(
            "hooks_refused", "Requests to the hooks that were not served, by why.", "account", "reason"
        )
        self._seconds = Histogram(
            "orders_sync_window_duration_seconds",
            "From the claim of a window to its end.",
            ["kind"],
            buckets=SECONDS,
            registry=self._registry,
        )

    def count(self, closed: Closed) -> None:
        """A window is done with."""
        account, kind = closed.claim.account, closed.claim.kind
        self._windows.labels(account, kind, ended(closed)).inc()
        self._calls.labels(account).inc(closed.calls)
        self._seconds.labels(kind).observe(closed.seconds)
        if closed.error is not None:
            self._errors.labels(account, _error_label(closed.error)).inc()
        if closed.landed is not None:
            for outcome in closed.landed.__slots__:
                self._rows.labels(account, outcome).inc(getattr(closed.landed, outcome))

    def hook_refused(self, account: str, reason: str) -> None:
        """A request to the hooks was not served; no account where none was named rightly."""
        self._refused.labels(account, reason).inc()

    def exposition(self, *gauges: Iterable[Metric]) -> bytes:
        """Everything in Prometheus' text format."""
        return prometheus_client.generate_latest(_Joined(self._registry.collect(), *gauges))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"orders_sync_{name}", text, labels, registry=self._registry)


def ended(closed: Closed) -> str:
    """done, split, unconfirmed, beyond reach, lost to another worker, refused by the platform, or failed."""
    if closed.is_split:
        return "split"
    if closed.proves_nothing:
        return closed.proves_nothing
    match closed.error:
        case None:
            return "done"
        case LeaseLostError():
            return "lost"
        case AuthenticationError():
            return "refused"
    return "failed"


def of_tables(vitals: Vitals | None) -> Iterator[Metric]:
    """Gauges of what was seen; None: the database did not answer, or has other tables."""
    yield GaugeMetricFamily(
        "orders_sync_database_up",
        "1 when the database answered this scrape from tables of this version.",
        value=vitals is not None,
    )
    if vitals is None:
        return
    for gauge in ACCOUNT_GAUGES:
        family = _gauge(gauge.name, gauge.help, "account")
        for account in vitals.accounts:
            value = gauge.value(account)
            if value is not None:
                family.add_metric([account.name], value)
        yield family
    family = _gauge(
        "orders_sync_account_removed",
        "1 for an account that is in no settings any more and has orders: nobody refreshes them.",
        "account",
    )
    for name in {*vitals.removed, *(account.name for account in vitals.accounts)}:
        family.add_metric([name], name in vitals.removed)
    yield family
    yield _open_windows(vitals)
    yield from _queue(vitals)
    family = _gauge(
        "orders_sync_rate_given_away_seconds",
        "Seconds of this app's rate budget that are already reserved or on hold.",
        "app",
    )
    for given in vitals.rates:
        family.add_metric([given.key], given.seconds)
    yield family


def of_liveness(liveness: Liveness) -> Iterator[Metric]:
    """When the process planned and finished something last, and which accounts it cannot plan."""
    family = _gauge("orders_sync_idle_seconds", "Since this process did so last: planned, finished.", "what")
    for what, seconds in liveness.seconds_since.items():
        family.add_metric([what], seconds)
    yield family
    family = _gauge("orders_sync_planning_failing", "1 for an account whose planning ended with an error.", "account")
    for account in liveness.failing_accounts:
        family.add_metric([account], 1)
    yield family


def of_components(state: Mapping[str, str | None]) -> Iterator[Metric]:
    """1 for each part of the process that is well, 0 for one that has been failing for long."""
    family = _gauge("orders_sync_component_up", "0 when a part of this process has been failing for long.", "component")
    for name, trouble in state.items():
        family.add_metric([name], trouble is None)
    yield family


def _open_windows(vitals: Vitals) -> Metric:
    family = _gauge("orders_sync_windows_open", "Windows of the ledger that are not done.", "account", "state")
    for account in vitals.accounts:
        for state in ("planned", "running", "failed"):
            family.add_metric([account.name, state], getattr(account, state))
    return family


def _queue(vitals: Vitals) -> Iterator[Metric]:
    family = _gauge("orders_sync_queue_jobs", "Jobs that wait, run, or failed lately.", "queue", "status")
    for each in vitals.jobs:
        family.add_metric([each.queue, each.status], each.jobs)
    yield family
    yield GaugeMetricFamily(
        "orders_sync_queue_oldest_waiting_seconds",
        "How long the job that has waited longest has waited, 0 when none does.",
        value=vitals.oldest_job,
    )


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


def _error_label(error: Exception) -> str:
    """Return the label of an error: one of `ERROR_LABELS`, else the name of its class in snake case."""
    name = type(error).__name__
    return ERROR_LABELS.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class _Joined(Collector):
    def __init__(self, *families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for each in self._families:
            yield from each
