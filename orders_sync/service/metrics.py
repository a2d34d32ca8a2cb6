"""Prometheus metrics: counters of this process, and gauges computed from the tables at each scrape.

Every process exports the same gauges: take their maximum per account over processes. Counters are summed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

import prometheus_client
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Info, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orders_sync.domain.errors import AuthenticationError, LeaseLostError
from orders_sync.domain.windows import OPEN_WINDOWS
from orders_sync.engine.results import WindowResult
from orders_sync.service.account_gauges import ACCOUNT_GAUGES
from orders_sync.service.liveness import Liveness
from orders_sync.store import schema
from orders_sync.store.service_metrics import ServiceMetrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
# buckets of a window's duration: from one call to a full window at a slow rate
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

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
    "RecordsOutOfRangeError": "misfit",
    "SuspectTotalError": "may_be_capped",
    "TransientError": "transient",
}

# omit the second series `_created` of every counter
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one process; create one instance per process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        build = Info(
            "orders_sync_build", "The version of this process, and of the tables it works on.", registry=self._registry
        )
        build.info({"version": version("orders-sync"), "tables": schema.HEAD})
        self._windows = self._counter(
            "windows_closed", "Windows that this process finished, by outcome.", "account", "kind", "ended"
        )
        self._calls = self._counter("calls", "API calls spent on these windows, including retries.", "account")
        self._rows = self._counter(
            "rows", "Orders read in these windows, by what was done with them.", "account", "outcome"
        )
        self._errors = self._counter(
            "errors", "Windows that ended with an error, including split ones, by kind of error.", "account", "error"
        )
        self._refused = self._counter(
            "hooks_refused", "Requests to the hooks that were refused, by reason.", "account", "reason"
        )
        self._notices = self._counter(
            "notices_sent", "Notices to people that a channel of [notify] accepted.", "channel"
        )
        self._unsent = self._counter(
            "notices_failed", "Tries to send a notice that a channel of [notify] did not accept.", "channel"
        )
        self._seconds = Histogram(
            "orders_sync_window_duration_seconds",
            "Seconds from the claim of a window to its end.",
            ["kind"],
            buckets=SECONDS,
            registry=self._registry,
        )

    def count(self, closed: WindowResult) -> None:
        """Count a finished window."""
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
        """Count a refused request to the hooks. `account` is empty if the request named no account rightly."""
        self._refused.labels(account, reason).inc()

    def add_channel(self, channel: str) -> None:
        """Begin the counters of a channel at 0, so that the first failure is an increase."""
        self._notices.labels(channel)
        self._unsent.labels(channel)

    def notice_sent(self, channel: str, *, is_accepted: bool) -> None:
        """Count one try to send a notice."""
        (self._notices if is_accepted else self._unsent).labels(channel).inc()

    def exposition(self, *gauges: Iterable[Metric]) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return prometheus_client.generate_latest(_Joined(self._registry.collect(), *gauges))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"orders_sync_{name}", text, labels, registry=self._registry)


def ended(closed: WindowResult) -> str:
    """Return the label `ended`: done, split, unconfirmed, beyond, lost (to another worker), refused or failed."""
    if closed.is_split:
        return "split"
    if closed.why_no_proof:
        return closed.why_no_proof
    match closed.error:
        case None:
            return "done"
        case LeaseLostError():
            return "lost"
        case AuthenticationError():
            return "refused"
    return "failed"


def table_metrics(found: ServiceMetrics | None) -> Iterator[Metric]:
    """Yield the gauges of the tables. None: the database did not answer, or has another version's tables."""
    yield GaugeMetricFamily(
        "orders_sync_database_up",
        "1 if the database answered this scrape and has the tables of this version.",
        value=found is not None,
    )
    if found is None:
        return
    for gauge in ACCOUNT_GAUGES:
        family = _gauge(gauge.name, gauge.help, "account")
        for account in found.accounts:
            value = gauge.value(account)
            if value is not None:
                family.add_metric([account.name], value)
        yield family
    family = _gauge(
        "orders_sync_account_removed",
        "1 if the account is in no settings any more but has orders, which nothing refreshes.",
        "account",
    )
    for name in {*found.removed, *(account.name for account in found.accounts)}:
        family.add_metric([name], name in found.removed)
    yield family
    yield _open_windows(found)
    yield from _queue(found)
    family = _gauge(
        "orders_sync_rate_given_away_seconds",
        "Seconds of this app's rate budget that are already reserved or on hold.",
        "app",
    )
    for each in found.rates:
        family.add_metric([each.key], each.seconds)
    yield family


def liveness_metrics(liveness: Liveness) -> Iterator[Metric]:
    """Yield the seconds since the last planning and the last finished window, and the accounts that fail to plan."""
    family = _gauge(
        "orders_sync_idle_seconds", "Seconds since this process last planned an account, or finished a window.", "what"
    )
    for what, seconds in liveness.seconds_since.items():
        family.add_metric([what], seconds)
    yield family
    family = _gauge(
        "orders_sync_planning_failing", "1 if the last planning of the account ended with an error.", "account"
    )
    for account in liveness.failing_accounts:
        family.add_metric([account], 1)
    yield family


def settings_metrics(misconfigured: Iterable[str]) -> Iterator[Metric]:
    """Yield 1 for each account that this process cannot read for a mistake in its settings."""
    family = _gauge(
        "orders_sync_account_misconfigured",
        "1 if a mistake in the settings keeps the account from being read.",
        "account",
    )
    for account in misconfigured:
        family.add_metric([account], 1)
    yield family


def component_metrics(state: Mapping[str, str | None]) -> Iterator[Metric]:
    """Yield 1 for each healthy component of the process, 0 for one that has been failing for long."""
    family = _gauge(
        "orders_sync_component_up", "0 if the component of this process has been failing for long.", "component"
    )
    for name, failure in state.items():
        family.add_metric([name], failure is None)
    yield family


def _open_windows(found: ServiceMetrics) -> Metric:
    family = _gauge(
        "orders_sync_windows_open", "Windows in the ledger that are not done, by state.", "account", "state"
    )
    for account in found.accounts:
        for state in OPEN_WINDOWS:
            family.add_metric([account.name, state], getattr(account, state))
    return family


def _queue(found: ServiceMetrics) -> Iterator[Metric]:
    family = _gauge(
        "orders_sync_queue_jobs", "Jobs in the queue: waiting, running or recently failed.", "queue", "status"
    )
    for each in found.jobs:
        family.add_metric([each.queue, each.status], each.jobs)
    yield family
    yield GaugeMetricFamily(
        "orders_sync_queue_oldest_waiting_seconds",
        "Age of the job that has waited longest; 0 if none waits.",
        value=found.oldest_job,
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
