"""Removing an account removes its rows from every table."""

from __future__ import annotations

from orders_sync.store import removal
from orders_sync.store.tables import metadata


def test_every_table_that_holds_rows_of_accounts_is_thought_of() -> None:
    statements = " ".join((*removal._BY_OTHERS, *removal._BY_NAME, "sync.accounts"))
    apart = {"order_statuses", "sync.rates", "sync.processes"}  # of a platform, of an app, of the service
    assert [name for name in metadata.tables if name not in apart and name not in statements] == []
