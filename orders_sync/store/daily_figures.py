"""Figures of each day, which triggers on `orders` keep. They are read by SQL alone: `store/bi/daily_sales.sql`."""

from __future__ import annotations

import psycopg

_SETTLE = "SELECT sync.settle_daily_figures(%s)"


def settle(connection: psycopg.Connection[tuple[object, ...]], *, anew: bool = False) -> bool:
    """Make the figures anew where `bi.time_zone()` is another than when they were made; return True if so.

    Landing waits meanwhile: some seconds for a million orders. Costs one query where nothing is to be done. `anew`:
    make them in any case.
    """
    return connection.execute(_SETTLE, [anew]).fetchone() == (True,)
