"""The state of every account and every process, in one query each: for `status`, the metrics and the console.

Everything comes from indexes of what is open. Nothing counts finished windows, settled rejects or orders, so the cost
follows the number of accounts and of open rows, not the size of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders_sync.store.database import Connection, Session
from orders_sync.store.lateness import LATE_BY
from orders_sync.store.ledger import RETRY_AT
from orders_sync.store.open_differences import open_by_account
from orders_sync.store.pauses import IS_PAUSED, Pause
from orders_sync.store.progress import PROGRESS, AccountProgress
from orders_sync.store.queries import fetch_rows, select_dict, select_rows
from orders_sync.store.states import OPEN_WINDOWS
from orders_sync.store.unlisted import UNLISTED_BY_ACCOUNT, UnlistedOrders

ALIVE_SECONDS = 30  # a process silent for longer was killed, hangs or has lost the database
FORGOTTEN_DAYS = 1  # an older row, of a service that was killed or of a restored backup, says nothing

# an account of which nothing was read is as far behind as its history reaches. No EXISTS for orders: that may be
# planned as a hash of them all
ACCOUNTS = f"""
    WITH open_windows AS (
        SELECT account, count(*) FILTER (WHERE state = 'planned') AS planned,
            count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'failed') AS failed,
            min({RETRY_AT}) FILTER (WHERE state = 'failed') AS retry_at,
            max(error) FILTER (WHERE state = 'running') AS unanswered
        FROM sync.windows WHERE state IN {OPEN_WINDOWS} GROUP BY account
    ), open_rejects AS (
        SELECT account, count(*) FILTER (WHERE ignored_at IS NULL) AS rejects, count(ignored_at) AS ignored,
            min(rejected_at) FILTER (WHERE ignored_at IS NULL) AS since
        FROM sync.rejects WHERE resolved_at IS NULL GROUP BY account
    ), waiting AS (
        SELECT account, count(*) AS messages, min(received_at) AS oldest
        FROM sync.messages WHERE handled_at IS NULL GROUP BY account
    ), open_differences AS (
        {open_by_account()}
    ), not_listed AS (
        {UNLISTED_BY_ACCOUNT}
    )
    SELECT a.name, a.platform, a.history_from, a.watermark, a.proven_from,
        p.read_from, p.read_to, p.history_share, p.behind,
        p.unconfirmed, p.unconfirmed_from, p.unconfirmed_to, p.asked_again_at, p.empty_since, p.empty_read_next,
        coalesce(w.planned, 0) AS planned, coalesce(w.running, 0) AS running, coalesce(w.failed, 0) AS failed,
        w.retry_at, w.unanswered, coalesce(r.rejects, 0) AS rejects, coalesce(r.ignored, 0) AS ignored_rejects,
        r.since AS rejects_since,
        coalesce(m.messages, 0) AS messages, m.oldest AS oldest_message_at,
        a.last_error, a.suspended_at, a.suspended_because,
        CASE WHEN a.rests_until > clock_timestamp() THEN a.rests_until END AS rests_until,
        a.removed_at, a.retired_at,
        CASE WHEN {IS_PAUSED} THEN a.paused_at END AS paused_at, a.paused_until, a.paused_by, a.paused_because,
        CASE WHEN a.removed_at IS NULL THEN true ELSE
            coalesce((SELECT true FROM orders AS o WHERE o.account = a.name LIMIT 1), false) END AS may_hold_orders,
        audit.finished_at AS audited_at,
        coalesce(d.ranges, 0) AS differences, coalesce(d.acknowledged, 0) AS acknowledged_differences,
        coalesce(d.missing, 0) AS audit_missing, d.missing_id AS audit_missing_id, d.audit AS open_audit,
        {LATE_BY} AS late_by,
        coalesce(l.orders, 0) AS missing_orders, l.order_id AS missing_order_id, l.since AS missing_since,
        clock_timestamp() AS now
    FROM sync.accounts AS a
    JOIN ({PROGRESS}) AS p USING (name)
    LEFT JOIN open_windows AS w ON w.account = a.name
    LEFT JOIN open_rejects AS r ON r.account = a.name
    LEFT JOIN waiting AS m ON m.account = a.name
    LEFT JOIN not_listed AS l ON l.account = a.name
    LEFT JOIN open_differences AS d ON d.account = a.name
    LEFT JOIN LATERAL (
        SELECT id, finished_at FROM sync.audits
        WHERE account = a.name AND finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
    ) AS audit ON true
"""

PROCESSES = f"""
    SELECT id, parts, version, tables, host, pid, started_at, seen_at, misconfigured, accounts, failing,
        seen_at > clock_timestamp() - interval '{ALIVE_SECONDS} s' AS is_alive
    FROM sync.processes WHERE seen_at > clock_timestamp() - interval '{FORGOTTEN_DAYS} d' ORDER BY started_at, id
