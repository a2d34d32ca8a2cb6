"""Begin the change feed anew after a restore or copy. It is read by SQL alone: `store/bi/changes_since.sql`."""

from __future__ import annotations

import psycopg

_RESTART = "SELECT sync.settle_change_feed()"


def restart_if_moved(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Begin a new feed where the tables were restored or copied from elsewhere; return True if so.

    Numbers of transactions mean something only in the cluster that gave them. Cursors of the former feed are refused
    from then on, with the advice to read from the beginning. Costs one query where nothing is to be done.
    """
    return connection.execute(_RESTART).fetchone() == (True,)
