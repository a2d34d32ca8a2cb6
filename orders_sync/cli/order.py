"""`orders-sync order`: everything known of one order."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orders_sync.cli import context, output
from orders_sync.domain.errors import DatabaseError
from orders_sync.domain.local_times import stamp
from orders_sync.store import database, order_lookup
from orders_sync.store.order_lookup import OrderKey


def order(
    number: Annotated[
        str, typer.Argument(metavar="ID", help="Order id, order number, purchase id, line id or tracking number.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the payload exactly as received.")] = False,
    config: context.Config = None,
    json: context.Json = False,
) -> None:
    """Show one order with its lines, products, parcels and history."""
    number = _bare(number)
    with context.opened(context.load(config)) as url, database.session(url) as connection:
        keys = order_lookup.find(connection, number)
        if not keys:
            raise DatabaseError(
                f"no order, line or parcel has the number {number}. `orders-sync status` shows what is synced"
            )
        found = [order_lookup.everything(connection, key) for key in keys]
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


def _print_raw(connection: database.Session, keys: list[OrderKey]) -> None:
    gone = []
    for key in keys:
        payload = order_lookup.payload(connection, key)
        if payload is None:
            gone.append(f"{key.order_id} on {key.platform}")
        else:
            output.print_payload(payload)
    if gone:
        raise DatabaseError(
            f"the payload of {', '.join(gone)} was removed by [retention] raw. Its values are in the tables: omit --raw"
        )


def _show(found: dict[str, Any]) -> None:
    head = found["order"]
    output.table(
        f"Order {head['order_id']} on {head['platform']}",
        ["column", "value"],
        [(name, value) for name, value in head.items() if value is not None],
    )
    if found["missing_since"]:
        output.info(
            f"order {head['order_id']}: no longer listed by the platform: three complete reads of its time of creation "
            f"did not return it, the last one at {stamp(found['missing_since'])}. Its rows may be out of date"
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