"""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The state of an account of `sync.accounts`. Times are aware; None: never, or nothing is known.

    `[read_from, read_to)`: the newest stretch that was read without a gap; `behind`: seconds since its end;
    `history_share`: how much of the history is read, between 0 and 1. `retry_at`: when the first failed window is due
    again, which may be past. `unanswered`: why calls of a window that is being read get no answer. `rests_until`: no
    call is made before, set only while it lies ahead. `may_hold_orders`: False only for a removed account without
    orders. `differences`: ranges that audits, the last of them at `audited_at`, found to differ, without those that
    were read since, compared again or acknowledged; the newest such audit is `open_audit`. `audit_missing`: orders of
    these ranges that the platform lists and no read has brought, one of them `audit_missing_id`. `missing_orders`,
    the opposite: orders that the platform no longer lists; `missing_order_id` is one of them, since `missing_since`.
    `now`: the database's clock. `paused_at`: only while it is paused.
    """

    name: str
    platform: str
    history_from: datetime | None = None
    watermark: datetime | None = None
    proven_from: datetime | None = None
    read_from: datetime | None = None
    read_to: datetime | None = None
    history_share: float | None = None
    behind: float | None = None
    unconfirmed: int = 0
    unconfirmed_from: datetime | None = None
    unconfirmed_to: datetime | None = None
    asked_again_at: datetime | None = None
    empty_since: datetime | None = None
    empty_read_next: datetime | None = None
    planned: int = 0
    running: int = 0
    failed: int = 0
    retry_at: datetime | None = None
    unanswered: str | None = None
    rejects: int = 0
    ignored_rejects: int = 0
    rejects_since: datetime | None = None
    messages: int = 0
    oldest_message_at: datetime | None = None
    last_error: str | None = None
    suspended_at: datetime | None = None
    suspended_because: str | None = None
    rests_until: datetime | None = None
    removed_at: datetime | None = None
    retired_at: datetime | None = None
    may_hold_orders: bool = True
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    paused_by: str | None = None
    paused_because: str | None = None
    audited_at: datetime | None = None
    differences: int = 0
    acknowledged_differences: int = 0
    audit_missing: int = 0
    audit_missing_id: str | None = None
    open_audit: int | None = None
    late_by: timedelta | None = None
    missing_orders: int = 0
    missing_order_id: str | None = None
    missing_since: datetime | None = None
    now: datetime | None = None

    @property
    def progress(self) -> AccountProgress:
        """The same, as far as it tells how much of the history is read."""
        return AccountProgress(
            self.name,
            self.history_from,
            self.watermark,
            self.proven_from,
            self.read_from,
            self.read_to,
            self.history_share,
            self.behind,
            self.unconfirmed,
            self.unconfirmed_from,
            self.unconfirmed_to,
            self.asked_again_at,
            self.empty_since,
            self.empty_read_next,
        )

    @property
    def pause(self) -> Pause | None:
        """The pause, if it is paused now."""
        if self.paused_at is None or self.paused_by is None:
            return None
        return Pause(self.name, self.paused_at, self.paused_until, self.paused_by, self.paused_because)

    @property
    def pause_ended_at(self) -> datetime | None:
        """The time at which the latest pause ended; None where it is paused now or never was."""
        if self.paused_at or not self.paused_until or not self.now or self.paused_until > self.now:
            return None
        return self.paused_until

    @property
    def unlisted(self) -> UnlistedOrders | None:
        """The orders that the platform no longer lists; None if there are none."""
        if self.missing_order_id is None or self.missing_since is None:
            return None
        return UnlistedOrders(self.name, self.missing_orders, self.missing_order_id, self.missing_since)


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """A row of `sync.processes`. `is_alive`: it reported within the last `ALIVE_SECONDS`.

    `accounts`: of its settings. `misconfigured`, `failing`: by account, why the process cannot read it or plan it.
    """

    id: str
    parts: list[str]
    version: str
    tables: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    is_alive: bool
    misconfigured: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)


def accounts(connection: Session) -> list[AccountStatus]:
    """Return every account, ordered by name."""
    return select_rows(connection, f"{ACCOUNTS} ORDER BY a.name", None, AccountStatus)


async def read_accounts(connection: Connection) -> list[AccountStatus]:
    """Return the same as `accounts` by a connection of the service."""
    return await fetch_rows(connection, f"{ACCOUNTS} ORDER BY a.name", None, AccountStatus)


async def read_account(connection: Connection, name: str) -> list[AccountStatus]:
    """Return the account of this name, in a list; an empty one where the tables do not know it."""
    return await fetch_rows(connection, f"{ACCOUNTS} WHERE a.name = %s", [name], AccountStatus)


def processes(connection: Session) -> list[ProcessStatus]:
    """Return every process that has reported itself within `FORGOTTEN_DAYS` and did not stop, the oldest first."""
    return select_rows(connection, PROCESSES, None, ProcessStatus)


async def read_processes(connection: Connection) -> list[ProcessStatus]:
    """Return the same as `processes` by a connection of the service."""
    return await fetch_rows(connection, PROCESSES, None, ProcessStatus)


def orders_by_account(connection: Session) -> dict[str, int]:
    """Count the orders of each account that has any. Reads an index over all orders: seconds on millions."""
    return select_dict(connection, "SELECT account, count(*) FROM orders GROUP BY account", None, dict[str, int])
