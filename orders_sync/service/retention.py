"""Remove rows older than the limits in [retention], while everything else keeps running."""

from __future__ import annotations

from orders_sync.settings import RetentionSettings
from orders_sync.store import retention
from orders_sync.store.database import Pool
from orders_sync.store.retention import BATCH, RULES


async def remove_old(pool: Pool, ages: RetentionSettings, rows: int = BATCH) -> dict[str, int]:
    """Remove everything that is too old, `rows` per transaction. Return the number of removed rows per kind, if any.

    Safe at any time and from any number of processes: one works, the others return at once with what they have removed.
    After an interruption the next run continues. Raises psycopg.Error when the database is gone.
    """
    removed: dict[str, int] = {}
    for rule in RULES:
        age = getattr(ages, rule.age)
        count: int | None = rows
        while age is not None and count == rows:
            async with pool.connection() as connection:
                count = await retention.remove(connection, rule, age, rows)
            if count is None:
                return removed
            if count:
                removed[rule.what] = removed.get(rule.what, 0) + count
    return removed
