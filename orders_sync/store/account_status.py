"""What commands say of accounts: how current each is, and who it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orders_sync.store.database import Session
from orders_sync.store.progress import PROGRESS, Progress
from orders_sync.store.queries import select_rows

_ACCOUNTS = f"""
SELECT a.name AS account, a.platform, a.watermark,
    p.behind::bigint AS behind_seconds,
    (SELECT count(*) FROM orders AS o WHERE o.account = a.name) AS orders,
    w.planned, w.running, w.failed,
    (SELECT count(*) FROM sync.rejects AS r WHERE r.account = a.name AND r.resolved_at IS NULL) AS rejects,
    a.last_error, a.suspended_at, a.suspended_because, a.removed_at, a.retired_at,
    a.history_from, a.proven_from, p.first AS read_from, p.past AS read_to, p.share AS history_share,
    p.unconfirmed, p.unconfirmed_from, p.unconfirmed_to, p.asked_again_at, p.empty_since, p.empty_read_next
FROM sync.accounts AS a JOIN ({PROGRESS}) AS p USING (name)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'planned') AS planned,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'failed') AS failed
    FROM sync.windows WHERE account = a.name AND state IN ('planned', 'running', 'failed')
) AS w
ORDER BY a.name
"""

_STORED = """
SELECT name, platform, host, seller, suspended_at, suspended_because, credentials, removed_at, retired_at
FROM sync.accounts ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How current an account is, and what is in its way. `planned`, `running`, `failed`: windows; `rejects`: open ones.

    `read_from` to `read_to`, `history_share` and what follows: as in `Progress`.
    """

    account: str
    platform: str
    watermark: datetime | None
    behind_seconds: int | None
    orders: int
    planned: int
    running: int
    failed: int
    rejects: int
    last_error: str | None
    suspended_at: datetime | None
    suspended_because: str | None
    removed_at: datetime | None
    retired_at: datetime | None
    history_from: datetime | None
    proven_from: datetime | None
    read_from: datetime | None
    read_to: datetime | None
    history_share: float | None
    unconfirmed: int
    unconfirmed_from: datetime | None
    unconfirmed_to: datetime | None
    asked_again_at: datetime | None
    empty_since: datetime | None
    empty_read_next: datetime | None

    @property
    def progress(self) -> Progress:
        return Progress(
            self.account,
            self.history_from,
            self.watermark,
            self.proven_from,
            self.read_from,
            self.read_to,
            self.history_share,
            self.behind_seconds,
            self.unconfirmed,
            self.unconfirmed_from,
            self.unconfirmed_to,
            self.asked_again_at,
            self.empty_since,
            self.empty_read_next,
        )


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as the tables know it. `credentials`: the fingerprint of those that were refused."""

    name: str
    platform: str
    host: str | None
    seller: str | None
    suspended_at: datetime | None
    suspended_because: str | None
    credentials: str | None
    removed_at: datetime | None
    retired_at: datetime | None


def of_accounts(session: Session) -> list[AccountStatus]:
    """Return the status of every account, by name."""
    return select_rows(session, _ACCOUNTS, None, AccountStatus)


def stored(session: Session) -> list[StoredAccount]:
    """Return every account of the tables, by name."""
    return select_rows(session, _STORED, None, StoredAccount)
