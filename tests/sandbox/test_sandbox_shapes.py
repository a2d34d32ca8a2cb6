"""Every shape of api-facts 6 occurs among 2,000 orders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from orders_sync.sandbox import World
from tests.support.sandbox_calls import records

Row = dict[str, Any]


def base(row: Row) -> Row:
    return row["baseInfo"]


def items(row: Row) -> list[Row]:
    return row["productItems"]


def parcels(row: Row) -> list[Row]:
    return row["nativeLogistics"].get("logisticsItems") or []


def subs(row: Row) -> list[Row]:
    return row["subOrderVOS"]


def result(sub: Row) -> Row:
    try:
        return json.loads(sub["subOrderResult"])
    except (TypeError, ValueError):
        return {}


def is_broken(sub: Row) -> bool:
    return bool(sub["subOrderResult"]) and not result(sub)


def statuses(row: Row) -> set[str]:
    return {item["status"] for item in items(row)}


SHAPES_1688: dict[str, Callable[[Row], object]] = {
    "null pay time": lambda r: "payTime" in base(r) and base(r)["payTime"] is None,
    "no pay time": lambda r: "payTime" not in base(r),
    "null steps": lambda r: base(r).get("newStepOrderList", 1) is None,
    "null parcels": lambda r: r["nativeLogistics"].get("logisticsItems", 1) is None,
    "null terms": lambda r: any(i.get("guaranteesTerms", 1) is None for i in items(r)),
    "null refund status": lambda r: base(r).get("refundStatus", 1) is None,
    "no sku infos": lambda r: any("skuInfos" not in i and "specId" not in i for i in items(r)),
    "empty refund id": lambda r: base(r).get("refundId") == "",
    "empty close operate type": lambda r: base(r).get("closeOperateType") == "",
    "empty lists": lambda r: r.get("tradeTerms") == [] and r.get("extAttributes") == [],
    "empty image list": lambda r: any(i["productImgUrl"] == [] for i in items(r)),
    "trade terms": lambda r: bool(r.get("tradeTerms")),
    "money as text": lambda r: isinstance(base(r)["totalAmount"], str),
    "money as number": lambda r: isinstance(base(r)["totalAmount"], float),
    "negative discount": lambda r: int(base(r)["discount"]) < 0,
    "negative discount of a line": lambda r: any(int(i.get("entryDiscount", 0)) < 0 for i in items(r)),
    "discount as text": lambda r: re.match(r"-\d", str(base(r)["discount"])) and isinstance(base(r)["discount"], str),
    "id damaged": lambda r: str(base(r)["id"]) != str(base(r)["idOfStr"]),
    "id as text": lambda r: isinstance(base(r)["id"], str),
    "idOfStr as number": lambda r: isinstance(base(r)["idOfStr"], int),
    "terms as list in lines": lambda r: any(isinstance(i.get("guaranteesTerms"), list) for i in items(r)),
    "terms as object on the order": lambda r: isinstance(r.get("guaranteesTerms"), dict),
    "terms with a short code only": lambda r: any(
        list(t) == ["shortCode"] for i in items(r) for t in i.get("guaranteesTerms") or []
    ),
    "masked": lambda r: "*" in r["nativeLogistics"]["contactPerson"] and "****" in r["nativeLogistics"]["mobile"],
    "closed": lambda r: base(r)["status"] == "cancel" and base(r)["closeReason"] and items(r),
    "closed, nothing refunded": lambda r: base(r)["status"] == "cancel" and base(r)["refund"] == "0",
    "CREADIT": lambda r: base(r).get("closeOperateType") == "CLOSE_TRADE_BY_CREADIT",
    "partly refunded, mixed lines": lambda r: (
        base(r)["status"] == "waitbuyerreceive"
        and base(r).get("refundStatus") == "waitselleragree"
        and {"waitsellersend", "waitbuyerreceive"} <= statuses(r)
    ),
    "header waits, a line has left": lambda r: (
        base(r)["status"] == "waitsellersend" and "waitbuyerreceive" in statuses(r)
    ),
    "after-sale refund": lambda r: base(r).get("refundIdForAs", "").startswith("TQ"),
    "several parcels": lambda r: len(parcels(r)) > 1,
    "one parcel for several lines": lambda r: any("," in p["subItemIds"] for p in parcels(r)),
    "no logistics": lambda r: any(p["logisticsBillNo"] == "不需要物流" for p in parcels(r)),
    "UNCREATED": lambda r: base(r).get("alipayTradeId") == "UNCREATED",
    "reformatted times": lambda r: re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", base(r)["createTime"]),
    "other offset": lambda r: base(r)["createTime"].endswith("000-0700"),
    "unknown status": lambda r: base(r)["status"] == "waitselleract",
    "fraction": lambda r: any(i["quantity"] % 1 for i in items(r)),
    "one line, id of the order": lambda r: [i["subItemIDString"] for i in items(r)] == [str(base(r)["idOfStr"])],
    "NUL": lambda r: "\0" in base(r).get("buyerFeedback", ""),
    "lone surrogate": lambda r: re.search("[\ud800-\udfff]", base(r).get("buyerFeedback", "")),
    "20 kB": lambda r: len(base(r).get("buyerFeedback", "").encode("utf-8", "replace")) > 20_000,
    "four bytes a character": lambda r: "𠮷" in base(r).get("buyerFeedback", ""),
    "empty message": lambda r: base(r).get("buyerFeedback") == "",
    "paid a second after it was modified": lambda r: (
        base(r)["modifyTime"][:14].isdigit()
        and (base(r).get("payTime") or "0" * 14)[:14].isdigit()
        and int((base(r).get("payTime") or "0" * 14)[:14]) - int(base(r)["modifyTime"][:14]) == 1
    ),
    "five lines": lambda r: len(items(r)) == 5,
}
SHAPES_KA: dict[str, Callable[[Row], object]] = {
    "null pay time": lambda r: r.get("payTime", 1) is None,
    "absent": lambda r: "orderLineList" not in r,
    "refund id empty": lambda r: any(s["refundId"] == "" for s in subs(r)),
    "refund": lambda r: any(s["refundStatus"] and s["refundId"] for s in subs(r)),
    "purchase id as int and text": lambda r: str(r["purchaseId"]) == subs(r)[0]["taobaoPurchaseId"],
    "sub purchase id as int and text": lambda r: (
        isinstance(result(subs(r)[0]).get("sub_purchase_order_id"), str)
        and isinstance(json.loads(subs(r)[0]["createSubOrderResult"] or "{}").get("sub_purchase_order_id"), int)
    ),
    "JSON in a string in a string": lambda r: (
        json.loads(result(subs(r)[0])["option_fields"]["serviceList"]) if result(subs(r)[0]) else False
    ),
    "result null": lambda r: subs(r)[0]["subOrderResult"] is None and r["status"] != 12,
    "result broken": lambda r: any(map(is_broken, subs(r))),
    "created null": lambda r: subs(r)[0]["createSubOrderResult"] is None,
    "being created": lambda r: r["status"] == 12 and r["orderStatusDesc"] == "BULIDING",
    "other status": lambda r: r["status"] == 9,
    "shipped": lambda r: r["status"] == 11,
    "WAIT_BUYER_P": lambda r: r["orderStatusDesc"] == "WAIT_BUYER_P",
    "header waits, a line has left": lambda r: (
        r["status"] == 10 and any(s["subOrderStatus"] == "WAIT_BUYER_CONFIRM_GOODS" for s in subs(r))
    ),
    "NUL": lambda r: "\0" in (r.get("remark") or ""),
    "lone surrogate": lambda r: re.search("[\ud800-\udfff]", r.get("remark") or ""),
    "lone surrogate two JSONs deep": lambda r: "\\ud83d" in (subs(r)[0]["subOrderResult"] or ""),
    "small serial id": lambda r: len(r["id"]) <= 9,
}
SHAPES_OPEN: dict[str, Callable[[Row], object]] = {
    "no line id": lambda r: all(s.get("subOrderId") is None for s in subs(r)),
    "null title": lambda r: any(s.get("title", 1) is None for s in subs(r)),
    "absent title": lambda r: any("title" not in s for s in subs(r)),
    "title": lambda r: any(s.get("title") for s in subs(r)),
    "result of another line": lambda r: (
        result(subs(r)[0])
        and result(subs(r)[0])["item_id"] not in {s["itemId"] for s in subs(r)}
        and len({s["subOrderResult"] for s in subs(r)}) == 1
    ),
    "result of its own": lambda r: result(subs(r)[0]).get("item_id") == subs(r)[0]["itemId"],
    "result null": lambda r: subs(r)[0]["subOrderResult"] is None,
    "result broken": lambda r: any(map(is_broken, subs(r))),
    "twins": lambda r: len({(s["itemId"], s["skuId"]) for s in subs(r)}) < len(subs(r)),
    "line status": lambda r: any(s["status"] for s in subs(r)),
    "close reason": lambda r: any(s["closeReason"] for s in subs(r)),
    "other status": lambda r: r["status"] == 9,
    "refused by finance": lambda r: any(s.get("errorCode") for s in subs(r)),
    "NUL": lambda r: any("\0" in (s.get("title") or "") for s in subs(r)),
    "lone surrogate": lambda r: any(re.search("[\ud800-\udfff]", s.get("title") or "") for s in subs(r)),
}


SHAPES = {"1688": SHAPES_1688, "xportcn_ka": SHAPES_KA, "xportcn_open": SHAPES_OPEN}


@pytest.fixture(scope="module")
def decoded(large_world: World) -> dict[str, list[Row]]:
    return {platform: [json.loads(record) for record in records(large_world, platform)] for platform in SHAPES}


@pytest.mark.parametrize("platform", SHAPES)
def test_every_shape_occurs(decoded: dict[str, list[Row]], platform: str) -> None:
    rows = decoded[platform]
    assert [name for name, shape in SHAPES[platform].items() if not any(map(shape, rows))] == []


def test_several_purchases_under_one_order_number(decoded: dict[str, list[Row]]) -> None:
    numbers = [row["orderNo"] for row in decoded["xportcn_ka"]]
    assert len(set(numbers)) < len(numbers)


def test_oddities_stay_rare(large_world: World) -> None:
    for shop in large_world.shops:
        orders = list(shop.index.orders.values())
        odd = [o for o in orders if o.quirk in ("aggregated", "offset", "id_number", "odd_status", "result_broken")]
        assert len(odd) < len(orders) * 0.1


def test_a_typical_1688_record_is_a_few_kilobytes(large_world: World) -> None:
    sizes = sorted(len(record) for record in records(large_world, "1688"))
    assert 2500 < sizes[len(sizes) // 2] < 4500


def test_what_json_can_say_and_postgres_cannot_store_is_sent_as_escapes(large_world: World) -> None:
    sent = b"".join(records(large_world, "1688"))
    assert b"\\u0000" in sent
    assert b"\\ud83d" in sent
    sent.decode("utf-8")
