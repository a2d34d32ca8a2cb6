"""The tables of `public`: what analysts query.

They are keyed by (platform, order_id, ...) and no foreign key leaves an order, so that they can be distributed by
order_id without a new schema. Their columns are `platform`, (some) `account`, the fields of the row struct in
`domain/rows.py` in the same order, then ours.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSON, JSONB

from orders_sync.store.tables.columns import PLATFORM, TIME, column, key, metadata

TEXTS = ARRAY(Text)
MONEY = Numeric(18, 2)
INFERRED = "fen, inferred from samples; yuan, with a note, where only that adds up"


def _platform() -> Column[Any]:
    return key("platform", Text, PLATFORM)


def _order_id() -> Column[Any]:
    return key(
        "order_id", Text, "platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number"
    )


def _synced_at() -> Column[Any]:
    return column(
        "synced_at",
        TIME,
        "when this version landed (start of its transaction); page on it with a margin of some minutes",
        nullable=False,
        server_default=func.now(),
    )


def _removed_at() -> Column[Any]:
    return column("removed_at", TIME, "when the platform stopped listing it on its order; NULL while it is listed")


def _receiver_place(what: str) -> list[Column[Any]]:
    return [
        column("country", Text, f"{what}: country; NULL when not said"),
        column("province", Text, f"{what}: 1688 province, KA state"),
        column("city", Text, f"{what}: city"),
    ]


orders = Table(
    "orders",
    metadata,
    _platform(),
    key("account", Text, "the account that keeps it current"),
    _order_id(),
    column(
        "order_no",
        Text,
        "the number people search by: 1688 the order id, Xportcn orderNo (KA: may carry several purchases)",
    ),
    column("seller_order_no", Text, "the seller's own number: Xportcn sellerOrderNumber"),
    column("purchase_id", Text, "KA purchaseId"),
    column("outer_purchase_id", Text, "number at the market behind the platform: KA purchaseOrderOuterId"),
    column(
        "status",
        Text,
        "exactly as the platform says it; names in order_statuses; unknown, with a note, where the record names none",
        nullable=False,
    ),
    column(
        "status_group",
        Text,
        "the same on every platform, see order_statuses; partly_shipped also looks at the lines",
        nullable=False,
    ),
    column("upstream_status", Text, "raw status of the market behind the platform: KA orderStatusDesc"),
    column("refund_status", Text, "1688 refundStatus; KA the most advanced refundStatus code of its lines"),
    column("refund_id", Text, "1688 refundId: refund while the trade is open"),
    column("after_sale_refund_status", Text, "1688 refundStatusForAs"),
    column("after_sale_refund_id", Text, "1688 refundIdForAs"),
    column("close_reason", Text, "1688 closeReason, free text"),
    column("closed_by", Text, "1688 closeOperateType"),
    column("trade_type", Text, "1688 tradeTypeCode, else tradeType"),
    column("business_type", Text, "1688 businessType"),
    column("source", Text, "where the order was placed: Xportcn orderSource"),
    column(
        "currency",
        Text,
        "ISO 4217, of every amount in the row: Xportcn, that of its lines, XXX where they are in several; else CNY",
        nullable=False,
    ),
    column("total_amount", MONEY, f"payable, yuan: 1688 totalAmount (yuan), Xportcn purchaseAmount ({INFERRED})"),
    column("product_amount", MONEY, "goods before discounts, yuan: 1688 sumProductPayment (yuan)"),
    column("shipping_amount", MONEY, "postage, yuan: 1688 shippingFee (yuan)"),
    column(
        "discount_amount",
        MONEY,
        "yuan, may be negative: 1688 discount (fen; yuan, with a note, where only that adds up)",
    ),
    column("coupon_amount", MONEY, "yuan, already taken off total_amount: 1688 couponFee (yuan)"),
    column("paid_amount", MONEY, "paid so far, yuan: 1688 sum of newStepOrderList.paidFee (yuan)"),
    column("refund_amount", MONEY, "yuan: 1688 refund (yuan)"),
    column("refund_payment_raw", Text, "1688 refundPayment as received: its unit is not documented"),
    column(
        "created_at",
        TIME,
        "createTime: 1688 with its own offset, Xportcn in Asia/Shanghai; NULL, with a note, where the record has none",
    ),
    column("modified_at", TIME, "1688 modifyTime; NULL on Xportcn, which has none"),
    column("pay_expires_at", TIME, "1688 gmtPayExpireTime"),
    column("paid_at", TIME, "first payment: payTime"),
    column("delivered_at", TIME, "shipped, not delivered: 1688 allDeliveredTime, when all of it had been sent"),
    column("received_at", TIME, "everything received: 1688 receivingTime"),
    column("confirmed_at", TIME, "1688 confirmedTime"),
    column("completed_at", TIME, "1688 completeTime"),
    column("buyer_id", Text, "1688 buyerOpenUid (differs between app ids), KA userId"),
    column("buyer_name", Text, "login name: 1688 buyerLoginId (masked), Xportcn userName"),
    column("buyer_company", Text, "1688 buyerContact.companyName"),
    column("seller_id", Text, "the seller's id, when the platform gives one"),
    column("seller_name", Text, "1688 sellerLoginId (masked), KA supplierNick"),
    column("seller_company", Text, "1688 sellerContact.companyName"),
    column("buyer_message", Text, "what the buyer wrote: 1688 buyerFeedback or remark, KA remark"),
    column("buyer_memo", Text, "1688 buyerMemo"),
    column("seller_memo", Text, "1688 sellerMemo"),
    column("seller_flag", Text, "1688 sellerRemarkIcon: 1 red, 2 blue, 3 green, 4 yellow"),
    *_receiver_place("where it goes"),
    column("pay_channels", TEXTS, "1688 payChannelList"),
    column(
        "payment_no",
        Text,
        "1688 alipayTradeId (NULL before payment), Xportcn alipay_pay_order_no (in the KA sample there is one before "
        "payment: no sign that something was paid)",
    ),
    column("tracking_numbers", TEXTS, "of all parcels, see order_parcels"),
    column("line_count", Integer, "lines listed now, removed ones not counted", nullable=False),
    column("notes", TEXTS, "what was odd about the record and how it was read; NULL when nothing was"),
    column(
        "unread_version_since",
        TIME,
        "since when a newer version is known that could not be read, see sync.rejects; NULL as a rule",
    ),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id"),
    Index(None, "order_no"),
    Index(None, "purchase_id", postgresql_where=text("purchase_id IS NOT NULL")),
    Index(None, "outer_purchase_id", postgresql_where=text("outer_purchase_id IS NOT NULL")),
    Index(None, "account", "created_at"),
    Index(None, "status", "created_at"),
    Index(None, "status_group", "created_at"),
    Index(None, "created_at"),
    Index(None, "modified_at"),
    Index(None, "paid_at"),
    Index(None, "synced_at"),
    comment="one row an order",
)

sub_orders = Table(
    "sub_orders",
    metadata,
    _platform(),
    _order_id(),
    key(
        "sub_order_id",
        Text,
        "1688 subItemIDString, KA line id, xportcn_open itemId:skuId:ordinal among equal lines, by what they hold; so "
        "on every platform where a line has no id",
    ),
    column("line_no", Integer, "position on the order as listed, from 1", nullable=False),
    column("order_no", Text, "number of the order it is on"),
    column("status", Text, "as the platform says it: 1688 status, KA subOrderStatus, xportcn_open status"),
    column("upstream_status", Text, "subOrderResult.status of the market behind Xportcn"),
    column(
        "refund_status", Text, "1688 refundStatus (upper case words), KA refundStatus code (0 none .. 100 refunded)"
    ),
    column("refund_id", Text, "1688 refundId, KA refundId"),
    column("after_sale_refund_status", Text, "1688 refundStatusForAs"),
    column("after_sale_refund_id", Text, "1688 refundIdForAs"),
    column("close_reason", Text, "1688 closeReason, xportcn_open closeReason, else close_reason of the result"),
    column("is_closed", Boolean, "Xportcn subOrderResult.closed"),
    column(
        "currency", Text, "ISO 4217, of every amount in the row; CNY where the platform says nothing", nullable=False
    ),
    column(
        "amount",
        MONEY,
        f"yuan: 1688 itemAmount (yuan), KA purchase_amount ({INFERRED}), xportcn_open purchaseAmount (the same) x "
        "quantity, or of all pieces, with a note, where only that adds up",
    ),
    column("paid_amount", MONEY, f"yuan: 1688 actualPaidFee ({INFERRED})"),
    column(
        "discount_amount",
        MONEY,
        "yuan, may be negative: 1688 entryDiscount (fen; yuan, with a note, where only that adds up)",
    ),
    column(
        "shipping_amount",
        MONEY,
        "yuan: 1688 sharePostage (yuan), Xportcn domestic_post_fee (fen, inferred from samples)",
    ),
    column("refund_amount", MONEY, "yuan: 1688 refund (yuan)"),
    column(
        "estimated_amount",
        MONEY,
        "yuan, may differ from amount: KA createSubOrderResult.estimate_amount (fen, inferred from samples)",
    ),
    column("shared_promotion_raw", Text, "1688 orderSharedPromotionFee as received: its unit is not documented"),
    column("item_discount_raw", Text, "1688 itemDiscountFee as received: its unit is not documented"),
    column("cross_promotion_raw", Text, "1688 crossPromotionFee as received: its unit is not documented"),
    column("purchase_id", Text, "KA taobaoPurchaseId"),
    column("sub_purchase_id", Text, "KA taobaoSubPurchaseId, xportcn_open sub_purchase_order_id"),
    column("outer_purchase_id", Text, "Xportcn purchase_order_outer_id"),
    column("outer_line_id", Text, "Xportcn purchase_order_line_outer_id"),
    column("merchant_line_no", Text, "the merchant's own line number: KA createSubOrderResult.order_line_no"),
    column("payment_no", Text, "Xportcn alipay_pay_order_no"),
    column(
        "logistics_status",
        Text,
        "1688: 1 not shipped, 2 shipped, 3 received, 4 returned, 5 partly shipped, 8 no logistics order yet",
    ),
    column("tracking_numbers", TEXTS, "of the parcels that carry this line"),
    column("created_at", TIME, "1688 gmtCreate"),
    column("modified_at", TIME, "1688 gmtModified"),
    column("pay_expires_at", TIME, "Xportcn close_time_without_payment (epoch ms)"),
    column("guarantees", TEXTS, "short codes: 1688 guaranteesTerms, Xportcn serviceList"),
    column("error_code", Text, "Xportcn errorCode"),
    column("error_message", Text, "Xportcn errorMessage"),
    _removed_at(),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id", "sub_order_id"),
    Index(None, "sub_order_id"),
    Index(None, "status"),
    Index(None, "refund_status", postgresql_where=text("refund_status IS NOT NULL")),
    Index(None, "synced_at"),
    comment="one row a line as traded",
)

product_items = Table(
    "product_items",
    metadata,
    _platform(),
    _order_id(),
    key("sub_order_id", Text, "the line it is on"),
    key("item_no", Integer, "position on the line, from 1"),
    column("product_id", Text, "1688 productID, Xportcn itemId"),
    column("sku_id", Text, "1688 skuID, Xportcn skuId"),
    column("spec_id", Text, "1688 specId"),
    column("cargo_no", Text, "the seller's article number: 1688 productCargoNumber, else cargoNumber (of the sku)"),
    column("title", Text, "product name at the time of the order"),
    column("image_url", Text, "full-size image"),
    column("snapshot_url", Text, "1688 productSnapshotUrl: the offer as it was"),
    column("shop_id", Text, "Xportcn option_fields.shopId"),
    column("shop_name", Text, "Xportcn option_fields.shopName"),
    column("unit", Text, "what quantity counts: 1688 unit"),
    column("quantity", Numeric, "in units as sent, may be a fraction; 1688 quantityFactor, where noted, divides it"),
    column(
        "currency", Text, "ISO 4217, of every amount in the row; CNY where the platform says nothing", nullable=False
    ),
    column(
        "unit_price",
        Numeric,
        "yuan, with every place that was sent: 1688 price (yuan), KA product_amount and xportcn_open purchaseAmount "
        "(fen, inferred from samples), or amount / quantity",
    ),
    column("amount", MONEY, "yuan, of this product on the line"),
    column("sku_attributes", JSONB, "name to value, Chinese: 1688 skuInfos, Xportcn option_fields.zh or skuPv.zh"),
    column("sku_text", Text, "the same as readable text"),
    column("sku_attributes_en", JSONB, "name to value, English: Xportcn option_fields.en or skuPv.en"),
    column("sku_text_en", Text, "the same as readable text"),
    _removed_at(),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id", "sub_order_id", "item_no"),
    Index(None, "product_id"),
    Index(None, "sku_id"),
    Index(None, "synced_at"),
    comment="one row a product on a line",
)

order_parcels = Table(
    "order_parcels",
    metadata,
    _platform(),
    _order_id(),
    key("parcel_id", Text, "1688 logisticsItems.id, else its bill number, else its position; Xportcn the bill number"),
    column(
        "tracking_no", Text, "1688 logisticsBillNo, NULL when nothing is sent; Xportcn logistic_number (in no sample)"
    ),
    column("carrier_name", Text, "1688 logisticsCompanyName, Xportcn logistic_company_name"),
    column("carrier_code", Text, "1688 logisticsCompanyNo"),
    column("status", Text, "1688 logisticsItems.status, e.g. alreadysend"),
    column("delivery_type", Text, "1688 type: 0 own, 1 online, 2 none"),
    column("freight_amount", MONEY, "yuan: 1688 carriage (yuan)"),
    column("delivered_at", TIME, "when it was sent: 1688 deliveredTime, Xportcn rts_time"),
    column("sub_order_ids", TEXTS, "the lines it carries: 1688 subItemIds, Xportcn the lines whose result names it"),
    _removed_at(),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id", "parcel_id"),
    Index(None, "tracking_no"),
    Index(None, "synced_at"),
    comment="one row a parcel",
)

order_receivers = Table(
    "order_receivers",
    metadata,
    _platform(),
    _order_id(),
    column("name", Text, "1688 contactPerson (masked), KA name"),
    column("phone", Text, "1688 telephone, KA phone"),
    column("mobile", Text, "1688 mobile (masked), KA mobilePhone"),
    *_receiver_place("receiver"),
    column("district", Text, "1688 area, KA district"),
    column("district_code", Text, "1688 areaCode, else receiverInfo.toDivisionCode"),
    column("town", Text, "1688 town: town or street"),
    column("town_code", Text, "1688 townCode, else receiverInfo.toTownCode"),
    column(
        "address", Text, "street and house, masked on 1688; all of the address where 1688 sends receiverInfo.toArea"
    ),
    column("zip", Text, "postal code"),
    column("tax_id", Text, "KA taxId"),
    column("encrypted_id", Text, "1688 caid: the receiver encrypted for one app id"),
    _removed_at(),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id"),
    Index(None, "synced_at"),
    comment="the person an order goes to; apart, so that BI roles need no right to it",
)

order_history = Table(
    "order_history",
    metadata,
    _platform(),
    _order_id(),
    column(
        "seen_at",
        TIME,
        "when this change landed; equals synced_at of the order then",
        nullable=False,
        server_default=func.now(),
    ),
    column("read_at", TIME, "when the read that brought it began, by the database's clock", nullable=False),
    column("window_id", BigInteger, "the window that brought it, sync.windows.id"),
    column(
        "changed", TEXTS, "columns of orders that changed, and names of tables whose rows did; NULL for the first sight"
    ),
    column("status", Text, "as in orders, after the change"),
    column("status_group", Text, "as in orders, after the change"),
    column("refund_status", Text, "as in orders, after the change"),
    column("total_amount", MONEY, "yuan, after the change"),
    column("shipping_amount", MONEY, "yuan, after the change"),
    column("discount_amount", MONEY, "yuan, after the change"),
    column("paid_amount", MONEY, "yuan, after the change"),
    column("refund_amount", MONEY, "yuan, after the change"),
    column("modified_at", TIME, "as in orders, after the change"),
    column("paid_at", TIME, "as in orders, after the change"),
    column("delivered_at", TIME, "as in orders, after the change"),
    column("received_at", TIME, "as in orders, after the change"),
    column("completed_at", TIME, "as in orders, after the change"),
    column("line_count", Integer, "as in orders, after the change"),
    PrimaryKeyConstraint("platform", "order_id", "seen_at"),
    Index(None, "seen_at"),
    comment="what an order looked like at each landed change; append only",
)

order_statuses = Table(
    "order_statuses",
    metadata,
    _platform(),
    key("status", Text, "as in orders.status"),
    column("name_zh", Text, "Chinese name", nullable=False),
    column("name_en", Text, "English name", nullable=False),
    column("status_group", Text, "the group of the status, the same words on every platform", nullable=False),
    column("is_final", Boolean, "nothing but a refund follows", nullable=False),
    PrimaryKeyConstraint("platform", "status"),
    comment="every status the platforms document",
)

raw_orders = Table(
    "raw_orders",
    metadata,
    _platform(),
    key("account", Text, "the account that keeps it current"),
    _order_id(),
    column("payload_hash", BYTEA, "XXH3, 128 bits, of the payload's bytes", nullable=False),
    column("rows_hash", BYTEA, "blake2b, 16 bytes, of the rows the payload became", nullable=False),
    column("modified_at", TIME, "version, first part: the platform's modify time, where there is one"),
    column(
        "read_at",
        TIME,
        "version, second part: when the read that brought it began, by the database's clock",
        nullable=False,
    ),
    column(
        "time_went_back_at",
        TIME,
        "when the last read began whose older modify time was believed: what was read before is older than it, "
        "whatever its modify time; NULL as a rule",
    ),
    column("window_id", BigInteger, "the window that brought it, sync.windows.id"),
    column("payload", JSON, "the record exactly as received, byte for byte"),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id"),
    comment="the payload as received; holds what has no column",
)

BUSINESS = (
    orders,
    sub_orders,
    product_items,
    order_parcels,
    order_receivers,
    order_history,
    order_statuses,
    raw_orders,
)
