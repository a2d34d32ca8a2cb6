"""The accounts as the tables know them. How current each is: `AccountStatus` in `overview`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orders_sync.store.database import Session
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import select_rows

_STORED = f"""
SELECT name, platform, host, seller, suspended_at, suspended_because, credentials, removed_at, retired_at,
    CASE WHEN {IS_PAUSED} THEN paused_at END AS paused_at, paused_until, paused_by, paused_because
FROM sync.accounts AS a ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as the tables know it. `credentials`: the fingerprint of those that were refused.

    `paused_at` is None where it is not paused, or no longer.
    """

    name: str
    platform: str
    host: str | None
    seller: str | None
    suspended_at: datetime | None
    suspended_because: str | None
    credentials: str | None
    removed_at: datetime | None
    retired_at: datetime | None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    paused_by: str | None = None
    paused_because: str | None = None


def read(session: Session) -> list[StoredAccount]:
    """Return every account of the tables, by name."""
    return select_rows(session, _STORED, None, StoredAccount)
