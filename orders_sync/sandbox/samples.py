"""The sample orders of the platforms' documents, served unchanged, and their expected values, entered by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from orders_sync.sandbox.formats import parse_local_time
from orders_sync.sandbox.json_text import encode
from orders_sync.sandbox.states import State


@dataclass(frozen=True, slots=True)
class Sample:
    """One documented order. Times are epoch seconds, `record` is its JSON, `expected` its expected values."""

    order_id: str
    order_no: str
    purchase_id: int
    created: int
    modified: int
    state: State
    record: bytes
    expected: dict[str, Any]


def sample_response(platform: str) -> dict[str, Any]:
    """Return the sample response of a platform's document, decoded."""
    text = (files(__package__) / "documented" / f"{platform}.json").read_text("utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def sample_order(platform: str) -> Sample:
    """Return the only order of a platform's sample response."""
    data = sample_response(platform)["data"]
    record = encode((data["items"] if platform == "1688" else data["data"])[0])
    created, modified, state, purchase_id = _FIELDS[platform]
    expected = EXPECTED[platform]
    return Sample(
        expected["order_id"],
        expected["order_no"],
        purchase_id,
        parse_local_time(created),
        parse_local_time(modified),
        state,
        record,
        expected,
    )


_FIELDS = {
    "1688": ("2024-05-06 16:29:35", "2024-05-06 16:29:40", State.TO_SHIP, 0),
    "xportcn_open": ("2023-09-22 13:50:59", "2023-09-22 13:50:59", State.UNPAID, 0),
    "xportcn_ka": ("2026-04-16 18:10:12", "2026-04-16 18:10:12", State.UNPAID, 200108703155),
}

EXPECTED: dict[str, dict[str, Any]] = {
    "1688": {
        "order_id": "3876532491611498520",
        "order_no": "3876532491611498520",
        "status": "waitsellersend",
        "status_group": "awaiting_shipment",
        "total_amount": "97.30",
        "currency": "CNY",
        "created_at": "2024-05-06T08:29:35+00:00",
        "modified_at": "2024-05-06T08:29:40+00:00",
        "paid_at": "2024-05-06T08:29:41+00:00",
        "refund_status": None,
        "product_amount": "93.00",
        "shipping_amount": "4.30",
        "discount_amount": "0.00",
        "coupon_amount": "0.00",
        "refund_amount": None,
        "buyer_message": None,
        "city": "上海市",
        "province": "上海",
        "tracking_numbers": None,
        "line_count": 2,
        "lines": [
            {
                "sub_order_id": "3876532491612498520",
                "line_no": 1,
                "status": "waitsellersend",
                "refund_status": None,
                "amount": "69.00",
                "product_id": "787976764203",
                "sku_id": "5549191331204",
                "quantity": "1",
                "unit_price": "69.00",
                "title": "超薄裙子女夏季2024新款半身裙薄款长款冰丝百搭显瘦时尚潮流裙裤",
            },
            {
                "sub_order_id": "3876532491613498520",
                "line_no": 2,
                "status": "waitsellersend",
                "refund_status": None,
                "amount": "24.00",
                "product_id": "792892854846",
                "sku_id": "5415467545150",
                "quantity": "1",
                "unit_price": "24.00",
                "title": "2024跨境新款大码35-45tenis橡胶袜子鞋户外旅游运动女鞋",
            },
        ],
    },
    "xportcn_open": {
        "order_id": "1022505290408395575",
        "order_no": "1022505290345480832",
        "seller_order_no": "1",
        "status": "0",
        "status_group": "awaiting_payment",
        "total_amount": "4.00",
        "currency": "CNY",
        "created_at": "2023-09-22T05:50:59+00:00",
        "modified_at": None,
        "paid_at": None,
        "city": None,
        "tracking_numbers": None,
        "line_count": 2,
        "lines": [
            {
                "sub_order_id": "600126245031041190:5016042822039:1",
                "line_no": 1,
                "status": None,
                "amount": "2.00",
                "product_id": "600126245031041190",
                "sku_id": "5016042822039",
                "quantity": "200",
                "unit_price": "0.01",
            },
            {
                "sub_order_id": "600129202197070073:4860968496626:1",
                "line_no": 2,
                "status": None,
                "amount": "2.00",
                "product_id": "600129202197070073",
                "sku_id": "4860968496626",
                "quantity": "200",
                "unit_price": "0.01",
            },
        ],
    },
    "xportcn_ka": {
        "order_id": "234804",
        "order_no": "1362127944570372157",
        "purchase_id": "200108703155",
        "outer_purchase_id": "4502291943053017318",
        "status": "0",
        "upstream_status": "WAIT_BUYER_P",
        "status_group": "awaiting_payment",
        "total_amount": "52.45",
        "currency": "CNY",
        "created_at": "2026-04-16T10:10:12+00:00",
        "modified_at": None,
        "paid_at": None,
        "buyer_message": None,
        "city": "杭州市",
        "province": "浙江省",
        "tracking_numbers": None,
        "line_count": 1,
        "lines": [
            {
                "sub_order_id": "1362127951428059595",
                "line_no": 1,
                "status": "WAIT_BUYER_P",
                "refund_status": "0",
                "sub_purchase_id": "200108703156",
                "amount": "52.45",
                "product_id": "4096919806436206",
                "sku_id": "36209282830190",
                "quantity": "1",
                "title": "哆啦a梦儿童拍拍球幼儿园小皮球2婴儿3岁宝宝静音无声西瓜球玩具",
            }
        ],
    },
}
