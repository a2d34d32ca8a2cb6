"""figures of each day, kept as orders land, and when an order was first seen refunded

Figures are rows to be summed up: each statement on `orders` adds those of the orders that came and takes away those of
the orders that went. Nothing is updated, so that loaders never wait for each other; rows of one day are put together
now and then.
"""

# ruff: noqa: S608 - statements are made of the constants below
from alembic import op

from orders_sync.store import bi

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

# figure: its type, the kind of day it goes by, and what the orders `o` of a day add up to
FIGURES = {
    "ordered": ("bigint", "ordered", "sum(o.sign)"),
    "valid": ("bigint", "ordered", "sum(o.sign) FILTER (WHERE o.is_valid)"),
    "valid_amount": ("numeric", "ordered", "sum(o.sign * o.total_amount) FILTER (WHERE o.is_valid)"),
    "valid_refund": ("numeric", "ordered", "sum(o.sign * o.refund_amount) FILTER (WHERE o.is_valid)"),
    "net_amount": (
        "numeric",
        "ordered",
        "sum(o.sign * sync.net_amount(o.total_amount, o.refund_amount, o.refund_status, o.after_sale_refund_status))"
        " FILTER (WHERE o.is_valid)",
    ),
    "refund_of_ordered": ("numeric", "ordered", "sum(o.sign * o.refund_amount)"),
    "cancelled": ("bigint", "ordered", "sum(o.sign) FILTER (WHERE o.status_group = 'cancelled')"),
    "paid": ("bigint", "paid", "sum(o.sign)"),
    "paid_amount": ("numeric", "paid", "sum(o.sign * o.total_amount)"),
    "refunded": ("bigint", "refunded", "sum(o.sign)"),
    "refund": ("numeric", "refunded", "sum(o.sign * o.refund_amount)"),
}
# kind of day: its moment, and which orders have one
DAYS = {
    "ordered": ("o.created_at", "true"),
    "paid": ("o.paid_at", "o.paid_at IS NOT NULL"),
    "refunded": ("o.refunded_at", "o.refunded_at IS NOT NULL"),
}
NAMES = ", ".join(FIGURES)
COMMENTS = {
    "id": "number of the row",
    "platform": "the platform, by its name in the settings: 1688, xportcn_open, xportcn_ka or that of an installed package",
    "account": "as in orders",
    "direction": "as in orders",
    "currency": "as in orders",
    "day": "day in the zone of sync.daily_zone; NULL where the moment is not known",
    "ordered": "orders placed on the day",
    "valid": "of these, those that count",
    "valid_amount": "total_amount of those",
    "valid_refund": "refund_amount of those",
    "net_amount": "total_amount less refund_amount of those, without orders whose refund is not known",
    "refund_of_ordered": "refund_amount of all orders placed on the day",
    "cancelled": "orders placed on the day and cancelled",
    "paid": "orders first paid on the day",
    "paid_amount": "total_amount of those",
    "refunded": "orders first seen refunded on the day",
    "refund": "refund_amount of those",
}


def source(relation: str, sign: int) -> str:
    return f"""
        SELECT {sign} AS sign, platform, account, direction, currency, status_group, total_amount, refund_amount,
            refund_status, after_sale_refund_status, created_at, paid_at,
            sync.is_valid_order(status_group, paid_at) AS is_valid,
            sync.refund_moment(refund_amount, refund_status, after_sale_refund_status, refunded_at, modified_at, synced_at)
                AS refunded_at
        FROM {relation}"""


def add(*sources: str) -> str:
    """Return the statement that adds the figures of orders; the variable `zone` has the zone of days.

    One pass for each kind of day: all figures in one pass take twice as long.
    """
    passes = []
    for kind, (moment, is_there) in DAYS.items():
        sums = ", ".join(
            f"{sum_} AS {name}" if of == kind else f"0 AS {name}" for name, (_, of, sum_) in FIGURES.items()
        )
        passes.append(f"""
        SELECT o.platform, o.account, o.direction, o.currency, ({moment} AT TIME ZONE zone)::date AS day,
            {sums}
        FROM ({" UNION ALL ".join(sources)}) AS o
        WHERE {is_there} GROUP BY 1, 2, 3, 4, 5""")
    return f"""
    INSERT INTO sync.daily_figures (platform, account, direction, currency, day, {NAMES})
    SELECT * FROM (
        SELECT platform, account, direction, currency, day, {", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in FIGURES)}
        FROM ({" UNION ALL ".join(passes)}) AS p GROUP BY 1, 2, 3, 4, 5
    ) AS f WHERE ({NAMES}) IS DISTINCT FROM ({", ".join("0" for _ in FIGURES)});"""


DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
IMMUTABLE = "LANGUAGE sql IMMUTABLE PARALLEL SAFE"

MEANING = f"""
CREATE FUNCTION sync.refund_state(status text) RETURNS text {IMMUTABLE}
RETURN CASE
    WHEN status IS NULL OR status = '0' THEN 'none'
    WHEN status = '100' OR replace(lower(status), '_', '') = 'refundsuccess' THEN 'refunded'
    WHEN status IN ('-10', '-20') OR replace(lower(status), '_', '') IN ('refundclose', 'refundclosed') THEN 'closed'
    WHEN status IN ('10', '20', '30') OR replace(lower(status), '_', '') IN (
        'waitselleragree', 'waitbuyermodify', 'waitbuyersend', 'waitsellerreceive'
    ) THEN 'open'
    ELSE 'other'
END;
COMMENT ON FUNCTION sync.refund_state IS 'bi.refund_state';
CREATE FUNCTION sync.is_valid_order(status_group text, paid_at timestamptz) RETURNS boolean {IMMUTABLE}
RETURN status_group IN ('awaiting_shipment', 'partly_shipped', 'shipped', 'received', 'completed')
    OR (status_group IN ('awaiting_confirmation', 'other') AND paid_at IS NOT NULL);
COMMENT ON FUNCTION sync.is_valid_order IS 'bi.orders.is_valid';
CREATE FUNCTION sync.is_refunded_order(refund_amount numeric, refund_status text, after_sale_refund_status text)
RETURNS boolean {IMMUTABLE}
RETURN coalesce(refund_amount, 0) <> 0 OR (
    coalesce(refund_status, after_sale_refund_status) IS NOT NULL
    AND 'refunded' IN (sync.refund_state(refund_status), sync.refund_state(after_sale_refund_status))
);
COMMENT ON FUNCTION sync.is_refunded_order IS 'bi.orders.is_refunded';
CREATE FUNCTION sync.net_amount(
    total_amount numeric, refund_amount numeric, refund_status text, after_sale_refund_status text
) RETURNS numeric {IMMUTABLE}
RETURN CASE
    WHEN refund_amount IS NOT NULL OR coalesce(refund_status, after_sale_refund_status) IS NULL
        OR NOT (sync.refund_state(refund_status) IN ('refunded', 'other')
            OR sync.refund_state(after_sale_refund_status) IN ('refunded', 'other'))
    THEN total_amount - coalesce(refund_amount, 0)
END;
COMMENT ON FUNCTION sync.net_amount IS 'bi.orders.net_amount';
CREATE FUNCTION sync.refund_moment(
    refund_amount numeric, refund_status text, after_sale_refund_status text, refunded_at timestamptz,
    modified_at timestamptz, synced_at timestamptz
) RETURNS timestamptz {IMMUTABLE}
RETURN CASE
    WHEN sync.is_refunded_order(refund_amount, refund_status, after_sale_refund_status)
    THEN coalesce(refunded_at, modified_at, synced_at)
END;
COMMENT ON FUNCTION sync.refund_moment IS 'bi.orders.refunded_at';
"""

# of every version that is updated away, as bi.orders.refunded_at says of the one that stays
STAMP = """
CREATE OR REPLACE FUNCTION sync.stamp_changed_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    NEW.refunded_at := coalesce(
        OLD.refunded_at,
        sync.refund_moment(OLD.refund_amount, OLD.refund_status, OLD.after_sale_refund_status, NULL, OLD.modified_at, OLD.synced_at),
        sync.refund_moment(NEW.refund_amount, NEW.refund_status, NEW.after_sale_refund_status, NULL, NEW.modified_at, NEW.synced_at)
    );
    PERFORM pg_notify('orders_changed', '');
    RETURN NEW;
END $$;
"""
STAMP_BEFORE = """
CREATE OR REPLACE FUNCTION sync.stamp_changed_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    PERFORM pg_notify('orders_changed', '');
    RETURN NEW;
END $$;
"""


