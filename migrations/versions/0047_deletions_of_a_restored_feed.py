"""an order that was deleted more than once does not keep a restored database from beginning its change feed"""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

SETTLE = """
CREATE OR REPLACE FUNCTION sync.settle_change_feed() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF sync.change_feed_is_settled() THEN
        RETURN false;
    END IF;
    LOCK TABLE sync.change_feed IN EXCLUSIVE MODE;
    IF sync.change_feed_is_settled() THEN  -- somebody else did it meanwhile
        RETURN false;
    END IF;
    UPDATE public.orders SET account = account WHERE changed_xid > pg_current_xact_id();
    UPDATE public.order_history SET changed_xid = pg_current_xact_id() WHERE changed_xid > pg_current_xact_id();
{deletions}    UPDATE sync.deleted_orders SET changed_xid = pg_current_xact_id() WHERE changed_xid > pg_current_xact_id();
    DELETE FROM sync.change_feed;
    INSERT INTO sync.change_feed (system_identifier, database_oid, orders_oid)
    SELECT system_identifier, database_oid, orders_oid FROM sync.change_feed_place();
    RETURN true;
END $$
"""
# all of them get the number of this transaction: of one order the newest deletion stays
ONCE = """
    DELETE FROM sync.deleted_orders AS d WHERE changed_xid > pg_current_xact_id() AND EXISTS (
        SELECT FROM sync.deleted_orders AS n
        WHERE (n.platform, n.order_id) = (d.platform, d.order_id) AND n.changed_xid > d.changed_xid);
"""


def upgrade() -> None:
    op.execute(SETTLE.format(deletions=ONCE.lstrip("\n")))


def downgrade() -> None:
    op.execute(SETTLE.format(deletions=""))
