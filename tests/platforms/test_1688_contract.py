"""1688 keeps every promise of a platform."""

import httpx

from orders_sync.domain.times import platform_time
from orders_sync.platforms.alibaba_1688 import PLATFORM
from orders_sync.platforms.testing import Asked, PlatformContract
from orders_sync.platforms.testing.pages import PageContract
from orders_sync.platforms.testing.records import RecordContract
from orders_sync.platforms.testing.sample import PlatformSample
from tests.support.samples_1688 import SAMPLE, form_of, full_answer

IDS = {"idOfStr", "subItemIDString", "productID", "skuID"}
INDEXED_WORDS = {"status", "refundStatus", "logisticsBillNo"}
AMOUNTS = {"totalAmount", "sumProductPayment", "shippingFee", "discount", "couponFee", "refund", "paidFee"}
LINE_AMOUNTS = {"price", "itemAmount", "quantity", "quantityFactor", "sharePostage", "carriage"}
TIMES = {"createTime", "modifyTime", "payTime", "gmtPayExpireTime", "allDeliveredTime", "receivingTime"}
MORE_TIMES = {"confirmedTime", "completeTime", "gmtCreate", "gmtModified", "deliveredTime"}


class Sample1688(PlatformSample):
    """What is particular to 1688."""

    platform = PLATFORM
    items_at = ("data", "items")
    id_at = ("baseInfo", "idOfStr")
    total_at = ("data", "total")
    page_sizes_taken = (1, 10, 99, 100, 200, 300, 400, 500)
    page_sizes_refused = (-1, 0, 101, 150, 499, 501, 600)
    not_free_text = frozenset(IDS | INDEXED_WORDS | AMOUNTS | LINE_AMOUNTS | TIMES | MORE_TIMES)

    def asked(self, request: httpx.Request) -> Asked:
        form = form_of(request)
        return Asked(
            platform_time(form["start_created"]),
            platform_time(form["end_created"]),
            int(form["page_no"]),
            int(form["page_size"]),
        )

    def signature(self, request: httpx.Request) -> str:
        return form_of(request)["sign"]


class TestSample(Sample1688, PlatformContract):
    """On the documented answer, byte for byte."""

    sample = SAMPLE


class TestEveryField(Sample1688, PageContract, RecordContract):
    """On an order that carries every field with a column (api-facts 4.2). Requests and messages hold none."""

    sample = full_answer()
