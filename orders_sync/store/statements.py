"""The SQL of landing, made from the tables once at import. Every statement names its columns."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table

from orders_sync.store.tables import (
    order_history,
    order_parcels,
    order_receivers,
    orders,
    product_items,
    raw_orders,
    sub_orders,
)

OURS = {"synced_at", "removed_at", "seen_at"}  # filled by the database, never copied

KNOWN = "SELECT order_id, payload_hash FROM raw_orders WHERE platform = %s AND order_id = ANY(%s)"

LOCK = """
SELECT order_id, payload_hash, rows_hash, modified_at, read_at
FROM raw_orders
WHERE platform = %s AND order_id = ANY(%s)
ORDER BY order_id
FOR UPDATE
"""


def copied_columns(table: Table) -> list[str]:
    """The columns a loader fills, in order."""
    return [column.name for column in table.columns if column.name not in OURS]


def _list(names: list[str], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


@dataclass(frozen=True)
class Statements:
    """The statements of one business table."""

    copy: str
    stage: str
    create_stage: str


def _statements(table: Table) -> Statements:
    columns = _list(copied_columns(table))
    return Statements(
        copy=f"COPY {table.name} ({columns}) FROM STDIN",
        stage=f"COPY stage_{table.name} ({columns}) FROM STDIN",
        create_stage=f"CREATE TEMPORARY TABLE IF NOT EXISTS stage_{table.name} (LIKE {table.name} INCLUDING DEFAULTS)",
    )


def _values(table: Table) -> list[str]:
    keys = set(table.primary_key.columns.keys()) | {"account"}  # an order stays with the account it was first read by
    return [name for name in copied_columns(table) if name not in keys]


def _update_raw() -> str:
    sets = _list([f"{name} = s.{name}" for name in _values(raw_orders)])
    return f"""
    UPDATE raw_orders AS t SET {sets}, synced_at = now()
    FROM stage_raw_orders AS s
    WHERE (t.platform, t.order_id) = (s.platform, s.order_id)
    """  # noqa: S608


def _update_orders() -> str:
    """Update from the stage and say, for every order, which columns differ from before."""
    values = _values(orders)
    sets = _list([f"{name} = s.{name}" for name in values])
    differences = _list([f"CASE WHEN b.{name} IS DISTINCT FROM s.{name} THEN '{name}' END" for name in values])
    return f"""
    UPDATE orders AS t SET {sets}, synced_at = now()
    FROM stage_orders AS s JOIN orders AS b USING (platform, order_id)
    WHERE (t.platform, t.order_id) = (s.platform, s.order_id)
    RETURNING t.order_id, array_remove(ARRAY[{differences}], NULL)
    """  # noqa: S608


def _upsert_children(table: Table) -> str:
    """Only rows that differ are written; one that had vanished and is listed again comes back."""
    key = list(table.primary_key.columns.keys())
    values = _values(table)
    columns = _list([*key, *values])
    return f"""
    INSERT INTO {table.name} AS t ({columns})
    SELECT {columns} FROM stage_{table.name} ORDER BY {_list(key)}
    ON CONFLICT ({_list(key)}) DO UPDATE
    SET {_list([f"{name} = excluded.{name}" for name in values])}, removed_at = NULL, synced_at = now()
    WHERE ({_list(values, "t.")}) IS DISTINCT FROM ({_list(values, "excluded.")}) OR t.removed_at IS NOT NULL
    RETURNING order_id
    """  # noqa: S608


def _mark_vanished(table: Table) -> str:
    key = _list(list(table.primary_key.columns.keys()), "t.")
    return f"""
    UPDATE {table.name} AS t SET removed_at = now(), synced_at = now()
    FROM stage_orders AS o
    WHERE (t.platform, t.order_id) = (o.platform, o.order_id) AND t.removed_at IS NULL
      AND NOT EXISTS (SELECT FROM stage_{table.name} AS s WHERE ({key.replace("t.", "s.")}) = ({key}))
    RETURNING t.order_id
    """  # noqa: S608


CHILDREN = (sub_orders, product_items, order_parcels, order_receivers)
OF = {table.name: _statements(table) for table in (orders, *CHILDREN, order_history, raw_orders)}
CREATE_STAGES = "; ".join(OF[table.name].create_stage for table in (orders, *CHILDREN, raw_orders))
CLEAR_STAGES = "TRUNCATE " + _list([f"stage_{table.name}" for table in (orders, *CHILDREN, raw_orders)])
UPDATE_RAW = _update_raw()
UPDATE_ORDERS = _update_orders()
UPSERT_CHILDREN = [_upsert_children(table) for table in CHILDREN]
MARK_VANISHED = [_mark_vanished(table) for table in CHILDREN]
