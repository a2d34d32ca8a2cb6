"""Removing an account removes its rows from every table."""

from __future__ import annotations

import psycopg

from orders_sync.store import removal
from orders_sync.store.tables import metadata
from tests.support.databases import Tables


def test_every_table_that_holds_rows_of_accounts_is_thought_of() -> None:
    statements = " ".join(
        (*removal._BY_OTHERS, *removal._BY_NAME, *removal._PRODUCT_FIGURES, "sync.accounts", "sync.daily_figures")
    )
    apart = {"order_statuses", "sync.rates", "sync.processes"}  # of a platform, an app, the service
    apart |= {name for name in metadata.tables if name.startswith("sync.console_")} | {"sync.activity"}  # of people
    apart |= {"sync.views", "sync.view_sets", "sync.daily_zone"}  # of the database
    apart |= {"sync.change_feed", "sync.deleted_orders"}  # what is removed comes in the change feed
    apart |= {"sync.outgoing_notices", "sync.backfill_plans"}  # of several accounts at once
    assert [name for name in metadata.tables if name not in apart and name not in statements] == []


def test_an_account_goes_with_its_orders_and_what_is_said_of_them_and_the_other_stays(url: str) -> None:
    tables = Tables(url)
    for account in ("leaves", "stays"):
        tables.execute(
            "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES (%s, '1688', %s, 'updated')",
            *[account] * 2,
        )
        tables.execute(
            "INSERT INTO orders (platform, account, order_id, status, status_group, line_count, currency) "
            "VALUES ('1688', %s, %s, 'success', 'completed', 0, 'CNY')",
            *[account] * 2,
        )
        tables.execute("INSERT INTO sync.notices (kind, subject, began_at) VALUES ('behind', %s, now())", account)
        # the window that missed it is not kept any more
        tables.execute("INSERT INTO sync.missing_orders VALUES ('1688', %s, now(), 1)", account)
    with psycopg.connect(url) as connection:
        assert removal.remove(connection, ["leaves"]) == 1
    for query in (
        "SELECT DISTINCT account FROM sync.daily_figures",
        "SELECT name FROM sync.accounts",
        "SELECT order_id FROM orders",
        "SELECT order_id FROM sync.missing_orders",
        "SELECT subject FROM sync.notices",
    ):
        assert tables.query(query) == [("stays",)]
