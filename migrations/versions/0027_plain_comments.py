"""comments of tables and columns in plain English; nothing else changes"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# object, comment before, comment after
COMMENTS = (
    (
        "TABLE orders",
        "one row an order",
        "one row per order",
    ),
    (
        "TABLE sub_orders",
        "one row a line as traded",
        "one row per line as traded",
    ),
    (
        "TABLE product_items",
        "one row a product on a line",
        "one row per product on a line",
    ),
    (
        "TABLE order_parcels",
        "one row a parcel",
        "one row per parcel",
    ),
    (
        "TABLE sync.accounts",
        "one row an account",
        "one row per account",
    ),
    (
        "TABLE sync.backfills",
        "ranges somebody asked to be read; sync.request_backfill() adds one",
        "ranges that were requested to be read; sync.request_backfill() adds one",
    ),
    (
        "TABLE sync.audit_differences",
        "where an audit found another number, as narrow as it looked",
        "ranges of which platform and tables have other numbers of orders, as narrow as the audit compared",
    ),
    (
        "TABLE sync.messages",
        "what platforms told by themselves: hints on orders that are then read from the API",
        "notifications that platforms sent: their orders are then read from the API",
    ),
    (
        "COLUMN sync.messages.message_type",
        "messageType, once it was looked at and could be read",
        "messageType, once it was decoded; NULL where it could not be",
    ),
    (
        "COLUMN sync.windows.total",
        "rows the platform counted, newest word",
        "rows the platform counted, by its newest answer",
    ),
    (
        "COLUMN sync.accounts.suspended_because",
        "what the platform said then",
        "the platform's refusal",
    ),
    (
        "COLUMN orders.country",
        "where it goes: country; NULL when not said",
        "where it goes: country; NULL where the platform gives none",
    ),
    (
        "COLUMN order_receivers.country",
        "receiver: country; NULL when not said",
        "receiver: country; NULL where the platform gives none",
    ),
    (
        "COLUMN sub_orders.currency",
        "ISO 4217, of every amount in the row; CNY where the platform says nothing",
        "ISO 4217, of every amount in the row; CNY where the platform gives none",
    ),
    (
        "COLUMN product_items.currency",
        "ISO 4217, of every amount in the row; CNY where the platform says nothing",
        "ISO 4217, of every amount in the row; CNY where the platform gives none",
    ),
)


def upgrade() -> None:
    for name, _, after in COMMENTS:
        comment(name, after)


def downgrade() -> None:
    for name, before, _ in COMMENTS:
        comment(name, before)


def comment(name: str, text: str) -> None:
    op.execute("COMMENT ON {} IS '{}'".format(name, text.replace("'", "''")))
