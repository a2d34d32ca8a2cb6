"""1688 answers to test with: the documented one, and one order that carries every field with a column."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from orders_sync.domain.rows import OrderRows
from orders_sync.platforms.alibaba_1688 import PLATFORM

GOLDEN = Path(__file__).parents[1] / "platforms" / "golden"
SAMPLE = (GOLDEN / "1688.json").read_bytes()
ROWS = (GOLDEN / "1688.rows.json").read_bytes()

ORDER_ID, LINE_1, LINE_2 = "3876532491611498520", "3876532491612498520", "3876532491613498520"


def sample_order() -> Any:
    """The documented order, to be changed at will."""
    return json.loads(SAMPLE)["data"]["items"][0]


def full_order() -> Any:
    """The documented order with every field of api-facts 4.2 that has a column, in the documents' formats."""
    order = sample_order()
    order["baseInfo"] |= {
        "refundStatus": "waitselleragree",
        "refundId": "TQ11173622",
        "refundStatusForAs": "refundclose",
        "refundIdForAs": "TQ11173623",
        "closeReason": "sellerGoodsLack",
        "closeOperateType": "CLOSE_TRADE_BY_SELLER",
        "discount": -3989,
        "refund": "12.5",
        "refundPayment": 1250,
        "gmtPayExpireTime": "2024-05-09 16:29:35",
        "allDeliveredTime": "20240507090000000+0800",
        "receivingTime": "20240509100000000+0800",
        "confirmedTime": "20240509110000000+0800",
        "completeTime": "20240509120000000+0800",
        "remark": "请用纸箱",
        "buyerFeedback": "尽快发货",
        "buyerMemo": "给小王",
        "sellerMemo": "加急",
        "sellerRemarkIcon": "3",
        "alipayTradeId": "2024050622001192691492",
    }
    order["productItems"][0] |= {
        "status": "waitbuyerreceive",
        "logisticsStatus": 2,
        "refundStatus": "WAIT_SELLER_AGREE",
        "refundId": "TQ11173622",
        "refundStatusForAs": "REFUND_CLOSED",
        "refundIdForAs": "TQ11173623",
        "closeReason": "other",
        "entryDiscount": -175,
        "sharePostage": "2.15",
        "refund": "12.5",
    }
    order["nativeLogistics"] |= {
        "telephone": "021-5555",
        "logisticsItems": [
            {
                "id": 9001,
                "logisticsCode": "LP001",
                "logisticsBillNo": "YT0001",
                "logisticsCompanyName": "圆通速递",
                "logisticsCompanyNo": "YTO",
                "status": "alreadysend",
                "type": "0",
                "carriage": "4.3",
                "deliveredTime": "20240507090000000+0800",
                "subItemIds": f"{LINE_1},{LINE_2}",
            },
            {"id": 9002, "logisticsBillNo": "不需要物流", "type": "2", "subItemIds": LINE_2},
        ],
    }
    return order


def full_answer() -> bytes:
    answer = json.loads(SAMPLE)
    answer["data"]["items"] = [full_order()]
    return json.dumps(answer, ensure_ascii=False).encode()


def rows_of(order: Any) -> OrderRows:
    return PLATFORM.normalize(json.dumps(order).encode())


def base(**changes: Any) -> OrderRows:
    """Return the rows of the documented order with these fields of baseInfo changed."""
    order = sample_order()
    order["baseInfo"] |= changes
    return rows_of(order)


def line(**changes: Any) -> OrderRows:
    """Return the rows of the documented order with these fields of its first line changed."""
    order = sample_order()
    order["productItems"][0] |= changes
    return rows_of(order)


def parcels(*items: Any) -> OrderRows:
    """Return the rows of the documented order with these parcels."""
    order = sample_order()
    order["nativeLogistics"]["logisticsItems"] = list(items)
    return rows_of(order)


def without(*names: str) -> Any:
    """Return the documented order without fields of these names, at any place."""
    order = sample_order()
    for name in names:
        for part in (order["baseInfo"], order["nativeLogistics"], *order["productItems"], order):
            part.pop(name, None)
    return order


def form_of(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.read().decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in form.values())
    return {name: values[0] for name, values in form.items()}
