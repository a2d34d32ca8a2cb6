"""Figures of products by week behind `bi.product_weeks`: those of weeks in which orders changed are made anew.

Triggers on `orders` note such weeks in `sync.outdated_product_weeks`, and until they are made anew the view reads their
lines. So figures are current at any moment, whether this runs or not: it only makes reading fast.
"""

from __future__ import annotations

from typing import cast

from psycopg import errors

from orders_sync.store import locks
from orders_sync.store.database import Connection

WEEKS = 60  # of accounts, in one run: about a second where a week has 800 orders

# those that are still being landed into come last
_OUTDATED = """
SELECT account, week::text FROM sync.outdated_product_weeks
GROUP BY account, week ORDER BY max(id) LIMIT %s
"""
_COLUMNS = """platform, direction, currency, product_id, sku_id, unit, first_ordered_at, last_ordered_at, titled_at,
    described_at, orders, quantity, goods_amount, lowest_price, highest_price"""
# one statement, so one snapshot: the note of an order that is landed meanwhile stays
_REMAKE = f"""
WITH notes AS (
    DELETE FROM sync.outdated_product_weeks WHERE account = %(account)s AND week = %(week)s::timestamptz
), gone AS (
    DELETE FROM sync.product_figures WHERE account = %(account)s AND week = %(week)s::timestamptz
)
INSERT INTO sync.product_figures (account, week, {_COLUMNS})
SELECT account, %(week)s::timestamptz, {_COLUMNS} FROM bi.product_weeks
WHERE account = %(account)s AND week_starts_at IS NOT DISTINCT FROM nullif(%(week)s::timestamptz, '-infinity')
"""


async def remake(connection: Connection, weeks: int = WEEKS) -> int:
    """Make the figures of at most `weeks` outdated weeks anew, a transaction for each; return how many those were.

    Safe at any time and from any number of processes: one works, the others return 0. Landing does not wait. Returns 0
    where the views are not there or the role may not read them. Raises psycopg.Error.
    """
    found = await (await connection.execute(_OUTDATED, [weeks])).fetchall()
    for done, (account, week) in enumerate(cast("list[tuple[str, str]]", found)):
        try:
            async with connection.transaction():
                cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [locks.PRODUCT_FIGURES])
                if await cursor.fetchone() == (False,):
                    return done
                await connection.execute(_REMAKE, {"account": account, "week": week})
        except (errors.UndefinedTable, errors.InsufficientPrivilege):
            return done
        except errors.DataError:  # amounts beyond all bounds: whoever reads them gets the error
            continue
    return len(found)