def keeper(name: str, *sources: str) -> str:
    return f"""
CREATE FUNCTION sync.{name}() RETURNS trigger {DEFINER} AS $$
DECLARE
    zone text := (SELECT time_zone FROM sync.daily_zone);
    added bigint;
BEGIN
    {add(*sources)}
    GET DIAGNOSTICS added = ROW_COUNT;
    -- once in about a thousand rows
    IF added > 0 AND currval('sync.daily_figures_id_seq') % 1000 < added THEN
        PERFORM sync.compact_daily_figures(added + 2000);
    END IF;
    RETURN NULL;
END $$;
"""


COMPACT = f"""
CREATE FUNCTION sync.compact_daily_figures(newest bigint DEFAULT 3000) RETURNS bigint {DEFINER} AS $$
DECLARE
    written bigint;
BEGIN
    WITH days AS MATERIALIZED (
        SELECT DISTINCT account, day FROM sync.daily_figures
        WHERE id > (SELECT max(id) FROM sync.daily_figures) - newest
    ), several AS MATERIALIZED (
        -- rows that another transaction puts together now are its own
        SELECT f.id FROM sync.daily_figures AS f WHERE f.id = ANY (ARRAY(
            SELECT unnest(g.ids) FROM days AS d CROSS JOIN LATERAL (
                SELECT array_agg(f.id) AS ids FROM sync.daily_figures AS f
                WHERE f.account = d.account AND f.day IS NOT DISTINCT FROM d.day
                GROUP BY f.platform, f.direction, f.currency HAVING count(*) > 1
            ) AS g
        )) FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM sync.daily_figures AS f USING several AS s WHERE f.id = s.id RETURNING f.*
    )
    INSERT INTO sync.daily_figures (platform, account, direction, currency, day, {NAMES})
    SELECT * FROM (
        SELECT platform, account, direction, currency, day, {", ".join(f"sum({name}) AS {name}" for name in FIGURES)}
        FROM gone GROUP BY platform, account, direction, currency, day
    ) AS f WHERE ({NAMES}) IS DISTINCT FROM ({", ".join("0" for _ in FIGURES)});
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END $$;
REVOKE ALL ON FUNCTION sync.compact_daily_figures FROM PUBLIC;
COMMENT ON FUNCTION sync.compact_daily_figures IS
    'Put the rows of a day together, of each day that the newest rows of sync.daily_figures are of; sums stay.';
"""

# days are those of bi.time_zone(), which its owner may change; until then, and without it, Asia/Shanghai
SETTLE = f"""
CREATE FUNCTION sync.settle_daily_figures(anew boolean DEFAULT false) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    zone text := coalesce((SELECT time_zone FROM sync.daily_zone), 'Asia/Shanghai');
BEGIN
    IF has_schema_privilege(to_regnamespace('bi'), 'USAGE') THEN
        IF to_regprocedure('bi.time_zone()') IS NOT NULL THEN
            EXECUTE 'SELECT bi.time_zone()' INTO zone;
        END IF;
    END IF;
    IF NOT anew AND EXISTS (SELECT FROM sync.daily_zone WHERE time_zone = zone) THEN
        RETURN false;
    END IF;
    PERFORM now() AT TIME ZONE zone;  -- no zone of that name: an error before anything is done
    LOCK TABLE public.orders IN SHARE ROW EXCLUSIVE MODE;
    IF NOT anew AND EXISTS (SELECT FROM sync.daily_zone WHERE time_zone = zone) THEN
        RETURN false;  -- somebody else did it meanwhile
    END IF;
    DELETE FROM sync.daily_zone;
    INSERT INTO sync.daily_zone (time_zone) VALUES (zone);
    DELETE FROM sync.daily_figures;
    {add(source("public.orders", 1))}
    RETURN true;
END $$;
COMMENT ON FUNCTION sync.settle_daily_figures IS
    'Make sync.daily_figures anew where the zone of days is another, or always; true if so. Landing waits meanwhile.';
"""

