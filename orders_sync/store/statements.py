"""SQL of landing, made once at import. Every statement names its columns.

The tables are described here by plain names, which a test compares with `store/tables`: a sync need not import
SQLAlchemy, which takes longer than reading a page.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from orders_sync.domain.rows import OrderRow, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.store import copy_format


def _list(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


class Target(msgspec.Struct, frozen=True):
    """A table that a loader fills. `columns`: in the order of its COPY, without those that the database fills."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def values(self) -> list[str]:
        """The columns that an update replaces; not `account`, for an order stays with its account (`ownership`)."""
        return [name for name in self.columns if name not in {*self.key, "account"}]

    @property
    def copy(self) -> str:
        """The COPY into the table."""
        return f"COPY {self.name} ({_list(self.columns)}) FROM STDIN {copy_format.FORMAT}"

    @property
    def stage(self) -> str:
        """The COPY into its temporary table."""
        return f"COPY stage_{self.name} ({_list(self.columns)}) FROM STDIN {copy_format.FORMAT}"

    @property
    def create_stage(self) -> str:
        """The statement that creates its temporary table."""
        return f"CREATE TEMPORARY TABLE IF NOT EXISTS stage_{self.name} (LIKE {self.name} INCLUDING DEFAULTS)"


_ORDER = ("platform", "order_id")
ORDERS = Target("orders", _ORDER, ("platform", "account", *OrderRow.__struct_fields__, "direction"))
CHILDREN = (
    Target("sub_orders", (*_ORDER, "sub_order_id"), ("platform", *SubOrderRow.__struct_fields__, "direction")),
    Target(
        "product_items",
        (*_ORDER, "sub_order_id", "item_no"),
        ("platform", *ProductItemRow.__struct_fields__, "direction"),
    ),
    Target("order_parcels", (*_ORDER, "parcel_id"), ("platform", *ParcelRow.__struct_fields__, "direction")),
    Target("order_receivers", _ORDER, ("platform", *ReceiverRow.__struct_fields__, "direction")),
)
# columns of `orders` that its history repeats
HISTORY_COLUMNS = (
    "status",
    "status_group",
    "refund_status",
    "total_amount",
    "shipping_amount",
    "discount_amount",
    "paid_amount",
    "refund_amount",
    "modified_at",
    "paid_at",
    "delivered_at",
    "received_at",
    "completed_at",
    "line_count",
)
HISTORY = Target(
    "order_history",
    (*_ORDER, "seen_at"),
    ("platform", "order_id", "read_at", "window_id", "changed", *HISTORY_COLUMNS, "direction"),
)
RAW = Target(
    "raw_orders",
    _ORDER,
    (
        "platform",
        "account",
        "order_id",
        "payload_hash",
        "rows_hash",
        "modified_at",
        "read_at",
        "window_id",
        "direction",
        "payload",
    ),
)

# the hash of what is stored, and its account where that is not the reader. The hash is NULL, which nothing equals,
# where a reject of the order is open: it is looked at again
# (one join for the array: a subquery for each row scans the rejects as often while their statistics are old)
# %b: ids travel in binary, which takes half as long as quoting each of them
KNOWN = """
SELECT order_id, CASE WHEN order_id <> ALL (ARRAY(
    SELECT r.order_id FROM unnest(%(order_ids)b::text[]) AS o (order_id) JOIN sync.rejects AS r USING (order_id)
    WHERE r.platform = %(platform)s AND r.resolved_at IS NULL
    UNION ALL
    SELECT v.order_id FROM sync.older_versions AS v
    WHERE v.platform = %(platform)s AND v.order_id = ANY(%(order_ids)b)
)) THEN payload_hash END, nullif(account, %(account)s)
FROM raw_orders WHERE platform = %(platform)s AND order_id = ANY(%(order_ids)b)
"""

