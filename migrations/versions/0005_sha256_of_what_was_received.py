"""what was received is known by its SHA-256

In `raw_orders` a hash moves when its order is read next: the bytes are looked at once more, their rows are equal, and
nothing else is written. So it is after a downgrade, everywhere: Postgres has no BLAKE2.
"""

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
SHA256 = "SHA-256, first 16 bytes"
BLAKE2B = "blake2b, 16 bytes"


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


def upgrade() -> None:
    say(SHA256, BLAKE2B)
    op.execute("UPDATE sync.rejects SET payload_hash = substr(sha256(payload), 1, 16)")
    op.execute("UPDATE sync.messages SET digest = substr(sha256(body), 1, 16)")


def downgrade() -> None:
    say(BLAKE2B, SHA256)
