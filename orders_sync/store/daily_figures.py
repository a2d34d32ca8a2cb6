"""Figures of each day, which triggers on `orders` keep. They are read by SQL alone: `store/bi/daily_sales.sql`."""

from __future__ import annotations

import psycopg
from psycopg import errors

_REBUILD = "SELECT sync.settle_daily_figures(%s)"


def rebuild_if_needed(connection: psycopg.Connection[tuple[object, ...]], *, anew: bool = False) -> bool:
    """Rebuild the figures where `bi.time_zone()` is another than when they were made; return True if so.

    Landing waits meanwhile: some seconds for a million orders. Costs one query where nothing is to be done. `anew`:
    rebuild them in any case, or raise psycopg.Error. Otherwise they stay as they are where the role lacks a right for
    it or the zone has no such name: `bi.daily_sales` then reads the orders.
    """
    try:
        with connection.transaction():
            return connection.execute(_REBUILD, [anew]).fetchone() == (True,)
    except (errors.InsufficientPrivilege, errors.InvalidParameterValue):
        if anew:
            raise
        return False
