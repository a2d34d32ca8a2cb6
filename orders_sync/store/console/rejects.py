"""Rejects for their page: by reason with counts that stop, a list by key, one record with the place of its flaw."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from orders_sync.domain import json_places
from orders_sync.domain.json_places import Place
from orders_sync.domain.reject_reasons import UNSETTLED, RejectReason, RejectState, path_of
from orders_sync.store.console.capped import MOST_COUNTED
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_row, fetch_rows

PAGE = 50  # rows
_LAST_ID = 2**63 - 1

# one step of the index for each reason there is
_REASONS = """
WITH RECURSIVE reasons AS (
    (SELECT reason_key FROM sync.rejects WHERE resolved_at IS NULL ORDER BY reason_key LIMIT 1)
    UNION ALL
    SELECT (
        SELECT n.reason_key FROM sync.rejects AS n
        WHERE n.resolved_at IS NULL AND n.reason_key > r.reason_key ORDER BY n.reason_key LIMIT 1
    ) FROM reasons AS r WHERE r.reason_key IS NOT NULL
)
"""
_OF_REASON = """
    FROM sync.rejects AS o
    WHERE o.reason_key = r.reason_key AND o.resolved_at IS NULL AND o.id < %(before)s
        AND (%(account)s::text IS NULL OR o.account = %(account)s)
        AND (%(open)s AND o.ignored_at IS NULL OR %(ignored)s AND o.ignored_at IS NOT NULL)
    ORDER BY o.id DESC
"""
_GROUPS = f"""
{_REASONS}
SELECT c.*, coalesce(sum(c.records + c.ignored) OVER (PARTITION BY c.reason_key) > {MOST_COUNTED}, false) AS is_more,
    (SELECT reason FROM sync.rejects WHERE id = c.example) AS example_reason,
    (SELECT read_at FROM sync.rejects WHERE id = c.example) AS last,
    (SELECT rejected_at FROM sync.rejects WHERE id = c.earliest) AS first
FROM (
    SELECT reason_key, platform, sum(records)::int AS records, sum(ignored)::int AS ignored, count(*)::int AS accounts,
        max(newest) AS example, min(oldest) AS earliest
    FROM (
        SELECT reason_key, platform, account, count(*) - count(ignored_at) AS records, count(ignored_at) AS ignored,
            max(id) AS newest, min(id) AS oldest
        FROM reasons AS r CROSS JOIN LATERAL (
            SELECT o.id, o.platform, o.account, o.ignored_at {_OF_REASON} LIMIT {MOST_COUNTED + 1}
        ) AS counted
        GROUP BY reason_key, platform, account
    ) AS by_account
    GROUP BY reason_key, platform
) AS c
ORDER BY c.records DESC, c.ignored DESC, c.reason_key, c.platform
"""
_COLUMNS = (
    "id, account, platform, order_id, reason_key, reason, rejected_at, read_at, resolved_at, ignored_at, ignored_by"
)
_LIST = f"""
{_REASONS}
SELECT {_COLUMNS}
FROM (
    SELECT t.id AS number FROM reasons AS r CROSS JOIN LATERAL (SELECT o.id {_OF_REASON} LIMIT %(limit)s) AS t
    WHERE %(reason)s::text IS NULL OR r.reason_key = %(reason)s
    ORDER BY number DESC LIMIT %(limit)s
) AS chosen JOIN sync.rejects ON id = number ORDER BY id DESC
"""
_ROW = f"SELECT {_COLUMNS} FROM sync.rejects WHERE id = %(number)s"
_RECORD = f"SELECT {_COLUMNS}, window_id, payload FROM sync.rejects WHERE id = %(number)s"


class ReasonSummary(msgspec.Struct, frozen=True):
    """Rejects of one reason and platform that are not settled: open ones (`records`) and ignored ones.

    `is_more`: there are more of the reason than were counted, `capped.MOST_COUNTED` of the newest. `first`, `last`:
    when the earliest counted was first seen, the newest last read. `example`: the number of the newest.
    """

    reason_key: str
    platform: str
    records: int
    ignored: int
    accounts: int
    is_more: bool
    first: datetime
    last: datetime
    example: int
    example_reason: str


class RejectRow(msgspec.Struct, frozen=True):
    """A reject without its payload. `reason`: in its own words; `reason_key`: its kind."""

    id: int
    account: str
    platform: str
    reason_key: str
    reason: str
    rejected_at: datetime
    read_at: datetime
    order_id: str | None = None
    resolved_at: datetime | None = None
    ignored_at: datetime | None = None
    ignored_by: str | None = None

    @property
    def state(self) -> RejectState:
        """The state that follows from what is recorded of it."""
        if self.resolved_at is not None:
            return RejectState.SETTLED
        return RejectState.OPEN if self.ignored_at is None else RejectState.IGNORED


class RejectDetail(RejectRow, frozen=True, kw_only=True):
    """A reject with the record exactly as it was received, which may not even be text."""

    payload: bytes
    window_id: int | None = None

    @property
    def text(self) -> str:
        """The record as text; for a byte that is no UTF-8 stands its number behind a backslash."""
        return self.payload.decode("utf-8", "backslashreplace")

    @property
    def flaw(self) -> Place | None:
        """The place in `text` that the reason speaks of; None where it speaks of none."""
        if self.reason_key == RejectReason.NOT_JSON:
            return json_places.flaw(self.text)
        path = path_of(self.reason)
        return None if path is None else json_places.find(self.text, path)


async def groups(
    connection: Connection, account: str | None = None, states: Collection[RejectState] = UNSETTLED
) -> list[ReasonSummary]:
    """Return the rejects that are not settled by reason and platform, the most frequent first."""
    return await fetch_rows(connection, _GROUPS, _values(None, account, states, None), ReasonSummary)


async def listed(
    connection: Connection,
    reason: str | None = None,
    account: str | None = None,
    states: Collection[RejectState] = (RejectState.OPEN,),
    before: int | None = None,
    limit: int = PAGE,
) -> list[RejectRow]:
    """Return rejects that are not settled, the newest first.

    `before`: the number of the last one of the page before.
    """
    return await fetch_rows(connection, _LIST, {**_values(reason, account, states, before), "limit": limit}, RejectRow)


async def row(connection: Connection, number: int) -> RejectRow | None:
    """Return a reject in any state, without its record; None for an unknown number."""
    return await fetch_row(connection, _ROW, {"number": number}, RejectRow)


async def record(connection: Connection, number: int) -> RejectDetail | None:
    """Return a reject in any state with its record; None for an unknown number."""
    return await fetch_row(connection, _RECORD, {"number": number}, RejectDetail)


def _values(
    reason: str | None, account: str | None, states: Collection[RejectState], before: int | None
) -> dict[str, object]:
    return {
        "reason": reason,
        "account": account,
        "open": RejectState.OPEN in states,
        "ignored": RejectState.IGNORED in states,
        "before": _LAST_ID if before is None else before,
    }
