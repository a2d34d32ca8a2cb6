"""a change feed: every order knows the transaction that changed it last, deletions are kept, and readers miss nothing"""

from alembic import op

from orders_sync.store import bi

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

CHILDREN = ("sub_orders", "product_items", "order_parcels", "order_receivers")
# A constant default: PostgreSQL adds the column without writing a row. Later rows get the transaction of their own.
COLUMN = "changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()"
SYNCED_AT = "when this version landed (start of its transaction)"
COMMENTS = {
    "orders": "transaction that wrote this version; bi.changes_since() reads by it",
    "order_history": "transaction that wrote this row",
}

TRIGGERS = """
CREATE FUNCTION sync.stamp_changed_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    PERFORM pg_notify('orders_changed', '');
    RETURN NEW;
END $$;
CREATE FUNCTION sync.announce_new_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('orders_changed', '');
    RETURN NULL;
END $$;
CREATE FUNCTION sync.keep_deleted_orders() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO sync.deleted_orders (platform, order_id, account)
    SELECT platform, order_id, account FROM deleted ON CONFLICT DO NOTHING;
    PERFORM pg_notify('orders_changed', '');
    RETURN NULL;
END $$;
CREATE FUNCTION sync.restart_change_feed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE sync.change_feed SET id = gen_random_uuid();
    RETURN NULL;
END $$;
CREATE TRIGGER stamp_changed_order BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION sync.stamp_changed_order();
CREATE TRIGGER announce_new_orders AFTER INSERT ON orders EXECUTE FUNCTION sync.announce_new_orders();
CREATE TRIGGER keep_deleted_orders AFTER DELETE ON orders REFERENCING OLD TABLE AS deleted
EXECUTE FUNCTION sync.keep_deleted_orders();
CREATE TRIGGER restart_change_feed AFTER TRUNCATE ON orders EXECUTE FUNCTION sync.restart_change_feed();
"""

# Transaction numbers mean something only in the cluster and table that they were given in.
PLACE = """
CREATE FUNCTION sync.change_feed_place(OUT system_identifier bigint, OUT database_oid oid, OUT orders_oid oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (pg_control_system()).system_identifier, d.oid, 'public.orders'::regclass::oid
    FROM pg_database AS d WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION sync.change_feed_place IS
    'Cluster, database and table that the transaction numbers in orders.changed_xid belong to.';
CREATE FUNCTION sync.change_feed_is_settled() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM sync.change_feed AS f JOIN sync.change_feed_place() AS p
        ON (f.system_identifier, f.database_oid, f.orders_oid) = (p.system_identifier, p.database_oid, p.orders_oid)
    )
$$;
COMMENT ON FUNCTION sync.change_feed_is_settled IS
    'Whether the change feed began where these tables stand; false after a restore or copy.';
CREATE FUNCTION sync.settle_change_feed() RETURNS boolean LANGUAGE plpgsql AS $$
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
    UPDATE sync.deleted_orders SET changed_xid = pg_current_xact_id() WHERE changed_xid > pg_current_xact_id();
    DELETE FROM sync.change_feed;
    INSERT INTO sync.change_feed (system_identifier, database_oid, orders_oid)
    SELECT system_identifier, database_oid, orders_oid FROM sync.change_feed_place();
    RETURN true;
END $$;
COMMENT ON FUNCTION sync.settle_change_feed IS
    'Begin a new change feed if these tables were restored or copied from elsewhere; true if so. Older cursors end.';
"""

WITHOUT = """
DROP FUNCTION sync.settle_change_feed;
DROP FUNCTION sync.change_feed_is_settled;
DROP FUNCTION sync.change_feed_place;
DROP TRIGGER restart_change_feed ON orders;
DROP TRIGGER keep_deleted_orders ON orders;
DROP TRIGGER announce_new_orders ON orders;
DROP TRIGGER stamp_changed_order ON orders;
DROP FUNCTION sync.restart_change_feed;
DROP FUNCTION sync.keep_deleted_orders;
DROP FUNCTION sync.announce_new_orders;
DROP FUNCTION sync.stamp_changed_order;
"""


def upgrade() -> None:
    for table, comment in COMMENTS.items():
        op.execute(f"ALTER TABLE {table} ADD COLUMN {COLUMN}")
        op.execute(f"COMMENT ON COLUMN {table}.changed_xid IS '{comment}'")
    for table in ("orders", *CHILDREN, "raw_orders"):
        op.execute(f"COMMENT ON COLUMN {table}.synced_at IS '{SYNCED_AT}'")
    op.execute("CREATE INDEX ix_orders_changed_xid_platform_order_id ON orders (changed_xid, platform, order_id)")
    for table in ("orders", *CHILDREN):
        op.drop_index(f"ix_{table}_synced_at", table)
    op.execute("""
        CREATE TABLE sync.deleted_orders (
            changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            platform text NOT NULL,
            order_id text NOT NULL,
            account text NOT NULL,
            deleted_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_deleted_orders PRIMARY KEY (changed_xid, platform, order_id)
        );
        COMMENT ON TABLE sync.deleted_orders IS 'orders that were deleted, so that readers of the change feed learn of it';
        COMMENT ON COLUMN sync.deleted_orders.changed_xid IS 'transaction that deleted it';
        COMMENT ON COLUMN sync.deleted_orders.platform IS
            'the platform, by its name in the settings: 1688, xportcn_open, xportcn_ka or that of an installed package';
        COMMENT ON COLUMN sync.deleted_orders.order_id IS 'as in orders';
        COMMENT ON COLUMN sync.deleted_orders.account IS 'the account that had kept it current';
        COMMENT ON COLUMN sync.deleted_orders.deleted_at IS 'start of that transaction';
        CREATE TABLE sync.change_feed (
            id uuid NOT NULL DEFAULT gen_random_uuid(),
            system_identifier bigint NOT NULL,
            database_oid oid NOT NULL,
            orders_oid oid NOT NULL,
            started_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_change_feed PRIMARY KEY (id)
        );
        COMMENT ON TABLE sync.change_feed IS
            'the change feed that cursors belong to, one row: tables that are restored or copied begin a new one';
        COMMENT ON COLUMN sync.change_feed.id IS 'stands in every cursor';
        COMMENT ON COLUMN sync.change_feed.system_identifier IS 'the cluster that transaction numbers belong to';
        COMMENT ON COLUMN sync.change_feed.database_oid IS 'the database in it';
        COMMENT ON COLUMN sync.change_feed.orders_oid IS 'the table public.orders in it';
        COMMENT ON COLUMN sync.change_feed.started_at IS 'when this feed began';
    """)
    op.execute(TRIGGERS)
    op.execute(PLACE)
    op.execute("SELECT sync.settle_change_feed()")


def downgrade() -> None:
    bi.drop(op.get_bind().connection.driver_connection)  # they stand on the columns that go
    op.execute(WITHOUT)
    op.drop_table("change_feed", schema="sync")
    op.drop_table("deleted_orders", schema="sync")
    for table in ("orders", *CHILDREN):
        op.create_index(f"ix_{table}_synced_at", table, ["synced_at"])
    for table in ("orders", *CHILDREN, "raw_orders"):
        op.execute(f"COMMENT ON COLUMN {table}.synced_at IS '{SYNCED_AT}; page on it with a margin of some minutes'")
    op.drop_index("ix_orders_changed_xid_platform_order_id", "orders")
    for table in COMMENTS:
        op.drop_column(table, "changed_xid")
