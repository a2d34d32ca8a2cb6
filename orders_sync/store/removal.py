"""Removal of accounts with everything that was ever stored for them."""

from __future__ import annotations

from orders_sync.store import locks
from orders_sync.store.database import Session

_PARTS = ("sub_orders", "product_items", "order_parcels", "order_receivers", "order_history", "sync.missing_orders")
# rows that belong to an account by way of an audit or an order of it
_BY_OTHERS = (
    "DELETE FROM sync.notices WHERE subject = ANY(%s)",
    "DELETE FROM sync.audit_differences WHERE audit_id IN (SELECT id FROM sync.audits WHERE account = ANY(%s))",
    *(
        f"DELETE FROM {table} AS t USING orders AS o "
        "WHERE (t.platform, t.order_id) = (o.platform, o.order_id) AND o.account = ANY(%s)"
        for table in _PARTS
    ),
)
_SESSIONS_OF = """
DELETE FROM sync.console_sessions WHERE person_id IN (SELECT id FROM sync.console_people WHERE name = %s)
"""
# those of a week into which another landed meanwhile stay noted
_PRODUCT_FIGURES = (
    "DELETE FROM sync.product_figures WHERE account = ANY(%s)",
    "DELETE FROM sync.outdated_product_weeks AS w WHERE account = ANY(%s)"
    " AND NOT EXISTS (SELECT FROM orders AS o WHERE o.account = w.account)",
)
_BY_NAME = (
    "sync.audits",
    "sync.backfills",
    "sync.messages",
    "sync.older_versions",
    "sync.rejects",
    "sync.requests",
    "sync.shared_orders",
    "sync.windows",
    "raw_orders",
    "orders",
)


def remove(connection: Session, accounts: list[str]) -> int:
    """Delete accounts and all rows of theirs in one transaction; return how many orders that were."""
    with connection.transaction():
        for statement in _BY_OTHERS:
            connection.execute(statement.encode(), [accounts])
        orders = 0
        for table in _BY_NAME:  # orders come last
            orders = connection.execute(f"DELETE FROM {table} WHERE account = ANY(%s)".encode(), [accounts]).rowcount
        connection.execute("DELETE FROM sync.daily_figures WHERE account = ANY(%s)", [accounts])  # sums of nothing now
        # figures that are being made would stay
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [locks.PRODUCT_FIGURES])
        for statement in _PRODUCT_FIGURES:
            connection.execute(statement, [accounts])
        connection.execute("DELETE FROM sync.accounts WHERE name = ANY(%s)", [accounts])
    return orders


def remove_order(connection: Session, platform: str, order_id: str) -> None:
    """Delete an order and all rows of it."""
    with connection.transaction():
        for table in (*_PARTS, "raw_orders", "orders"):
            connection.execute(
                f"DELETE FROM {table} WHERE (platform, order_id) = (%s, %s)".encode(), [platform, order_id]
            )


def remove_person(session: Session, name: str) -> None:
    """Remove a person of the console with the sessions; nothing where the tables are older than the console."""
    if session.execute("SELECT to_regclass('sync.console_people')").fetchone() == (None,):
        return
    with session.transaction():
        session.execute(_SESSIONS_OF, [name])
        session.execute("DELETE FROM sync.console_people WHERE name = %s", [name])
