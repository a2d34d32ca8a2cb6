"""The record of what people did: written in the transaction of the action, read newest first.

An action that cannot be recorded must not happen: both `record` functions raise what the database says, and the
transaction around them is undone. Rows are added and, when they are old, removed; never changed but for the name of an
account that was renamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.sanitize import sanitize
from orders_sync.store.database import Connection, Session
from orders_sync.store.queries import fetch_rows, fetch_value, select_value

MOST_IDS = 100  # numbers of one action that are kept

_RECORD = """
INSERT INTO sync.activity (actor, origin, action, account, subject, details)
SELECT %(actor)s, %(origin)s, %(action)s, account, %(subject)s, %(details)s
FROM unnest(%(accounts)s::text[]) AS account
"""
_LIST = """
SELECT id, at, actor, origin, action, account, subject, details, role FROM sync.activity
WHERE (%(account)s::text IS NULL OR account = %(account)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
"""

NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


class Activity(msgspec.Struct, frozen=True):
    """One action. `account`, `subject`: None where it concerns none. `role`: the database role that wrote it.

    `origin` and `action` are text: a newer version may have written kinds that this one does not know.
    """

    id: int
    at: datetime
    actor: str
    origin: str
    action: str
    account: str | None
    subject: str | None
    details: dict[str, Any]
    role: str


async def record(
    connection: Connection,
    actor: Actor,
    action: Action,
    *,
    account: str | None = None,
    accounts: Sequence[str] | None = None,
    subject: str | None = None,
    details: Mapping[str, Any] = NO_DETAILS,
) -> None:
    """Record an action, one row for each of `accounts` where it concerns several. In the action's transaction.

    `subject`: the thing that was acted on, such as "backfill 12". `details`: whatever else JSON can hold. Raises
    psycopg.Error: then the action must not happen.
    """
    await connection.execute(_RECORD, _values(actor, action, account, accounts, subject, details))


async def record_seldom(
    connection: Connection, actor: Actor, action: Action, within: timedelta, details: Mapping[str, Any] = NO_DETAILS
) -> None:
    """Record what strangers can cause, once in a length of time for each actor, so that it floods nothing."""
    query = """
        SELECT EXISTS (SELECT FROM sync.activity
            WHERE at > clock_timestamp() - %s AND action = %s AND actor = %s AND origin = %s)
    """
    if not await fetch_value(connection, query, [within, action, actor.name, actor.origin], bool):
        await record(connection, actor, action, details=details)


def record_blocking(
    session: Session,
    actor: Actor,
    action: Action,
    *,
    account: str | None = None,
    subject: str | None = None,
    details: Mapping[str, Any] = NO_DETAILS,
) -> None:
    """Record an action by a connection that blocks; otherwise as `record`."""
    session.execute(_RECORD, _values(actor, action, account, None, subject, details))


def is_kept(session: Session) -> bool:
    """Tell whether the tables of a database have a place for it: those of older versions have none."""
    return select_value(session, "SELECT to_regclass('sync.activity') IS NOT NULL", None, bool)


async def listed(
    connection: Connection,
    *,
    account: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Activity]:
    """Return the newest actions, at most `limit`, newest first.

    `since`: inclusive; `until`: exclusive. `before`: only rows with a smaller id, so the last id of a page gives the
    next.
    """
    values = {
        "account": account,
        "actor": actor,
        "action": action,
        "since": since,
        "until": until,
        "before": before,
        "limit": limit,
    }
    return await fetch_rows(connection, _LIST, values, Activity)


def some(numbers: Sequence[int]) -> dict[str, Any]:
    """Return details on many numbers: how many there are, and the first `MOST_IDS` of them."""
    return {"count": len(numbers), "ids": list(numbers[:MOST_IDS])}


def _values(
    actor: Actor,
    action: Action,
    account: str | None,
    accounts: Sequence[str] | None,
    subject: str | None,
    details: Mapping[str, Any],
) -> dict[str, object]:
    return {
        "actor": actor.name,
        "origin": actor.origin,
        "action": action,
        "accounts": [account] if accounts is None else list(accounts),
        "subject": None if subject is None else sanitize(subject),
        "details": Jsonb(_storable(details)),
    }


def _storable(value: Any) -> Any:
    """Return what jsonb can hold: texts without NUL and lone surrogates, times as ISO 8601."""
    match value:
        case str():
            return sanitize(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Mapping():
            return {sanitize(str(key)): _storable(each) for key, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
    return value
