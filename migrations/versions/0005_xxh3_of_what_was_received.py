"""what was received is known by its XXH3

In `raw_orders` a hash moves when its order is read next: the bytes are looked at once more, their rows are equal, and
nothing else is written. So it is with all of them after a downgrade.
"""

import sqlalchemy as sa
import xxhash
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HASHES = [  # schema, table, column, of what
    (None, "raw_orders", "payload_hash", "the payload's bytes"),
    ("sync", "rejects", "payload_hash", "the payload"),
    ("sync", "messages", "digest", "the body: the same one once"),
]
XXH3 = "XXH3, 128 bits"
BLAKE2B = "blake2b, 16 bytes"
AT_ONCE = 500  # rows


def say(kind: str, before: str) -> None:
    for schema, table, column, of in HASHES:
        op.alter_column(
            table,
            column,
            existing_type=postgresql.BYTEA(),
            comment=f"{kind}, of {of}",
            existing_comment=f"{before}, of {of}",
            existing_nullable=False,
            schema=schema,
        )


def hash_anew(table: str, column: str, source: str) -> None:
    bind = op.get_bind()
    some = sa.text(f"SELECT id, {source} FROM {table} WHERE id > :last ORDER BY id LIMIT {AT_ONCE}")  # noqa: S608
    one = sa.text(f"UPDATE {table} SET {column} = :hash WHERE id = :id")  # noqa: S608
    last = 0
    while rows := bind.execute(some, {"last": last}).all():
        bind.execute(one, [{"id": number, "hash": xxhash.xxh3_128_digest(received)} for number, received in rows])
        last = rows[-1][0]


def upgrade() -> None:
    say(XXH3, BLAKE2B)
    hash_anew("sync.rejects", "payload_hash", "payload")
    hash_anew("sync.messages", "digest", "body")


def downgrade() -> None:
    say(BLAKE2B, XXH3)
