"""One account beside its windows: the messages that came for it, and what the platform was seen to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from orders_sync.domain.assumptions import Probe
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_optional, fetch_rows

PAGE = 50  # rows
_NEWEST = 20_000  # messages of all accounts that are gone through for those of one

_COLUMNS = "id, account, message_type, order_no, order_id, received_at, handled_at, outcome"
_MESSAGES = f"""
SELECT {_COLUMNS} FROM (
    SELECT * FROM (
        SELECT {_COLUMNS} FROM sync.messages WHERE id < %(before)s ORDER BY id DESC LIMIT {_NEWEST}
    ) AS newest
    WHERE account = %(account)s
    UNION
    SELECT * FROM (
        SELECT {_COLUMNS} FROM sync.messages WHERE account = %(account)s AND handled_at IS NULL AND id < %(before)s
        ORDER BY id DESC LIMIT %(limit)s
    ) AS waiting
) AS found
ORDER BY id DESC LIMIT %(limit)s
"""
_LAST_ID = 2**63 - 1


class MessageRow(msgspec.Struct, frozen=True):
    """A message of a platform without its body. `handled_at` is None while it waits."""

    id: int
    account: str
    received_at: datetime
    message_type: str | None = None
    order_no: str | None = None
    order_id: str | None = None
    handled_at: datetime | None = None
    outcome: str | None = None


class Observed(msgspec.Struct, frozen=True):
    """Behaviour of a platform that was seen for an account, where no document says it.

    `page_size`: the most rows a page that it returned, where they are fewer than asked for; `probe`: the result of the
    checks. None: not known.
    """

    page_size: int | None = None
    probe: Probe | None = None


async def messages(
    connection: Connection, account: str, before: int | None = None, limit: int = PAGE
) -> list[MessageRow]:
    """Return messages of an account, the newest first: those that wait, and the others among the newest of all.

    `before`: the number of the last one of the page before.
    """
    values = {"account": account, "before": _LAST_ID if before is None else before, "limit": limit}
    return await fetch_rows(connection, _MESSAGES, values, MessageRow)


async def observed(connection: Connection, account: str) -> Observed:
    """Return what was seen of an account's platform. What an older or newer version left otherwise is not known."""
    query = "SELECT observed FROM sync.accounts WHERE name = %s AND jsonb_typeof(observed) = 'object'"
    found = await fetch_optional(connection, query, [account], dict[str, Any]) or {}
    probe = _converted(found.get("probe"), Probe)
    return Observed(
        _converted(found.get("page_size"), int), probe if probe and (probe.answers or probe.fault) else None
    )


def _converted(value: object, kind: type[Any]) -> Any:
    try:
        return None if value is None else msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None
