"""A row of POST /open/purchase/page as it is sent (api-facts 2.1).

Amounts are fen in the document, times Asia/Shanghai. Any field may be something else: the conversions judge values.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from orders_sync.platforms.conversion import Number
from orders_sync.platforms.wire_types import Fen, Id, Json, Quantity, Text, Time


class Address(Struct, gc=False):
    """The receiver of the goods: a warehouse, or a person."""

    state: Text = None  # 浙江省
    zip: Text = None
    country: Text = None
    address: Text = None
    phone: Text = None
    city: Text = None
    district: Text = None
    name: Text = None
    mobilePhone: Text = None
    mobile_phone: Text = None
    taxId: Text = None


class CreateSubOrderResult(Struct, gc=False):
    """The line as it was placed; the estimate may differ from what is paid (api-facts 2.2)."""

    quantity: Quantity = None
    order_line_no: Text = None  # LINE002
    item_id: Id = None
    sku_id: Id = None
    estimate_amount: Fen = None  # 5965
    estimate_currency: Text = None
    sub_purchase_order_id: Id = None  # a number here, text everywhere else


class SubOrder(Struct, gc=False):
    id: Id = None  # "1362127951428059595"
    orderNo: Id = None
    subOrderStatus: Text = None  # WAIT_BUYER_P
    createSubOrderResult: Json = None
    subOrderResult: Json = None
    taobaoPurchaseId: Id = None
    taobaoSubPurchaseId: Id = None
    errorCode: Text = None
    errorMessage: Text = None
    refundStatus: Text = None  # 0 none .. 100 refunded, -10 refused, -20 closed (api-facts 2.3)
    refundId: Id = None
    itemImageUrl: Text = None


class Order(Struct, gc=False):
    """A purchase. Several may carry one `orderNo`; `purchaseId` is `taobaoPurchaseId` as a number."""

    id: Id = None  # "234804"
    purchaseId: Id = None
    orderNo: Id = None
    createTime: Time = None  # 2026-04-16 18:10:12
    payTime: Time = None
    purchaseAmount: Fen = None  # 5245
    warehouseAddressInfoVO: Address | None = None
    remark: Text = None
    subOrderVOS: list[SubOrder | None] | None = None
    userName: Text = None  # sifu:ap1
    userId: Id = None
    status: Text = None
    orderStatusDesc: Text = None  # WAIT_BUYER_P
    supplierNick: Text = None
    purchaseOrderOuterId: Id = None


ORDER = msgspec.json.Decoder(Order, float_hook=Number)
CREATED = msgspec.json.Decoder(CreateSubOrderResult, float_hook=Number)
