"""Comparison of the tables with the sandbox's expected values: every order, line and value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from orders_sync.domain.errors import OrdersSyncError
from orders_sync.domain.local_times import stamp

BATCH = 1000
EXAMPLES = 5
UNKNOWN = "no column that is compared"  # in place of a value

_ORDERS = "SELECT * FROM orders WHERE platform = %s AND order_id = ANY(%s)"
_LINES = """
SELECT s.order_id, s.sub_order_id, s.line_no, s.status, s.refund_status, s.after_sale_refund_status, s.amount,
    s.sub_purchase_id, s.error_code, i.product_id, i.sku_id, i.quantity, i.unit_price, i.title
FROM sub_orders AS s
LEFT JOIN product_items AS i ON (i.platform, i.order_id, i.sub_order_id) = (s.platform, s.order_id, s.sub_order_id)
    AND i.removed_at IS NULL
WHERE s.platform = %s AND s.order_id = ANY(%s) AND s.removed_at IS NULL
ORDER BY s.order_id, s.line_no
"""
_REJECTED = "SELECT order_id FROM sync.rejects WHERE account = %s AND resolved_at IS NULL"
_STORED = "SELECT order_id FROM orders WHERE account = %s"


@dataclass(slots=True)
class VerifyResult:
    """Result for one account: counts of what was compared, and the ids of orders that are wrong.

    `missed`: listed by the platform but not stored. `different`: description of the first difference by order id.
    `surplus`: stored but not listed.
    """

    account: str
    orders: int = 0
    lines: int = 0
    rejects: int = 0
    missed: list[str] = field(default_factory=list)
    different: dict[str, str] = field(default_factory=dict)
    surplus: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """True if the tables hold exactly the expected orders."""
        return not (self.missed or self.different or self.surplus)

    def examples(self) -> Iterator[str]:
        """Describe up to five orders each that are missed, different or surplus."""
        yield from (f"{self.account}: order {order_id} is missing" for order_id in self.missed[:EXAMPLES])
        yield from (f"{self.account}: order {key}: {text}" for key, text in islice(self.different.items(), EXAMPLES))
        yield from (f"{self.account}: order {order_id} is not on the platform" for order_id in self.surplus[:EXAMPLES])


_REQUEST_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError, KeyError, TypeError)


def fetch_accounts(http: httpx.Client, root: str) -> list[tuple[str, str]]:
    """Return (account, platform) of each account of a sandbox server. Raises `OrdersSyncError` if it is unreachable."""
    try:
        response = http.get(f"{root}/sandbox/accounts", timeout=30).raise_for_status()
        return [(account["name"], account["platform"]) for account in response.json()]
    except _REQUEST_ERRORS as error:
        raise _unreachable(root, error) from None


def fetch_expected(http: httpx.Client, root: str, account: str) -> Iterator[dict[str, Any]]:
    """Yield the expected values of every order of an account. Raises `OrdersSyncError` if the server is unreachable."""
    try:
        with http.stream("GET", f"{root}/sandbox/truth", params={"account": account}, timeout=120) as response:
            for line in response.raise_for_status().iter_lines():
                if line:
                    yield json.loads(line)
    except _REQUEST_ERRORS as error:
        raise _unreachable(root, error) from None


def advice(root: str) -> str:
    """Return what to do before tables can be equal to a sandbox. Raises `OrdersSyncError` if it is unreachable."""
    try:
        live = httpx.get(f"{root}/sandbox/live", timeout=30).raise_for_status().json()
        rate, hidden = float(live["rate"]), int(live["hidden"])
    except _REQUEST_ERRORS as error:
        raise _unreachable(root, error) from None
    steps = []
    if rate:
        steps.append(f"""stop the changes: curl -s -d '{{"rate": 0}}' {root}/sandbox/live""")
    if rate or hidden:
        steps.append(
            f"wait until `hidden`, the changes that are not listed yet, is 0 (now {hidden}): {root}/sandbox/live"
        )
    return "\n".join([*steps, "read what is listed, Xportcn orders that changed too: `orders-sync sync --sweep all`"])


def _unreachable(root: str, error: Exception) -> OrdersSyncError:
    return OrdersSyncError(f"no sandbox answers at {root}: {str(error).splitlines()[0] if str(error) else 'nothing'}")


def verify_account(
    connection: psycopg.Connection[tuple[object, ...]],
    account: str,
    platform: str,
    expected_orders: Iterable[dict[str, Any]],
) -> VerifyResult:
    """Compare the tables with expected values (expected.py) of all orders of an account.

    Orders whose record is malformed must be in `sync.rejects`; other stored orders of the account are surplus.
    """
    result = VerifyResult(account)
    rejected = {row[0] for row in connection.execute(_REJECTED, [account])}
    surplus = {str(row[0]) for row in connection.execute(_STORED, [account])}
    source = iter(expected_orders)
    while batch := list(islice(source, BATCH)):
        ids = [expected["order_id"] for expected in batch]
        orders = {row["order_id"]: row for row in _rows(connection, _ORDERS, platform, ids)}
        lines: dict[str, list[dict[str, Any]]] = {}
        for row in _rows(connection, _LINES, platform, ids):
            lines.setdefault(row["order_id"], []).append(row)
        for expected in batch:
            order_id = expected["order_id"]
            surplus.discard(order_id)
            if expected.get("reject"):
                result.rejects += 1
                if order_id not in rejected and None not in rejected:
                    result.missed.append(order_id)
            elif order_id not in orders:
                result.missed.append(order_id)
            else:
                result.orders += 1
                result.lines += len(expected["lines"])
                difference = _difference(expected, orders[order_id], lines.get(order_id, []))
                if difference:
                    result.different[order_id] = difference
    result.surplus = sorted(surplus)
    return result


def _difference(expected: dict[str, Any], order: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    """Describe the first value that differs from the expected one; empty if none does."""
    for name, value in expected.items():
        if name not in ("lines", "reject") and not _equal(value, order.get(name, UNKNOWN)):
            return f"{name} is {_text(order.get(name, UNKNOWN))}, should be {_text(value)}"
    if len(lines) != len(expected["lines"]):
        return f"it has {len(lines)} lines, should have {len(expected['lines'])}"
    for expected_line, line in zip(expected["lines"], lines, strict=True):
        for name, value in expected_line.items():
            if not _equal(value, line.get(name, UNKNOWN)):
                found = _text(line.get(name, UNKNOWN))
                return f"line {expected_line['line_no']}: {name} is {found}, should be {_text(value)}"
    return ""


def _text(value: Any) -> str:
    """Write a value as people do; text in quotes, so that a blank can be seen."""
    match value:
        case datetime():
            return stamp(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case None:
            return "empty"
    return str(value)


def _equal(value: Any, actual: Any) -> bool:
    if isinstance(actual, Decimal):
        return value is not None and Decimal(value) == actual
    if isinstance(actual, datetime):
        return value is not None and datetime.fromisoformat(value) == actual
    return bool(value == actual)


def _rows(
    connection: psycopg.Connection[tuple[object, ...]], query: str, platform: str, ids: list[str]
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [platform, ids]).fetchall()
