"""1688 keeps every promise of a platform."""

from urllib.parse import parse_qs

import httpx

from orders_sync.platforms.alibaba_1688 import PLATFORM
from tests.platforms.contract import Asked, PlatformContract
from tests.platforms.samples_1688 import SAMPLE, full_answer

IDS = {"idOfStr", "subItemIDString", "productID", "skuID"}
INDEXED_WORDS = {"status", "refundStatus", "logisticsBillNo"}
AMOUNTS = {"totalAmount", "sumProductPayment", "shippingFee", "discount", "couponFee", "refund", "paidFee"}
LINE_AMOUNTS = {"price", "itemAmount", "quantity", "quantityFactor", "sharePostage", "carriage"}
TIMES = {"createTime", "modifyTime", "payTime", "gmtPayExpireTime", "allDeliveredTime", "receivingTime"}
MORE_TIMES = {"confirmedTime", "completeTime", "gmtCreate", "gmtModified", "deliveredTime"}


class TestSample(PlatformContract):
    """On the documented answer, byte for byte (seed 004)."""

    platform = PLATFORM
    sample = SAMPLE
    items_at = ("data", "items")
    id_at = ("baseInfo", "idOfStr")
    total_at = ("data", "total")
    page_sizes_taken = (1, 10, 99, 100, 200, 300, 400, 500)
    page_sizes_refused = (-1, 0, 101, 150, 499, 501, 600)
    not_free_text = frozenset(IDS | INDEXED_WORDS | AMOUNTS | LINE_AMOUNTS | TIMES | MORE_TIMES)

    def asked(self, request: httpx.Request) -> Asked:
        form = form_of(request)
        return Asked(form["start_created"], form["end_created"], form["page_no"], form["page_size"])

    def signature(self, request: httpx.Request) -> str:
        return form_of(request)["sign"]


class TestEveryField(TestSample):
    """On an order that carries every field with a column (api-facts 4.2)."""

    sample = full_answer()


def form_of(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.read().decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in form.values())
    return {name: values[0] for name, values in form.items()}
