"""The tables held against the sandbox's truth, order by order, line by line, value by value."""

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

BATCH = 1000
SHOWN = 5

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
class Verdict:
    """What was compared for one account. `different`: order id to the first difference, in words."""

    account: str
    orders: int = 0
    lines: int = 0
    rejects: int = 0
    missed: list[str] = field(default_factory=list)
    different: dict[str, str] = field(default_factory=dict)
    surplus: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        return not (self.missed or self.different or self.surplus)

    def examples(self) -> Iterator[str]:
        """A few of what is wrong, in words."""
        yield from (f"{self.account}: order {order_id} is missing" for order_id in self.missed[:SHOWN])
        yield from (f"{self.account}: order {key}: {text}" for key, text in islice(self.different.items(), SHOWN))
        yield from (f"{self.account}: order {order_id} is not on the platform" for order_id in self.surplus[:SHOWN])


_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError, KeyError, TypeError)


def fetch_accounts(root: str) -> list[tuple[str, str]]:
    """(account, platform) of a sandbox server. Raises `OrdersSyncError` when none answers."""
    try:
        response = httpx.get(f"{root}/sandbox/accounts", timeout=30).raise_for_status()
        return [(account["name"], account["platform"]) for account in response.json()]
    except _NO_ANSWER as error:
        raise _nobody_at(root, error) from None


def fetch_truths(root: str, account: str) -> Iterator[dict[str, Any]]:
    """The truth of every order a sandbox server lists now. Raises `OrdersSyncError` when it stops answering."""
    try:
        with httpx.stream("GET", f"{root}/sandbox/truth", params={"account": account}, timeout=120) as response:
            for line in response.raise_for_status().iter_lines():
                if line:
                    yield json.loads(line)
    except _NO_ANSWER as error:
        raise _nobody_at(root, error) from None


def _nobody_at(root: str, error: Exception) -> OrdersSyncError:
    return OrdersSyncError(f"no sandbox answers at {root}: {str(error).splitlines()[0] if str(error) else 'nothing'}")


def verify_account(
    connection: psycopg.Connection[tuple[object, ...]], account: str, platform: str, truths: Iterable[dict[str, Any]]
) -> Verdict:
    """Compare everything the truth claims with the tables; orders the platform does not list are surplus."""
    verdict = Verdict(account)
    rejected = {row[0] for row in connection.execute(_REJECTED, [account])}
    surplus = {str(row[0]) for row in connection.execute(_STORED, [account])}
    source = iter(truths)
    while batch := list(islice(source, BATCH)):
        ids = [truth["order_id"] for truth in batch]
        orders = {row["order_id"]: row for row in _rows(connection, _ORDERS, platform, ids)}
        lines: dict[str, list[dict[str, Any]]] = {}
        for row in _rows(connection, _LINES, platform, ids):
            lines.setdefault(row["order_id"], []).append(row)
        for truth in batch:
            order_id = truth["order_id"]
            surplus.discard(order_id)
            if truth.get("reject"):
                verdict.rejects += 1
                if order_id not in rejected and None not in rejected:
                    verdict.missed.append(order_id)
            elif order_id not in orders:
                verdict.missed.append(order_id)
            else:
                verdict.orders += 1
                verdict.lines += len(truth["lines"])
                difference = _difference(truth, orders[order_id], lines.get(order_id, []))
                if difference:
                    verdict.different[order_id] = difference
    verdict.surplus = sorted(surplus)
    return verdict


def _difference(truth: dict[str, Any], order: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    """The first value that is not as it should be, in words; empty when all are."""
    for name, value in truth.items():
        if name not in ("lines", "reject") and not _equal(value, order[name]):
            return f"{name} is {order[name]!r}, should be {value!r}"
    if len(lines) != len(truth["lines"]):
        return f"it has {len(lines)} lines, should have {len(truth['lines'])}"
    for expected, found in zip(truth["lines"], lines, strict=True):
        for name, value in expected.items():
            if not _equal(value, found[name]):
                return f"line {expected['line_no']}: {name} is {found[name]!r}, should be {value!r}"
    return ""


def _equal(value: Any, found: Any) -> bool:
    if isinstance(found, Decimal):
        return value is not None and Decimal(value) == found
    if isinstance(found, datetime):
        return value is not None and datetime.fromisoformat(value) == found
    return bool(value == found)


def _rows(
    connection: psycopg.Connection[tuple[object, ...]], query: str, platform: str, ids: list[str]
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [platform, ids]).fetchall()
