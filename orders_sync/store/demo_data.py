"""The simulated orders of the demo: their accounts, and example queries.

They differ from all other accounts by their host, which no settings can name a server by; their names are also those
of the shops of `orders-sync sandbox`.
"""

from __future__ import annotations

from orders_sync.domain.sentences import Sentence
from orders_sync.store import removal
from orders_sync.store.database import Session
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.queries import select_dict, select_rows, select_value, select_values

HOST = "sandbox"  # never resolved: the demo's platforms run in its own process

EXAMPLES = (
    (
        "Sales and purchases, the last days with orders, as days in China",
        """
SELECT direction, platform,
    (created_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
    count(*) AS orders, sum(total_amount) AS yuan
FROM orders
WHERE status_group NOT IN ('cancelled', 'awaiting_payment')
GROUP BY direction, platform, day
ORDER BY day DESC, direction, platform
LIMIT 6""",
    ),
    (
        "What is paid and not shipped, oldest first, in China's time",
        """
SELECT orders.direction, platform, order_no,
    coalesce(s.name_en, status) AS status,
    (paid_at AT TIME ZONE 'Asia/Shanghai')
        ::timestamp(0) AS paid,
    total_amount AS yuan
FROM orders
LEFT JOIN order_statuses AS s USING (platform, status)
WHERE paid_at IS NOT NULL
    AND orders.status_group IN
        ('awaiting_shipment', 'partly_shipped')
ORDER BY paid_at
LIMIT 5""",
    ),
    (
        "Best-selling products",
        """
SELECT platform, product_id,
    left(max(title), 24) AS title,
    sum(quantity)::numeric(12, 1) AS sold, unit,
    sum(goods_amount) AS yuan
FROM bi.product_sales
WHERE direction = 'sale' AND currency = 'CNY'
GROUP BY platform, product_id, unit
ORDER BY yuan DESC, product_id
LIMIT 5""",
    ),
)

LANDED = """
SELECT direction, platform, status_group, count(*) AS orders, sum(line_count) AS lines, sum(total_amount) AS yuan
FROM orders GROUP BY direction, platform, status_group
ORDER BY platform, orders DESC
"""


FRESHNESS = "SELECT account, verdict FROM bi.sync_freshness WHERE account = ANY(%s) ORDER BY account"


# orders of a shop that is read by time of change, which no read brings again by itself
_QUIET = """
SELECT o.platform, o.order_id FROM orders AS o
JOIN order_statuses AS s ON (s.platform, s.status) = (o.platform, o.status)
JOIN sync.accounts AS a ON a.name = o.account
WHERE a.host = %s AND a.feed = 'updated' AND s.is_final AND o.modified_at < now() - interval '3 d'
    AND o.created_at BETWEEN now() - interval '25 d' AND now() - interval '3 d'
ORDER BY o.created_at DESC LIMIT %s
"""
_IS_AUDITED = """
SELECT EXISTS (
    SELECT FROM sync.audits AS a JOIN orders AS o ON o.account = a.account
    WHERE (o.platform, o.order_id) = (%s, %s) AND a.finished_at IS NOT NULL
)
"""
_REJECT = """
INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, reason_key, read_at, rejected_at)
SELECT account, platform, order_id, convert_to(payload::text, 'UTF8'), payload_hash, %s, 'database', read_at, read_at
FROM raw_orders WHERE (platform, order_id) = (%s, %s)
"""
TAKEN_OUT = Sentence(
    "for practice, made by the demo: its order was taken out of the tables, and a replay brings it back"
)
REJECTS = 2


def make_rejects(session: Session) -> tuple[int, OrderKey | None]:
    """Make rejects of some orders, for practice; a replay brings them back.

    Return how many, and one more order that `lose` may take out of the tables; None where the shop has none.
    """
    with session.transaction():
        found = select_rows(session, _QUIET, [HOST, 1 + REJECTS], OrderKey)
        for key in found[1:]:
            session.execute(_REJECT.encode(), [str(TAKEN_OUT), key.platform, key.order_id])
            removal.remove_order(session, key.platform, key.order_id)
    return len(found[1:]), found[0] if found else None


def lose(session: Session, key: OrderKey) -> bool:
    """Take an order out of the tables once its shop was audited, so that the next audit finds it; tell whether it is.

    The first audit of a shop begins by itself and would bring it back.
    """
    if not select_value(session, _IS_AUDITED, [key.platform, key.order_id], bool):
        return False
    removal.remove_order(session, key.platform, key.order_id)
    return True


def verdicts(session: Session, names: list[str]) -> dict[str, str]:
    """Return how current these accounts are, as `bi.sync_freshness` says it, by name."""
    return select_dict(session, FRESHNESS, [names], dict[str, str])


def accounts(session: Session) -> list[str]:
    """Return the names of the demo's accounts, sorted."""
    return select_values(session, "SELECT name FROM sync.accounts WHERE host = %s ORDER BY 1", [HOST], str)


def other_accounts(session: Session) -> list[str]:
    """Return the names of all other accounts, sorted."""
    query = "SELECT name FROM sync.accounts WHERE host IS DISTINCT FROM %s ORDER BY 1"
    return select_values(session, query, [HOST], str)


def count_orders(session: Session, names: list[str]) -> int:
    """Count the orders of these accounts."""
    return select_value(session, "SELECT count(*) FROM orders WHERE account = ANY(%s)", [names], int)


def answer(session: Session, query: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Run an example query and return its columns and rows."""
    cursor = session.execute(query.encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()
