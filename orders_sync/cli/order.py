"""`orders-sync order`: everything known of one order."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orders_sync.cli import context, output
from orders_sync.cli.rows import Session, fetch
from orders_sync.domain.errors import DatabaseError
from orders_sync.store import database, missing

_FIND = """
SELECT platform, order_id FROM orders
WHERE order_id = %(id)s OR order_no = %(id)s OR purchase_id = %(id)s OR outer_purchase_id = %(id)s
UNION
SELECT platform, order_id FROM sub_orders WHERE sub_order_id = %(id)s
UNION
SELECT platform, order_id FROM order_parcels WHERE tracking_no = %(id)s
ORDER BY platform, order_id LIMIT 20
"""

_MISSING = f"""
SELECT m.missing_since FROM {missing.MISSING}
WHERE o.platform = %(platform)s AND o.order_id = %(order_id)s
"""  # noqa: S608

_PARTS = ("sub_orders", "product_items", "order_parcels")


def order(
    number: Annotated[
        str, typer.Argument(metavar="ID", help="Order id, order number, purchase id, line id or tracking number.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the payload exactly as received.")] = False,
    config: context.Config = None,
    json: context.Json = False,
) -> None:
    """Everything known of one order: lines, products, parcels, history."""
    number = _bare(number)
    with context.opened(context.load(config)) as url, database.session(url) as connection:
        keys = fetch(connection, _FIND, {"id": number})
        if not keys:
            raise DatabaseError(
                f"no order, line or parcel has the number {number}. `orders-sync status` says what is synced"
            )
        found = [_everything(connection, key) for key in keys]
        if raw:
            _print_raw(connection, keys)
            return
    if json:
        output.print_json(found)
        return
    for each in found:
        _show(each)


def _bare(number: str) -> str:
    """Strip what is pasted along with a number: spaces, `#`, invisible characters."""
    return "".join(letter for letter in number if letter.isprintable() or letter.isspace()).strip().lstrip("# ")


def _print_raw(connection: Session, keys: list[dict[str, Any]]) -> None:
    gone = []
    for key in keys:
        payload = _one(connection, "SELECT payload::text AS payload FROM raw_orders", key)["payload"]
        if payload is None:
            gone.append(f"{key['order_id']} on {key['platform']}")
        else:
            output.print_payload(payload)
    if gone:
        raise DatabaseError(
            f"the payload of {', '.join(gone)} was removed, as [retention] raw says. What was read from it is in the "
            "tables: leave --raw out"
        )


def _everything(connection: Session, key: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"order": _one(connection, "SELECT * FROM orders", key)}
    for part in _PARTS:
        found[part] = _of_order(connection, part, key)
    found["history"] = _of_order(connection, "order_history", key)
    rows = fetch(connection, _MISSING, key)
    found["missing_since"] = rows[0]["missing_since"] if rows else None
    return found


def _of_order(connection: Session, table: str, key: dict[str, Any]) -> Any:
    by = "seen_at" if table == "order_history" else "line_no" if table == "sub_orders" else "3"
    query = f"SELECT * FROM {table} WHERE platform = %(platform)s AND order_id = %(order_id)s ORDER BY {by}"  # noqa: S608
    return fetch(connection, query, key)


def _show(found: dict[str, Any]) -> None:
    head = found["order"]
    output.table(
        f"Order {head['order_id']} on {head['platform']}",
        ["column", "value"],
        [(name, value) for name, value in head.items() if value is not None],
    )
    if found["missing_since"]:
        output.info(
            f"order {head['order_id']}: not listed by the platform any more. The last of three complete reads of the "
            f"time it was created in began at {output.utc(found['missing_since'])} UTC and did not bring it: what the "
            "tables say of it may be out of date"
        )
    titles = {
        "sub_orders": ("line_no", "sub_order_id", "status", "refund_status", "amount", "removed_at"),
        "product_items": (
            "sub_order_id",
            "product_id",
            "sku_id",
            "title",
            "sku_text",
            "quantity",
            "unit_price",
            "amount",
        ),
        "order_parcels": ("parcel_id", "tracking_no", "carrier_name", "status", "delivered_at"),
        "history": ("seen_at", "status", "refund_status", "total_amount", "modified_at", "changed"),
    }
    for part, columns in titles.items():
        if found[part]:
            output.out().print()
            output.table(part, columns, [[row[column] for column in columns] for row in found[part]])


def _one(connection: Session, select: str, key: dict[str, Any]) -> dict[str, Any]:
    return fetch(connection, f"{select} WHERE platform = %(platform)s AND order_id = %(order_id)s", key)[0]
