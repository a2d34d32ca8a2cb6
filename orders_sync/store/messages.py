"""Messages received from platforms: stored as they are, queried until they are handled."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from orders_sync.domain.messages import COMES_WITH_CHANGES, NEVER_LISTED, KnownOrder, Message, MessageOutcome
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import fingerprint
from orders_sync.store.queries import fetch_rows

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


LISTED_WITHIN = timedelta(hours=4)  # longer than the default of `confirm`: few orders are listed later

_NEVER_LISTED = """
WITH unlisted AS (
    UPDATE sync.messages AS m SET outcome = %(never_listed)s
    FROM sync.accounts AS a
    WHERE a.name = m.account AND m.outcome = %(comes)s
      AND m.received_at BETWEEN clock_timestamp() - interval '7 days' AND clock_timestamp() - %(within)s
      AND a.watermark > m.received_at
      AND NOT EXISTS (SELECT FROM orders AS o WHERE o.platform = a.platform AND o.order_no = m.order_no)
      AND NOT EXISTS (
          SELECT FROM orders AS o WHERE o.platform = a.platform AND o.order_id IN (m.order_no, m.order_id))
      AND NOT EXISTS (
          SELECT FROM orders AS o WHERE o.platform = a.platform AND o.purchase_id IN (m.order_no, m.order_id))
      AND NOT EXISTS (
          SELECT FROM orders AS o WHERE o.platform = a.platform AND o.outer_purchase_id IN (m.order_no, m.order_id))
    RETURNING m.account, coalesce(m.order_no, m.order_id) AS number
)
SELECT account, count(*) AS messages, min(number) AS example FROM unlisted GROUP BY account ORDER BY account
"""


class NeverListed(msgspec.Struct, frozen=True):
    """The messages of an account about orders that no list has brought: their number, and the number of one order."""

    account: str
    messages: int
    example: str | None


async def keep(connection: Connection, account: str, body: bytes) -> bool:
    """Store a message, readable or not; return False if an equal one of the account is stored already.

    Committed when this returns, unless in a transaction.
    """
    cursor = await connection.execute(
        """
        INSERT INTO sync.messages (account, digest, body) VALUES (%s, %s, %s)
        ON CONFLICT (account, digest) DO NOTHING
        """,
        [account, fingerprint(body), body],
    )
    return cursor.rowcount == 1


async def waiting(connection: Connection, account: str, after: int = 0) -> list[Message]:
    """Return the account's unhandled messages with numbers above `after`, in the order they came, at most `AT_ONCE`."""
    return await fetch_rows(
        connection,
        """
        SELECT id, body, received_at, outcome FROM sync.messages
        WHERE account = %s AND handled_at IS NULL AND id > %s ORDER BY id LIMIT %s
        """,
        [account, after, AT_ONCE],
        Message,
    )


async def known(connection: Connection, account: str, platform: str, numbers: list[str]) -> list[KnownOrder]:
    """Return the account's orders that have one of these as order number, order id, purchase id or outer purchase id.

    Without orders whose creation time is unknown: they cannot be listed by it.
    """
    return await fetch_rows(
        connection, _KNOWN, {"account": account, "platform": platform, "numbers": numbers}, KnownOrder
    )


async def record_outcomes(connection: Connection, outcomes: list[MessageOutcome]) -> None:
    """Record the outcomes of messages."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            UPDATE sync.messages SET message_type = %s, order_no = %s, order_id = %s, outcome = %s,
                handled_at = CASE WHEN %s THEN clock_timestamp() END
            WHERE id = %s
            """,
            [(o.message_type, o.order_no, o.order_id, o.outcome, o.is_handled, o.id) for o in outcomes],
        )


async def record_never_listed(connection: Connection) -> list[NeverListed]:
    """Record and return, by account, the messages of the last 7 days about an order that no list has brought.

    The watermark must have passed a message, and `LISTED_WITHIN` its receipt.
    """
    values = {"comes": COMES_WITH_CHANGES, "never_listed": NEVER_LISTED, "within": LISTED_WITHIN}
    return await fetch_rows(connection, _NEVER_LISTED, values, NeverListed)
