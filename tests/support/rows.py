"""Rows of orders put into the tables by hand: values that are not given are those of a plain order."""

from __future__ import annotations

from typing import Any

from tests.support.databases import Tables


def add_order(tables: Tables, order_id: str, platform: str = "1688", **values: Any) -> None:
    given = {
        "platform": platform,
        "account": "shop",
        "order_id": order_id,
        "direction": "sale" if platform == "1688" else "purchase",
        "status": "success" if platform == "1688" else "11",
        "status_group": "completed" if platform == "1688" else "shipped",
        "currency": "CNY",
        "line_count": 0,
        "created_at": "2026-11-01 12:00:00+08",
        **values,
    }
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    tables.execute(f"INSERT INTO orders ({names}) VALUES ({marks})", *given.values())


def add_line(tables: Tables, order_id: str, line: str, platform: str = "1688", **values: Any) -> None:
    given = {
        "platform": platform,
        "order_id": order_id,
        "sub_order_id": line,
        "direction": "sale" if platform == "1688" else "purchase",
        "line_no": 1,
        "currency": "CNY",
        **values,
    }
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    tables.execute(f"INSERT INTO sub_orders ({names}) VALUES ({marks})", *given.values())


def add_item(tables: Tables, order_id: str, line: str, platform: str = "1688", item: int = 1, **values: Any) -> None:
    given = {
        "platform": platform,
        "order_id": order_id,
        "sub_order_id": line,
        "item_no": item,
        "currency": "CNY",
        "direction": "sale" if platform == "1688" else "purchase",
        **values,
    }
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    tables.execute(f"INSERT INTO product_items ({names}) VALUES ({marks})", *given.values())


def add_version(tables: Tables, order_id: str, seen_at: str, **values: Any) -> None:
    given = {"platform": "1688", "order_id": order_id, "seen_at": seen_at, "read_at": seen_at, **values}
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    tables.execute(f"INSERT INTO order_history ({names}) VALUES ({marks})", *given.values())