# COLLATE "C": in the order a loader's batches are in, whatever language the database sorts by
LOCK = """
SELECT order_id, payload_hash, rows_hash, modified_at, read_at, time_went_back_at, account
FROM raw_orders
WHERE platform = %s AND order_id = ANY(%s)
ORDER BY order_id COLLATE "C"
FOR UPDATE
"""

REBUILD_RAW = "UPDATE raw_orders SET rows_hash = %s, modified_at = %s WHERE platform = %s AND order_id = %s"


# the start of the transaction, but later than the version before, whose transaction may have begun after this one
_SYNCED_AT = "synced_at = greatest(now(), t.synced_at + interval '1 microsecond')"


def _insert_or_lock() -> str:
    """Insert the payloads that no row is there for and lock the rows of the others, all in one order by key."""
    columns = _list(RAW.columns)
    return f"""
    INSERT INTO raw_orders AS t ({columns})
    SELECT {columns} FROM stage_raw_orders ORDER BY order_id COLLATE "C"
    ON CONFLICT (platform, order_id) DO UPDATE SET read_at = t.read_at WHERE false  -- locks the row, writes nothing
    RETURNING order_id
    """


WENT_BACK = """
UPDATE raw_orders SET time_went_back_at = read_at
WHERE platform = %s AND order_id = ANY(%s) AND time_went_back_at IS DISTINCT FROM read_at
"""
NOTE_WENT_BACK = """
UPDATE stage_orders SET notes = array_append(
    notes, 'its modify time went back: an earlier one was read twice, an hour apart, and is believed'
)
WHERE order_id = ANY(%s)
"""
# an order keeps the lines that nobody said are gone
KEEP_LINES = """
UPDATE stage_orders AS s SET line_count = k.lines, notes = array_append(
    s.notes, 'not all of its lines could be read: those known before are kept'
)
FROM (
    SELECT order_id, count(*) AS lines, bool_or(is_kept) AS is_kept
    FROM (
        SELECT order_id, sub_order_id, NOT EXISTS (
            SELECT FROM stage_sub_orders AS l WHERE (l.order_id, l.sub_order_id) = (t.order_id, t.sub_order_id)
        ) AS is_kept
        FROM sub_orders AS t
        WHERE platform = %(platform)s AND order_id = ANY(%(order_ids)s) AND removed_at IS NULL
        UNION ALL
        SELECT order_id, sub_order_id, false FROM stage_sub_orders AS l
        WHERE order_id = ANY(%(order_ids)s) AND NOT EXISTS (
            SELECT FROM sub_orders AS t
            WHERE (t.platform, t.order_id, t.sub_order_id) = (l.platform, l.order_id, l.sub_order_id)
              AND t.removed_at IS NULL
        )
    ) AS listed GROUP BY order_id
) AS k
WHERE s.order_id = k.order_id AND k.is_kept
"""


def _update_raw() -> str:
    sets = _list([f"{name} = s.{name}" for name in RAW.values])
    return f"""
    UPDATE raw_orders AS t SET {sets}, {_SYNCED_AT}
    FROM stage_raw_orders AS s
    WHERE (t.platform, t.order_id) = (s.platform, s.order_id)
    """


def _update_orders() -> str:
    """Update from the stage and return, for every order, the columns that differ from before."""
    values = ORDERS.values
    sets = _list([f"{name} = s.{name}" for name in values])
    differences = _list([f"CASE WHEN b.{name} IS DISTINCT FROM s.{name} THEN '{name}' END" for name in values])
    return f"""
    UPDATE orders AS t SET {sets}, {_SYNCED_AT}
    FROM stage_orders AS s JOIN orders AS b USING (platform, order_id)
    WHERE (t.platform, t.order_id) = (s.platform, s.order_id)
    RETURNING t.order_id, t.unread_version_since IS NOT NULL, array_remove(ARRAY[{differences}], NULL)
    """


