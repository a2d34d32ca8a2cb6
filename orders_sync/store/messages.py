"""What platforms told by themselves, kept whole, and which of it still waits to be acted on."""

from __future__ import annotations

from psycopg.rows import class_row

from orders_sync.domain.notifications import KnownOrder, Message, MessageOutcome
from orders_sync.store.database import Connection
from orders_sync.store.load import fingerprint

AT_ONCE = 100  # messages held in memory (P7); one may be 256 kB

# four branches, for each number has an index of its own
_KNOWN = """
SELECT o.number, o.created_at, r.read_at, o.order_id
FROM (
    SELECT order_no AS number, order_id, account, created_at FROM orders
    WHERE platform = %(platform)s AND order_no = ANY(%(numbers)s)
    UNION
    SELECT order_id, order_id, account, created_at FROM orders
    WHERE platform = %(platform)s AND order_id = ANY(%(numbers)s)
    UNION
    SELECT purchase_id, order_id, account, created_at FROM orders
    WHERE platform = %(platform)s AND purchase_id = ANY(%(numbers)s)
    UNION
    SELECT outer_purchase_id, order_id, account, created_at FROM orders
    WHERE platform = %(platform)s AND outer_purchase_id = ANY(%(numbers)s)
) AS o LEFT JOIN raw_orders AS r ON r.platform = %(platform)s AND r.order_id = o.order_id
WHERE o.account = %(account)s AND o.created_at IS NOT NULL
"""


async def keep(connection: Connection, account: str, body: bytes) -> bool:
    """Store a message, whatever it is; False when the very same one is there already. Committed when this returns,
    unless in a transaction."""
    cursor = await connection.execute(
        """
        INSERT INTO sync.messages (account, digest, body) VALUES (%s, %s, %s)
        ON CONFLICT (account, digest) DO NOTHING
        """,
        [account, fingerprint(body), body],
    )
    return cursor.rowcount == 1


async def waiting(connection: Connection, account: str, after: int = 0) -> list[Message]:
    """The account's next messages that wait, in the order they came: at most `AT_ONCE` behind number `after`."""
    async with connection.cursor(row_factory=class_row(Message)) as cursor:
        await cursor.execute(
            """
            SELECT id, body, received_at, outcome FROM sync.messages
            WHERE account = %s AND handled_at IS NULL AND id > %s ORDER BY id LIMIT %s
            """,
            [account, after, AT_ONCE],
        )
        return await cursor.fetchall()


async def known(connection: Connection, account: str, platform: str, numbers: list[str]) -> list[KnownOrder]:
    """The account's orders that any of these numbers may mean: order number, order id, purchase id, outer purchase id.

    Without those whose creation time nobody told: they cannot be asked for by it.
    """
    async with connection.cursor(row_factory=class_row(KnownOrder)) as cursor:
        await cursor.execute(_KNOWN, {"account": account, "platform": platform, "numbers": numbers})
        return await cursor.fetchall()


async def note(connection: Connection, notes: list[MessageOutcome]) -> None:
    """Write down what was made of messages."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            UPDATE sync.messages SET message_type = %s, order_no = %s, order_id = %s, outcome = %s,
                handled_at = CASE WHEN %s THEN clock_timestamp() END
            WHERE id = %s
            """,
            [(n.message_type, n.order_no, n.order_id, n.outcome, n.is_final, n.id) for n in notes],
        )
