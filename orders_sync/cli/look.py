"""`orders-sync status` and `orders-sync order`: what is in the tables, and how current it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import dict_row

from orders_sync.cli import product, screen
from orders_sync.domain.accounts import Pace
from orders_sync.domain.errors import DatabaseError
from orders_sync.store import database, identities, lateness, missing, progress
from orders_sync.store.progress import Progress
from orders_sync.store.suspensions import Suspension

Session = psycopg.Connection[tuple[object, ...]]

_ACCOUNTS = f"""
SELECT a.name AS account, a.platform, a.watermark,
    p.behind::bigint AS behind_seconds,
    (SELECT count(*) FROM orders AS o WHERE o.account = a.name) AS orders,
    w.planned, w.running, w.failed,
    (SELECT count(*) FROM sync.rejects AS r WHERE r.account = a.name AND r.resolved_at IS NULL) AS rejects,
    a.last_error, a.suspended_at, a.suspended_because, a.removed_at, a.retired_at,
    a.history_from, a.proven_from, p.first AS read_from, p.past AS read_to, p.share AS history_share,
    p.unconfirmed, p.unconfirmed_from, p.unconfirmed_to, p.asked_again_at, p.empty_since, p.empty_read_next
FROM sync.accounts AS a JOIN ({progress.PROGRESS}) AS p USING (name)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'planned') AS planned,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'failed') AS failed
    FROM sync.windows WHERE account = a.name AND state IN ('planned', 'running', 'failed')
) AS w
ORDER BY a.name
"""  # noqa: S608

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

_OPEN = ("planned", "running", "failed", "rejects")  # windows by state, and rejects
_PROGRESS = (  # the fields of `Progress`
    "account",
    "history_from",
    "watermark",
    "proven_from",
    "read_from",
    "read_to",
    "history_share",
    "behind_seconds",
    "unconfirmed",
    "unconfirmed_from",
    "unconfirmed_to",
    "asked_again_at",
    "empty_since",
    "empty_read_next",
)
_PARTS = ("sub_orders", "product_items", "order_parcels")


def status(config: product.Config = None, json: product.Json = False) -> None:
    """How current every account is, and what is in the way."""
    settings = product.load(config)
    with product.opened(settings) as url, database.session(url) as connection:
        accounts = _rows(connection, _ACCOUNTS)
        unrefreshed = identities.unrefreshed(connection)
        late = lateness.of_accounts(connection)
        not_listed = {each.account: each for each in missing.of_accounts(connection)}
    paces = {each.name: settings.pace(each) for each in settings.accounts}
    for row in accounts:
        row["late_seconds"] = late[row["account"]].total_seconds() if row["account"] in late else None
        row["missing_orders"] = not_listed[row["account"]].orders if row["account"] in not_listed else 0
    if json:
        screen.print_json(accounts)
        return
    if not accounts:
        screen.tell("no account has been synced yet: `orders-sync sync`, or `orders-sync demo` to try it")
        return
    how_far = {row["account"]: Progress(*[row[each] for each in _PROGRESS]) for row in accounts}
    columns = ["account", "platform", "current to (UTC)", "behind", "history", "orders", "open"]
    screen.table(
        "Accounts",
        columns,
        [
            (
                row["account"],
                row["platform"],
                screen.utc(row["read_to"]) or "never",
                "" if row["behind_seconds"] is None else screen.duration(row["behind_seconds"]),
                progress.state(how_far[row["account"]]),
                row["orders"],
                ", ".join(f"{row[what]:,} {what}" for what in _OPEN if row[what]),
            )
            for row in accounts
        ],
        ["behind", "orders"],
    )
    for row in accounts:
        if row["suspended_at"]:
            screen.complain(str(Suspension(row["account"], row["suspended_at"], row["suspended_because"])))
        elif row["last_error"]:
            screen.complain(str(row["last_error"]))
        for said in progress.remarks(how_far[row["account"]]):
            screen.tell(said)
        if row["account"] in late and row["account"] in paces:
            _tell_lateness(row["account"], late[row["account"]], paces[row["account"]])
        if row["account"] in not_listed:
            screen.tell(missing.remark(not_listed[row["account"]]))
    for each in unrefreshed:
        screen.tell(each)


def _tell_lateness(account: str, late_by: timedelta, pace: Pace) -> None:
    """Say that orders are listed so late that the passes over the newest time may soon miss them, if they are."""
    found = lateness.found_by_passes(pace.overlap, pace.confirm)
    if lateness.is_near(late_by, pace.overlap, pace.confirm):
        screen.tell(
            f"{account}: in the last seven days an order was listed at least {_span(late_by)} after its own time. The "
            f"confirming pass finds what is up to {_span(found)} late; what comes later only sweeps and audits find: "
            f"raise `confirm` of the account, now {_span(pace.confirm)}"
        )


def _span(span: timedelta) -> str:
    return screen.duration(int(span.total_seconds()))


def order(
    number: Annotated[
        str, typer.Argument(metavar="ID", help="Order id, order number, purchase id, line id or tracking number.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Print the payload exactly as received.")] = False,
    config: product.Config = None,
    json: product.Json = False,
) -> None:
    """Everything known of one order: lines, products, parcels, history."""
    number = _bare(number)
    with product.opened(product.load(config)) as url, database.session(url) as connection:
        keys = _rows(connection, _FIND, {"id": number})
        if not keys:
            raise DatabaseError(
                f"no order, line or parcel has the number {number}. `orders-sync status` says what is synced"
            )
        found = [_everything(connection, key) for key in keys]
        if raw:
            _print_raw(connection, keys)
            return
    if json:
        screen.print_json(found)
        return
    for each in found:
        _show(each)


def _bare(number: str) -> str:
    """A number without what is pasted with it: spaces, `#`, invisible marks of a sheet or a page."""
    return "".join(letter for letter in number if letter.isprintable() or letter.isspace()).strip().lstrip("# ")


def _print_raw(connection: Session, keys: list[dict[str, Any]]) -> None:
    gone = []
    for key in keys:
        payload = _one(connection, "SELECT payload::text AS payload FROM raw_orders", key)["payload"]
        if payload is None:
            gone.append(f"{key['order_id']} on {key['platform']}")
        else:
            screen.print_payload(payload)
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
    rows = _rows(connection, _MISSING, key)
    found["missing_since"] = rows[0]["missing_since"] if rows else None
    return found


def _of_order(connection: Session, table: str, key: dict[str, Any]) -> Any:
    by = "seen_at" if table == "order_history" else "line_no" if table == "sub_orders" else "3"
    query = f"SELECT * FROM {table} WHERE platform = %(platform)s AND order_id = %(order_id)s ORDER BY {by}"  # noqa: S608
    return _rows(connection, query, key)


def _show(found: dict[str, Any]) -> None:
    head = found["order"]
    screen.table(
        f"Order {head['order_id']} on {head['platform']}",
        ["column", "value"],
        [(name, value) for name, value in head.items() if value is not None],
    )
    if found["missing_since"]:
        screen.tell(
            f"order {head['order_id']}: not listed by the platform any more. The last of three complete reads of the "
            f"time it was created in began at {screen.utc(found['missing_since'])} UTC and did not bring it: what the "
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
            screen.out().print()
            screen.table(part, columns, [[row[column] for column in columns] for row in found[part]])


def _rows(connection: Session, query: str, values: Any = None) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def _one(connection: Session, select: str, key: dict[str, Any]) -> dict[str, Any]:
    return _rows(connection, f"{select} WHERE platform = %(platform)s AND order_id = %(order_id)s", key)[0]