TRIGGERS = f"""
CREATE FUNCTION sync.empty_daily_figures() RETURNS trigger {DEFINER} AS $$
BEGIN
    DELETE FROM sync.daily_figures;
    RETURN NULL;
END $$;
CREATE TRIGGER add_daily_figures AFTER INSERT ON orders REFERENCING NEW TABLE AS came
EXECUTE FUNCTION sync.add_daily_figures();
CREATE TRIGGER change_daily_figures AFTER UPDATE ON orders REFERENCING OLD TABLE AS went NEW TABLE AS came
EXECUTE FUNCTION sync.change_daily_figures();
CREATE TRIGGER remove_daily_figures AFTER DELETE ON orders REFERENCING OLD TABLE AS went
EXECUTE FUNCTION sync.remove_daily_figures();
CREATE TRIGGER empty_daily_figures AFTER TRUNCATE ON orders EXECUTE FUNCTION sync.empty_daily_figures();
"""

# the first version that shows a refund, as bi.orders said until now
REFUNDED_AT = """
UPDATE orders AS o SET refunded_at = (
    SELECT coalesce(h.modified_at, h.seen_at) FROM order_history AS h
    WHERE h.platform = o.platform AND h.order_id = o.order_id
    ORDER BY coalesce(h.refund_amount, 0) <> 0 OR sync.refund_state(h.refund_status) = 'refunded'
        OR coalesce('after_sale_refund_status' = ANY (h.changed), false) DESC, h.seen_at LIMIT 1
)
WHERE sync.is_refunded_order(o.refund_amount, o.refund_status, o.after_sale_refund_status)
"""


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN refunded_at timestamptz")
    op.execute(
        "COMMENT ON COLUMN orders.refunded_at IS 'when it was first seen refunded: modified_at of that version, else its "
        "synced_at; NULL also where its first version shows the refund and is still its last'"
    )
    columns = ", ".join(f"{name} {type_} NOT NULL" for name, (type_, _, _) in FIGURES.items())
    op.execute(f"""
        CREATE TABLE sync.daily_figures (
            id bigint GENERATED BY DEFAULT AS IDENTITY,
            platform text NOT NULL, account text NOT NULL, direction text, currency text NOT NULL, day date,
            {columns},
            CONSTRAINT pk_daily_figures PRIMARY KEY (id)
        );
        CREATE INDEX ix_daily_figures_account_day ON sync.daily_figures (account, day);
        COMMENT ON TABLE sync.daily_figures IS
            'figures of each day for bi.daily_sales, in rows to be summed up: what landings added and took away';
        CREATE TABLE sync.daily_zone (time_zone text NOT NULL, CONSTRAINT pk_daily_zone PRIMARY KEY (time_zone));
        COMMENT ON TABLE sync.daily_zone IS 'the zone of the days in sync.daily_figures, one row';
        COMMENT ON COLUMN sync.daily_zone.time_zone IS 'bi.time_zone() when they were made';
    """)
    for name, comment in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN sync.daily_figures.{name} IS '{comment}'")
    op.execute(MEANING)
    op.execute("ALTER TABLE orders DISABLE TRIGGER USER")  # nothing of it is a change of an order
    op.execute(REFUNDED_AT)
    op.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    op.execute(STAMP)
    op.execute(COMPACT)
    op.execute(keeper("add_daily_figures", source("came", 1)))
    op.execute(keeper("change_daily_figures", source("went", -1), source("came", 1)))
    op.execute(keeper("remove_daily_figures", source("went", -1)))
    op.execute(SETTLE)
    op.execute(TRIGGERS)
    op.execute("SELECT sync.settle_daily_figures()")


def downgrade() -> None:
    bi.drop(op.get_bind().connection.driver_connection)  # they stand on what goes
    for name in ("add", "change", "remove", "empty"):
        op.execute(f"DROP TRIGGER {name}_daily_figures ON orders")
        op.execute(f"DROP FUNCTION sync.{name}_daily_figures")
    op.execute(STAMP_BEFORE)
    for name in (
        "settle_daily_figures", "compact_daily_figures", "refund_moment", "net_amount", "is_refunded_order",
        "is_valid_order", "refund_state",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION sync.{name}")
    op.drop_table("daily_zone", schema="sync")
    op.drop_table("daily_figures", schema="sync")
    op.drop_column("orders", "refunded_at")
