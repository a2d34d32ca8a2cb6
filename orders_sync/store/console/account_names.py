"""Names of accounts to choose from."""

from __future__ import annotations

from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_values

MOST = 1000

_NAMES = "SELECT name FROM sync.accounts WHERE retired_at IS NULL ORDER BY name LIMIT %s"


async def read(connection: Connection) -> list[str]:
    """Return the names of the accounts that are not retired, at most `MOST`."""
    return await fetch_values(connection, _NAMES, [MOST], str)
