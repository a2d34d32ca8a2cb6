"""Plans of backfills: kept for an hour, started once. Everything of a plan is written in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from orders_sync.domain.accounts import Account
from orders_sync.domain.backfill_plans import KEPT, BackfillPlan
from orders_sync.domain.windows import WindowKind
from orders_sync.store.copy_format import array
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_now, fetch_row, fetch_value, fetch_values
from orders_sync.store.states import OPEN_WINDOWS

_STORE = """
WITH gone AS (DELETE FROM sync.backfill_plans WHERE planned_at < now() - %(kept)s)
INSERT INTO sync.backfill_plans (plan, fingerprint) VALUES (%(plan)s::jsonb, %(fingerprint)s) RETURNING id
"""
_TAKE = """
SELECT plan::text, fingerprint, request_id, planned_at < now() - %(kept)s AS is_old
FROM sync.backfill_plans WHERE id = %(number)s FOR UPDATE
"""
_KNOWN = """
SELECT k.name FROM unnest(%(names)s::text[], %(platforms)s::text[], %(hosts)s::text[], %(sellers)s::text[])
    AS k (name, platform, host, seller)
JOIN sync.accounts AS a ON (a.name, a.platform, a.host, a.seller) = (k.name, k.platform, k.host, k.seller)
    AND a.removed_at IS NULL AND a.retired_at IS NULL
"""
_REQUEST = """
WITH made AS (
    INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything, state, notice)
    SELECT account, feed, first, past, %(everything)s, 'planned', remark
    FROM unnest(%(accounts)s::text[], %(feeds)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
        %(remarks)s::text[]) WITH ORDINALITY AS p (account, feed, first, past, remark, place)
    ORDER BY place RETURNING id
)
SELECT id FROM made ORDER BY id
"""
_JOIN = "UPDATE sync.backfills SET request_id = %(first)s WHERE id = ANY (%(numbers)s) AND id <> %(first)s"
_WINDOWS = """
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, backfill_id, orders)
SELECT account, %(kind)s, feed, first, past, backfill, nullif(ids::text[], '{}')
FROM unnest(%(accounts)s::text[], %(feeds)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
    %(backfills)s::bigint[], %(orders)s::text[]) AS w (account, feed, first, past, backfill, ids)
"""
_CLOSE = f"""
UPDATE sync.backfills AS b SET state = 'done', finished_at = clock_timestamp()
WHERE id = ANY (%(numbers)s) AND NOT EXISTS (
    SELECT FROM sync.windows AS w WHERE w.backfill_id = b.id AND w.state IN {OPEN_WINDOWS})
"""


class TakenPlan(msgspec.Struct, frozen=True):
    """A stored plan. `request_id`: the request it was started as, None if it was not; `is_old`: past its hour."""

    plan: str
    fingerprint: bytes
    request_id: int | None
    is_old: bool

    def decoded(self) -> BackfillPlan:
        """Return the plan itself."""
        return msgspec.json.decode(self.plan, type=BackfillPlan)


async def store(connection: Connection, plan: BackfillPlan, fingerprint: bytes) -> int:
    """Store a plan, remove those that are old, and return its number."""
    values = {"plan": msgspec.json.encode(plan).decode(), "fingerprint": fingerprint, "kept": KEPT}
    return await fetch_value(connection, _STORE, values, int)


async def take(connection: Connection, number: int) -> TakenPlan | None:
    """Return a plan and lock it; None if there is none of that number. In the transaction that starts it."""
    return await fetch_row(connection, _TAKE, {"number": number, "kept": KEPT}, TakenPlan)


async def known(connection: Connection, accounts: Sequence[Account]) -> set[str]:
    """Return the names of those accounts that are registered with this identity (`ledger.register`)."""
    identities = [each.identity for each in accounts]
    values = {
        "names": [each.name for each in accounts],
        "platforms": [each.platform for each in identities],
        "hosts": [each.host for each in identities],
        "sellers": [each.seller for each in identities],
    }
    return set(await fetch_values(connection, _KNOWN, values, str))


async def lock(connection: Connection, accounts: Sequence[str]) -> datetime:
    """Lock the rows of accounts, in the order of their names, and return the database's time."""
    query = "SELECT name FROM sync.accounts WHERE name = ANY (%s) ORDER BY name FOR UPDATE"
    await connection.execute(query, [list(accounts)])
    return await fetch_now(connection)


async def request(connection: Connection, number: int, plan: BackfillPlan) -> list[int]:
    """Store a plan as one request with all of its windows, and record that it was started.

    The scheduler finds the accounts by their windows (`due_accounts.py`). Return the number of each account's backfill,
    in the order of the parts; the first is that of the request. In a transaction that holds the locks of `lock`.
    """
    first = [min((each.start for each in part.ranges), default=plan.start) for part in plan.parts]
    past = [max((each.end for each in part.ranges), default=plan.end) for part in plan.parts]
    values = {
        "accounts": plan.accounts,
        "feeds": [part.feed for part in plan.parts],
        "starts": first if plan.numbers else [plan.start] * len(plan.parts),
        "ends": past if plan.numbers else [plan.end] * len(plan.parts),
        "everything": plan.everything,
        "remarks": [part.remark for part in plan.parts],
    }
    backfills = await fetch_values(connection, _REQUEST, values, int)
    await connection.execute(_JOIN, {"first": backfills[0], "numbers": backfills})
    await _plan_windows(connection, plan, backfills)
    await connection.execute(_CLOSE.encode(), {"numbers": backfills})
    started = "UPDATE sync.backfill_plans SET request_id = %s WHERE id = %s"
    await connection.execute(started, [backfills[0], number])
    return backfills


async def _plan_windows(connection: Connection, plan: BackfillPlan, backfills: Sequence[int]) -> None:
    """Add the windows of all parts. Those of single orders are read before others that prove nothing new."""
    rows = [
        (part, window, backfill, part.orders[place] if part.orders else [])
        for part, backfill in zip(plan.parts, backfills, strict=True)
        for place, window in enumerate(part.windows())
    ]
    await connection.execute(
        _WINDOWS,
        {
            "kind": WindowKind.REPAIR if plan.numbers else WindowKind.BACKFILL,
            "accounts": [part.account for part, *_ in rows],
            "feeds": [part.feed for part, *_ in rows],
            "starts": [window.start for _, window, *_ in rows],
            "ends": [window.end for _, window, *_ in rows],
            "backfills": [backfill for _, _, backfill, _ in rows],
            "orders": [array(orders) for *_, orders in rows],
        },
    )