def _insert_deleted() -> str:
    """Insert from the stage rows that somebody deleted, for the account that keeps their payloads.

    When an order was first seen refunded is in its history, as long as that is kept.
    """
    columns = [name for name in ORDERS.columns if name != "account"]
    return f"""
    INSERT INTO orders (account, refunded_at, {_list(columns)})
    SELECT r.account, h.refunded_at, {_list(columns, "s.")}
    FROM stage_orders AS s JOIN raw_orders AS r USING (platform, order_id)
    LEFT JOIN LATERAL (
        SELECT coalesce(b.modified_at, b.seen_at) AS refunded_at FROM order_history AS b
        WHERE (b.platform, b.order_id) = (s.platform, s.order_id)
          AND (coalesce(b.refund_amount, 0) <> 0 OR sync.refund_state(b.refund_status) = 'refunded')
        ORDER BY b.seen_at LIMIT 1
    ) AS h ON sync.is_refunded_order(s.refund_amount, s.refund_status, s.after_sale_refund_status)
    WHERE s.order_id = ANY(%s)
    """


def _upsert_children(table: Target) -> str:
    """Insert or update the rows that differ; one that had vanished and is listed again comes back."""
    key, values = table.key, table.values
    columns = _list([*key, *values])
    return f"""
    INSERT INTO {table.name} AS t ({columns})
    SELECT {columns} FROM stage_{table.name} ORDER BY {_list(key)}
    ON CONFLICT ({_list(key)}) DO UPDATE
    SET {_list([f"{name} = excluded.{name}" for name in values])}, removed_at = NULL, {_SYNCED_AT}
    WHERE ({_list(values, "t.")}) IS DISTINCT FROM ({_list(values, "excluded.")}) OR t.removed_at IS NOT NULL
    RETURNING order_id
    """


def _mark_vanished(table: Target) -> str:
    """Mark rows that are no longer listed as removed, without rows of lines of the orders given."""
    key = _list(table.key, "t.")
    return f"""
    UPDATE {table.name} AS t SET removed_at = now(), {_SYNCED_AT}
    FROM stage_orders AS o
    WHERE (t.platform, t.order_id) = (o.platform, o.order_id) AND t.removed_at IS NULL
      {"AND t.order_id <> ALL(%s)" if "sub_order_id" in table.key else ""}
      AND NOT EXISTS (SELECT FROM stage_{table.name} AS s WHERE ({key.replace("t.", "s.")}) = ({key}))
    RETURNING t.order_id
    """


def _add_history() -> str:
    """Add the present rows of changed orders to the history: read from the tables, so that the two agree."""
    history = _list(HISTORY_COLUMNS)
    return f"""
    INSERT INTO order_history ({_list(HISTORY.key)}, read_at, window_id, changed, {history}, direction)
    SELECT o.platform, o.order_id, o.synced_at, c.read_at, c.window_id, c.changed::text[],
        {_list(HISTORY_COLUMNS, "o.")}, o.direction
    FROM unnest(%(order_ids)s::text[], %(read_at)s::timestamptz[], %(window_ids)s::bigint[], %(changed)s::text[])
        AS c (order_id, read_at, window_id, changed)
    JOIN orders AS o ON o.platform = %(platform)s AND o.order_id = c.order_id
    """


OF = {table.name: table for table in (ORDERS, *CHILDREN, HISTORY, RAW)}
_STAGED = (ORDERS, *CHILDREN, RAW)
CREATE_STAGES = "; ".join(table.create_stage for table in _STAGED)
CLEAR_STAGES = "TRUNCATE " + _list([f"stage_{table.name}" for table in _STAGED])
INSERT_OR_LOCK = _insert_or_lock()
UPDATE_RAW = _update_raw()
UPDATE_ORDERS = _update_orders()
INSERT_DELETED = _insert_deleted()
ADD_HISTORY = _add_history()
UPSERT_CHILDREN = [_upsert_children(table) for table in CHILDREN]
MARK_VANISHED = [_mark_vanished(table) for table in CHILDREN]
