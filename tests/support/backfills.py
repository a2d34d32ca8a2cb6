"""Backfills that are requested by SQL, without a plan that was shown before."""

from __future__ import annotations

from orders_sync.domain.windows import Feed, Window
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_value


async def request_backfill(
    connection: Connection,
    account: str,
    feed: Feed,
    window: Window,
    *,
    everything: bool,
    request_id: int | None = None,
) -> int:
    """Store a backfill as SQL of a user does, and return its number. The next plan of the account plans its windows.

    `request_id`: the first backfill of the same request, which may be for many accounts; None for the first one.
    """
    query = """
        INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything, request_id)
        VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
    """
    values = [account, feed, window.start, window.end, everything, request_id]
    return await fetch_value(connection, query, values, int)
