"""Settings of a service that follows at once, and whether its tables are equal to the platforms."""

from __future__ import annotations

import psycopg

from orders_sync.sandbox import World
from orders_sync.sandbox.verify import verify_account
from tests.support.databases import Tables

PACE = '[sync]\ninterval = "1s"\nlag = "0s"\n[service]\ntick = "1s"\n'
ANYWHERE = ("--listen", "127.0.0.1:0")


def equal(tables: Tables, world: World, *names: str) -> bool:
    """Tell whether the tables hold what the platforms have, of these accounts or of all."""
    accounts = [each for each in world.accounts if not names or each.name in names]
    try:
        with tables.in_one_session() as open_tables:
            assert open_tables.session is not None
            if not all(_has_every_order(open_tables, world, each.name) for each in accounts):
                return False  # found at a tenth of what it costs to compare every value
            verdicts = (
                verify_account(open_tables.session, each.name, each.platform, world.expected_orders(each.name))
                for each in accounts
            )
            return all(verdict.is_equal and verdict.orders for verdict in verdicts)
    except psycopg.Error:
        return False


def _has_every_order(tables: Tables, world: World, account: str) -> bool:
    shop = world.shop(account)
    [(landed,)] = tables.query("SELECT count(*) FROM orders WHERE account = %s", account)
    return bool(landed >= sum(shop.malformed_kind(order_id) is None for order_id in list(shop.index.orders)))
