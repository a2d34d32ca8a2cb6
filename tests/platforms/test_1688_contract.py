"""1688 keeps every promise of a platform."""

import httpx

from orders_sync.domain.times import platform_time
from orders_sync.platforms.alibaba_1688 import PLATFORM
from orders_sync.platforms.testing import Asked
from orders_sync.platforms.testing.json_values import opened, paths
from orders_sync.platforms.testing.messages import MessageContract
from orders_sync.platforms.testing.pages import PageContract
from orders_sync.platforms.testing.records import RecordContract, UnchangedRecordContract
from orders_sync.platforms.testing.requests import RequestContract
from orders_sync.platforms.testing.sample import PlatformSample
from tests.support.samples_1688 import SAMPLE, form_of, full_answer, sample_order

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


class TestSample(Sample1688, RequestContract, PageContract, UnchangedRecordContract, MessageContract):
    """On the documented answer, byte for byte. The order of the other class has each of its fields to change."""

    sample = SAMPLE


class TestEveryField(Sample1688, PageContract, RecordContract):
    """On an order that carries every field with a column (api-facts 4.2). Requests and messages hold none."""

    sample = full_answer()

    def test_every_place_of_the_documented_order_is_among_them(self) -> None:
        documented = set(paths(opened(sample_order())))
        assert documented <= {path for path, _ in self.places()}
