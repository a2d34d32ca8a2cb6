"""The fields of a 1688 order as fw199 sends and spells them (api-facts 4.2 and 6).

Only fields that become columns stand here; everything else stays in the raw payload. Any field may be null, absent or
something else than documented: the conversions in `normalize.py` judge values, a record that does not fit these structs
is fitted (`decoding.decode_record`). Times are yyyyMMddHHmmssSSS+0800, the offset is their own; aggregators write
yyyy-MM-dd HH:mm:ss, and turn longs into strings (api-facts 6).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from orders_sync.platforms.conversion import Number
from orders_sync.platforms.wire_types import Amount, Fen, Id, Quantity, Text, Time, Yuan


class Listing(Struct, gc=False):
    """`total` counts the records over all pages."""

    total: int | str | None = None
    items: list[Raw] | None = None

    @property
    def rows(self) -> list[Raw] | None:
        """The records, under the name that `answers.listed` expects."""
        return self.items


class Success(Struct, gc=False):
    """An answer with orders: `code` is 0. Without any, `data` may be null, absent, "" or an empty list."""

    code: int | str
    data: Listing | list[Raw] | str | None = None


class Envelope(Struct, gc=False):
    """Any answer: a `code` other than 0 is a failure whose reason is in `message`."""

    code: int | str
    message: Any = None


class Guarantee(Struct, gc=False):
    shortCode: Text = None


class ProductItem(Struct, gc=False):
    """A line. `subItemID` and `tbId` are left out: they are damaged (api-facts 4.3)."""

    subItemIDString: Id = None
    productSnapshotUrl: Text = None
    status: Text = None
    refundStatus: Text = None
    refundId: Id = None
    refundIdForAs: Id = None
    refundStatusForAs: Text = None
    closeReason: Text = None
    logisticsStatus: Id = None
    gmtCreate: Time = None
    gmtModified: Time = None
    itemAmount: Yuan = None
    actualPaidFee: Fen = None
    entryDiscount: Fen = None
    sharePostage: Yuan = None
    refund: Yuan = None
    orderSharedPromotionFee: Amount = None
    itemDiscountFee: Amount = None
    crossPromotionFee: Amount = None
    guaranteesTerms: list[Guarantee | None] | None = None
    productID: Id = None
    skuID: Id = None
    specId: Id = None
    productCargoNumber: Text = None  # of the product
    cargoNumber: Text = None  # of the sku; 1688's own model has both
    name: Text = None
    productImgUrl: Any = None  # a list, or one address
    unit: Text = None
    quantity: Quantity = None  # in `unit`, may be a fraction
    quantityFactor: Any = None  # a power of ten: the smallest part of a unit that can be bought is one of so many
    price: Yuan = None
    skuInfos: Any = None  # a list of name and value


class LogisticsItem(Struct, gc=False):
    """A parcel. `sub_item_ids` is a comma list of line ids; the bill number may be the words 不需要物流."""

    id: Id = None
    logisticsBillNo: Text = None
    logisticsCompanyName: Text = None
    logisticsCompanyNo: Text = None
    status: Text = None
    type: Text = None
    carriage: Yuan = None
    deliveredTime: Time = None
    subItemIds: Any = None


class NativeLogistics(Struct, gc=False):
    contactPerson: Text = None
    telephone: Text = None
    mobile: Text = None
    country: Text = None  # not documented
    province: Text = None
    city: Text = None
    area: Text = None
    areaCode: Text = None
    town: Text = None
    townCode: Text = None
    address: Text = None
    zip: Text = None
    caid: Text = None
    logisticsItems: list[LogisticsItem | None] | None = None


class ReceiverInfo(Struct, gc=False):
    """The receiver in 1688's own model, whose lists carry no nativeLogistics."""

    toFullName: Text = None
    toPhone: Text = None
    toMobile: Text = None
    toDivisionCode: Text = None
    toTown: Text = None
    toTownCode: Text = None
    toArea: Text = None  # the whole address in one text
    toPost: Text = None


class Contact(Struct, gc=False):
    companyName: Text = None


class Step(Struct, gc=False):
    paidFee: Yuan = None


class BaseInfo(Struct, gc=False):
    """`id` is left out: it is damaged (api-facts 4.3)."""

    idOfStr: Id = None
    status: Text = None
    refundStatus: Text = None
    refundId: Id = None
    refundIdForAs: Id = None
    refundStatusForAs: Text = None
    closeReason: Text = None
    closeOperateType: Text = None
    tradeType: Text = None
    tradeTypeCode: Text = None
    businessType: Text = None
    totalAmount: Yuan = None
    sumProductPayment: Yuan = None
    shippingFee: Yuan = None
    discount: Fen = None
    couponFee: Yuan = None
    refund: Yuan = None
    refundPayment: Amount = None
    newStepOrderList: list[Step | None] | None = None
    createTime: Time = None
    modifyTime: Time = None
    gmtPayExpireTime: Time = None  # yyyy-MM-dd HH:mm:ss, unlike the others
    payTime: Time = None
    allDeliveredTime: Time = None
    receivingTime: Time = None
    confirmedTime: Time = None
    completeTime: Time = None
    buyerOpenUid: Text = None
    buyerLoginId: Text = None
    buyerContact: Contact | None = None
    sellerLoginId: Text = None
    sellerContact: Contact | None = None
    remark: Text = None
    buyerFeedback: Text = None
    buyerMemo: Text = None
    sellerMemo: Text = None
    sellerRemarkIcon: Text = None
    payChannelList: Any = None  # a list of texts
    alipayTradeId: Text = None
    receiverInfo: ReceiverInfo | None = None


class Order(Struct, gc=False):
    baseInfo: BaseInfo | None = None
    nativeLogistics: NativeLogistics | None = None
    productItems: list[ProductItem | None] | None = None


class BaseHead(Struct, gc=False):
    """Id of an order, and the times it is listed by."""

    idOfStr: Id = None
    createTime: Time = None
    modifyTime: Time = None


class OrderHead(Struct, gc=False):
    """The part of an order that every record which is read is decoded into."""

    baseInfo: BaseHead | None = None


ENVELOPE = msgspec.json.Decoder(Envelope, float_hook=str)
SUCCESS = msgspec.json.Decoder(Success)
ORDER = msgspec.json.Decoder(Order, float_hook=Number)
ORDER_HEAD = msgspec.json.Decoder(OrderHead, float_hook=Number)
