"""Every table, column, key, index and comment, once. Migrations are held against this by `alembic check`.

`public` is for analysts, `sync` is the machinery. Business tables are keyed by (platform, order_id, ...) and no foreign
key leaves an order, so that they can be distributed by order_id without a new schema. The columns of a business table
are `platform`, (some) `account`, the fields of its row struct in `domain/rows.py` in the same order, then ours.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSON, JSONB, ExcludeConstraint
from sqlalchemy.types import TypeEngine

MACHINERY = "sync"
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
    }
)

TEXTS = ARRAY(Text)
MONEY = Numeric(18, 2)
TIME = DateTime(timezone=True)

# account and feed as a range of one number: ranges need no extension to be told apart in an exclusion constraint
ONE_FEED = "int8range(hashtextextended(account || ' ' || feed, 0), hashtextextended(account || ' ' || feed, 0), '[]')"


def _column(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], comment: str, **options: Any) -> Column[Any]:
    return Column(name, type_, comment=comment, **options)


def _key(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    return _column(name, type_, comment, nullable=False)


def _platform() -> Column[Any]:
    return _key("platform", Text, "1688, xportcn_open or xportcn_ka")


def _order_id() -> Column[Any]:
    return _key(
        "order_id", Text, "platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number"
    )


def _synced_at() -> Column[Any]:
    return _column(
        "synced_at",
        TIME,
        "when this version landed (start of its transaction); page on it with a margin of some minutes",
        nullable=False,
        server_default=func.now(),
    )


def _removed_at() -> Column[Any]:
    return _column("removed_at", TIME, "when the platform stopped listing it on its order; NULL while it is listed")


def _receiver_place(what: str) -> list[Column[Any]]:
    return [
        _column("country", Text, f"{what}: country; NULL when not said"),
        _column("province", Text, f"{what}: 1688 province, KA state"),
        _column("city", Text, f"{what}: city"),
    ]


orders = Table(
    "orders",
    metadata,
    _platform(),
    _key("account", Text, "the account it was first read by"),
    _order_id(),
    _column(
        "order_no",
        Text,
        "the number people search by: 1688 the order id, Xportcn orderNo (KA: may carry several purchases)",
    ),
    _column("seller_order_no", Text, "the seller's own number: Xportcn sellerOrderNumber"),
    _column("purchase_id", Text, "KA purchaseId"),
    _column("outer_purchase_id", Text, "number at the market behind the platform: KA purchaseOrderOuterId"),
    _column("status", Text, "exactly as the platform says it; names in order_statuses", nullable=False),
    _column(
        "status_group",
        Text,
        "the same on every platform, see order_statuses; partly_shipped also looks at the lines",
        nullable=False,
    ),
    _column("upstream_status", Text, "raw status of the market behind the platform: KA orderStatusDesc"),
    _column("refund_status", Text, "1688 refundStatus; KA the most advanced refundStatus code of its lines"),
    _column("refund_id", Text, "1688 refundId: refund while the trade is open"),
    _column("after_sale_refund_status", Text, "1688 refundStatusForAs"),
    _column("after_sale_refund_id", Text, "1688 refundIdForAs"),
    _column("close_reason", Text, "1688 closeReason, free text"),
    _column("closed_by", Text, "1688 closeOperateType"),
    _column("trade_type", Text, "1688 tradeTypeCode, else tradeType"),
    _column("business_type", Text, "1688 businessType"),
    _column("source", Text, "where the order was placed: Xportcn orderSource"),
    _column("currency", Text, "of every amount in the row", nullable=False),
    _column("total_amount", MONEY, "payable, yuan: 1688 totalAmount (yuan), Xportcn purchaseAmount (fen)"),
    _column("product_amount", MONEY, "goods before discounts, yuan: 1688 sumProductPayment (yuan)"),
    _column("shipping_amount", MONEY, "postage, yuan: 1688 shippingFee (yuan)"),
    _column("discount_amount", MONEY, "yuan, may be negative: 1688 discount (fen)"),
    _column("coupon_amount", MONEY, "yuan, already taken off total_amount: 1688 couponFee (yuan)"),
    _column("paid_amount", MONEY, "paid so far, yuan: 1688 sum of newStepOrderList.paidFee (yuan)"),
    _column("refund_amount", MONEY, "yuan: 1688 refund (yuan)"),
    _column("refund_payment_raw", Text, "1688 refundPayment as received: its unit is not documented"),
    _column("created_at", TIME, "1688 createTime (own offset), Xportcn createTime (Asia/Shanghai)"),
    _column("modified_at", TIME, "1688 modifyTime; NULL on Xportcn, which has none"),
    _column("pay_expires_at", TIME, "1688 gmtPayExpireTime"),
    _column("paid_at", TIME, "first payment: payTime"),
    _column("delivered_at", TIME, "everything shipped: 1688 allDeliveredTime"),
    _column("received_at", TIME, "everything received: 1688 receivingTime"),
    _column("confirmed_at", TIME, "1688 confirmedTime"),
    _column("completed_at", TIME, "1688 completeTime"),
    _column("buyer_id", Text, "1688 buyerOpenUid (differs between app ids), KA userId"),
    _column("buyer_name", Text, "login name: 1688 buyerLoginId (masked), Xportcn userName"),
    _column("buyer_company", Text, "1688 buyerContact.companyName"),
    _column("seller_id", Text, "the seller's id, when the platform gives one"),
    _column("seller_name", Text, "1688 sellerLoginId (masked), KA supplierNick"),
    _column("seller_company", Text, "1688 sellerContact.companyName"),
    _column("buyer_message", Text, "what the buyer wrote: 1688 buyerFeedback or remark, KA remark"),
    _column("buyer_memo", Text, "1688 buyerMemo"),
    _column("seller_memo", Text, "1688 sellerMemo"),
    _column("seller_flag", Text, "1688 sellerRemarkIcon: 1 red, 2 blue, 3 green, 4 yellow"),
    *_receiver_place("where it goes"),
    _column("pay_channels", TEXTS, "1688 payChannelList"),
    _column("payment_no", Text, "1688 alipayTradeId, Xportcn alipay_pay_order_no; NULL before payment"),
    _column("tracking_numbers", TEXTS, "of all parcels, see order_parcels"),
    _column("line_count", Integer, "lines listed now, removed ones not counted", nullable=False),
    _column("notes", TEXTS, "what was odd about the record and how it was read; NULL when nothing was"),
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
    _key(
        "sub_order_id",
        Text,
        "1688 subItemIDString, KA line id, xportcn_open itemId:skuId:ordinal among equal lines (it has no id)",
    ),
    _column("line_no", Integer, "position on the order as listed, from 1", nullable=False),
    _column("order_no", Text, "number of the order it is on"),
    _column("status", Text, "as the platform says it: 1688 status, KA subOrderStatus, xportcn_open status"),
    _column("upstream_status", Text, "subOrderResult.status of the market behind Xportcn"),
    _column(
        "refund_status", Text, "1688 refundStatus (upper case words), KA refundStatus code (0 none .. 100 refunded)"
    ),
    _column("refund_id", Text, "1688 refundId, KA refundId"),
    _column("after_sale_refund_status", Text, "1688 refundStatusForAs"),
    _column("after_sale_refund_id", Text, "1688 refundIdForAs"),
    _column("close_reason", Text, "1688 closeReason, xportcn_open closeReason"),
    _column("is_closed", Boolean, "Xportcn subOrderResult.closed"),
    _column("currency", Text, "of every amount in the row", nullable=False),
    _column(
        "amount",
        MONEY,
        "yuan: 1688 itemAmount (yuan), KA purchase_amount (fen), xportcn_open purchaseAmount (fen) x quantity",
    ),
    _column("paid_amount", MONEY, "yuan: 1688 actualPaidFee (fen)"),
    _column("discount_amount", MONEY, "yuan, may be negative: 1688 entryDiscount (fen)"),
    _column("shipping_amount", MONEY, "yuan: 1688 sharePostage (yuan), Xportcn domestic_post_fee (fen)"),
    _column("refund_amount", MONEY, "yuan: 1688 refund (yuan)"),
    _column("estimated_amount", MONEY, "yuan, may differ from amount: KA createSubOrderResult.estimate_amount (fen)"),
    _column("shared_promotion_raw", Text, "1688 orderSharedPromotionFee as received: its unit is not documented"),
    _column("item_discount_raw", Text, "1688 itemDiscountFee as received: its unit is not documented"),
    _column("cross_promotion_raw", Text, "1688 crossPromotionFee as received: its unit is not documented"),
    _column("purchase_id", Text, "KA taobaoPurchaseId"),
    _column("sub_purchase_id", Text, "KA taobaoSubPurchaseId, xportcn_open sub_purchase_order_id"),
    _column("outer_purchase_id", Text, "Xportcn purchase_order_outer_id"),
    _column("outer_line_id", Text, "Xportcn purchase_order_line_outer_id"),
    _column("merchant_line_no", Text, "the merchant's own line number: KA createSubOrderResult.order_line_no"),
    _column("payment_no", Text, "Xportcn alipay_pay_order_no"),
    _column(
        "logistics_status",
        Text,
        "1688: 1 not shipped, 2 shipped, 3 received, 4 returned, 5 partly shipped, 8 no logistics order yet",
    ),
    _column("tracking_numbers", TEXTS, "of the parcels that carry this line"),
    _column("created_at", TIME, "1688 gmtCreate"),
    _column("modified_at", TIME, "1688 gmtModified"),
    _column("pay_expires_at", TIME, "Xportcn close_time_without_payment (epoch ms)"),
    _column("guarantees", TEXTS, "short codes: 1688 guaranteesTerms, Xportcn serviceList"),
    _column("error_code", Text, "Xportcn errorCode"),
    _column("error_message", Text, "Xportcn errorMessage"),
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
    _key("sub_order_id", Text, "the line it is on"),
    _key("item_no", Integer, "position on the line, from 1"),
    _column("product_id", Text, "1688 productID, Xportcn itemId"),
    _column("sku_id", Text, "1688 skuID, Xportcn skuId"),
    _column("spec_id", Text, "1688 specId"),
    _column("cargo_no", Text, "the seller's article number: 1688 productCargoNumber"),
    _column("title", Text, "product name at the time of the order"),
    _column("image_url", Text, "full-size image"),
    _column("snapshot_url", Text, "1688 productSnapshotUrl: the offer as it was"),
    _column("shop_id", Text, "Xportcn option_fields.shopId"),
    _column("shop_name", Text, "Xportcn option_fields.shopName"),
    _column("unit", Text, "what quantity counts: 1688 unit"),
    _column("quantity", Numeric, "may be a fraction"),
    _column("currency", Text, "of every amount in the row", nullable=False),
    _column("unit_price", MONEY, "yuan: 1688 price (yuan), xportcn_open purchaseAmount (fen)"),
    _column("amount", MONEY, "yuan, of this product on the line"),
    _column("sku_attributes", JSONB, "name to value, Chinese: 1688 skuInfos, Xportcn option_fields.zh"),
    _column("sku_text", Text, "the same as readable text"),
    _column("sku_attributes_en", JSONB, "name to value, English: Xportcn option_fields.en"),
    _column("sku_text_en", Text, "the same as readable text"),
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
    _key("parcel_id", Text, "1688 logisticsItems.id, else its bill number, else its position"),
    _column("tracking_no", Text, "1688 logisticsBillNo; NULL when nothing is sent"),
    _column("carrier_name", Text, "1688 logisticsCompanyName"),
    _column("carrier_code", Text, "1688 logisticsCompanyNo"),
    _column("status", Text, "1688 logisticsItems.status, e.g. alreadysend"),
    _column("delivery_type", Text, "1688 type: 0 own, 1 online, 2 none"),
    _column("freight_amount", MONEY, "yuan: 1688 carriage (yuan)"),
    _column("delivered_at", TIME, "1688 deliveredTime"),
    _column("sub_order_ids", TEXTS, "the lines it carries: 1688 subItemIds"),
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
    _column("name", Text, "1688 contactPerson (masked), KA name"),
    _column("phone", Text, "1688 telephone, KA phone"),
    _column("mobile", Text, "1688 mobile (masked), KA mobilePhone"),
    *_receiver_place("receiver"),
    _column("district", Text, "1688 area, KA district"),
    _column("district_code", Text, "1688 areaCode"),
    _column("address", Text, "street and house, masked on 1688"),
    _column("zip", Text, "postal code"),
    _column("tax_id", Text, "KA taxId"),
    _column("encrypted_id", Text, "1688 caid: the receiver encrypted for one app id"),
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
    _column(
        "seen_at",
        TIME,
        "when this change landed; equals synced_at of the order then",
        nullable=False,
        server_default=func.now(),
    ),
    _column("read_at", TIME, "when the read that brought it began, by the database's clock", nullable=False),
    _column("window_id", BigInteger, "the window that brought it, sync.windows.id"),
    _column(
        "changed", TEXTS, "columns of orders that changed, and names of tables whose rows did; NULL for the first sight"
    ),
    _column("status", Text, "as in orders, after the change"),
    _column("status_group", Text, "as in orders, after the change"),
    _column("refund_status", Text, "as in orders, after the change"),
    _column("total_amount", MONEY, "yuan, after the change"),
    _column("shipping_amount", MONEY, "yuan, after the change"),
    _column("discount_amount", MONEY, "yuan, after the change"),
    _column("paid_amount", MONEY, "yuan, after the change"),
    _column("refund_amount", MONEY, "yuan, after the change"),
    _column("modified_at", TIME, "as in orders, after the change"),
    _column("paid_at", TIME, "as in orders, after the change"),
    _column("delivered_at", TIME, "as in orders, after the change"),
    _column("received_at", TIME, "as in orders, after the change"),
    _column("completed_at", TIME, "as in orders, after the change"),
    _column("line_count", Integer, "as in orders, after the change"),
    PrimaryKeyConstraint("platform", "order_id", "seen_at"),
    Index(None, "seen_at"),
    comment="what an order looked like at each landed change; append only",
)

order_statuses = Table(
    "order_statuses",
    metadata,
    _platform(),
    _key("status", Text, "as in orders.status"),
    _column("name_zh", Text, "Chinese name", nullable=False),
    _column("name_en", Text, "English name", nullable=False),
    _column("status_group", Text, "the group of the status, the same words on every platform", nullable=False),
    _column("is_final", Boolean, "nothing but a refund follows", nullable=False),
    PrimaryKeyConstraint("platform", "status"),
    comment="every status the platforms document",
)

raw_orders = Table(
    "raw_orders",
    metadata,
    _platform(),
    _key("account", Text, "the account it was first read by"),
    _order_id(),
    _column("payload_hash", BYTEA, "XXH3, 128 bits, of the payload's bytes", nullable=False),
    _column("rows_hash", BYTEA, "blake2b, 16 bytes, of the rows the payload became", nullable=False),
    _column("modified_at", TIME, "version, first part: the platform's modify time, where there is one"),
    _column(
        "read_at",
        TIME,
        "version, second part: when the read that brought it began, by the database's clock",
        nullable=False,
    ),
    _column("window_id", BigInteger, "the window that brought it, sync.windows.id"),
    _column("payload", JSON, "the record exactly as received, byte for byte"),
    _synced_at(),
    PrimaryKeyConstraint("platform", "order_id"),
    comment="the payload as received; holds what has no column",
)

fences = Sequence("fences", schema=MACHINERY, metadata=metadata)

accounts = Table(
    "accounts",
    metadata,
    _key("name", Text, "as in the settings"),
    _column("platform", Text, "1688, xportcn_open or xportcn_ka", nullable=False),
    _column("seller", Text, "1688 seller_nick, Xportcn user_id", nullable=False),
    _column("feed", Text, "what incremental runs list by: updated or created", nullable=False),
    _column("history_from", TIME, "the earliest moment planned so far"),
    _column("watermark", TIME, "everything the feed holds before it has landed, with proof"),
    _column("last_error", Text, "why the last run of the account stopped; NULL after one that did not"),
    _column("suspended_at", TIME, "when the platform refused its credentials; no call is made since"),
    _column("suspended_because", Text, "what the platform said then"),
    _column("credentials", Text, "a fingerprint of what was refused: other credentials lift the suspension"),
    _column("rests_until", TIME, "its windows failed one after the other: the service makes no call for it before"),
    _column("updated_at", TIME, "when this row last changed", nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("name"),
    schema=MACHINERY,
    comment="one row an account",
)

windows = Table(
    "windows",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the window"),
    _column("account", Text, "sync.accounts.name", nullable=False),
    _column(
        "kind",
        Text,
        "incremental moves the watermark; hook, confirm, sweep, backfill and repair read again",
        nullable=False,
    ),
    _column("feed", Text, "updated or created: the time the list is filtered by", nullable=False),
    _column("status", Text, "only orders in this status were asked for: proves nothing of the range; NULL for all"),
    _column("starts_at", TIME, "first moment of the window", nullable=False),
    _column("ends_at", TIME, "first moment after the window", nullable=False),
    _column(
        "state",
        Text,
        "planned, running, done, failed, or split into smaller ones",
        nullable=False,
        server_default="planned",
    ),
    _column("parent_id", BigInteger, "the window this one was split from"),
    _column("backfill_id", BigInteger, "the backfill it belongs to, sync.backfills.id"),
    _column("attempts", Integer, "how often it was claimed", nullable=False, server_default="0"),
    _column("fence", BigInteger, "number of the claim: only its holder may commit", nullable=False, server_default="0"),
    _column("owner", Text, "host and process that claimed it"),
    _column("lease_until", TIME, "after this anyone may claim it again"),
    _column("total", Integer, "rows the platform counted, newest word"),
    _column("seen", Integer, "distinct rows read"),
    _column("calls", Integer, "calls spent, retries included", nullable=False, server_default="0"),
    _column("rows_new", Integer, "orders landed for the first time"),
    _column("rows_changed", Integer, "orders landed again, changed"),
    _column("rows_unchanged", Integer, "orders that needed no write"),
    _column("rows_stale", Integer, "orders older than what is stored: dropped"),
    _column("rows_rejected", Integer, "records that went to sync.rejects"),
    _column("error", Text, "why it failed, or what was odd"),
    _column("planned_at", TIME, "when it was planned", nullable=False, server_default=func.now()),
    _column("started_at", TIME, "when it was last claimed"),
    _column("finished_at", TIME, "when it was done, split or failed"),
    PrimaryKeyConstraint("id"),
    CheckConstraint("starts_at < ends_at", name="ck_windows_not_empty"),
    CheckConstraint("status IS NULL OR kind = 'sweep'", name="ck_windows_status"),
    CheckConstraint("state IN ('planned', 'running', 'done', 'failed', 'split')", name="ck_windows_state"),
    ExcludeConstraint(
        (text(ONE_FEED), "&&"),
        (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
        where=text("state = 'running'"),
        using="gist",
        name="ex_windows_one_reader",
    ),
    Index(
        "ix_windows_open",
        "account",
        "kind",
        "starts_at",
        postgresql_where=text("state IN ('planned', 'running', 'failed')"),
    ),
    Index(None, "account", "kind", "ends_at"),
    Index("ix_windows_backfill", "backfill_id", postgresql_where=text("backfill_id IS NOT NULL")),
    Index("ix_windows_finished", "finished_at", postgresql_where=text("state IN ('done', 'split')")),
    schema=MACHINERY,
    comment="the ledger: every window planned, what happened to it",
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the reject"),
    _column("account", Text, "sync.accounts.name", nullable=False),
    _column("platform", Text, "1688, xportcn_open or xportcn_ka", nullable=False),
    _column("order_id", Text, "when it could be read"),
    _column("payload", BYTEA, "the record exactly as received; bytes, it may not even be text", nullable=False),
    _column("payload_hash", BYTEA, "XXH3, 128 bits, of the payload", nullable=False),
    _column("reason", Text, "what could not be normalised, with the field", nullable=False),
    _column("window_id", BigInteger, "the window that brought it first, sync.windows.id"),
    _column("read_at", TIME, "when the read that brought it began, by the database's clock", nullable=False),
    _column("rejected_at", TIME, "when it was first seen", nullable=False, server_default=func.now()),
    _column("resolved_at", TIME, "when the order landed after all"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account", "payload_hash"),
    Index("ix_rejects_open", "platform", "order_id", postgresql_where=text("resolved_at IS NULL")),
    Index("ix_rejects_window", "window_id", postgresql_where=text("resolved_at IS NULL")),
    Index("ix_rejects_settled", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
    schema=MACHINERY,
    comment="records that could not be normalised, whole",
)

backfills = Table(
    "backfills",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the backfill"),
    _column("account", Text, "sync.accounts.name", nullable=False),
    _column("feed", Text, "updated or created: the time its windows are filtered by", nullable=False),
    _column("starts_at", TIME, "first moment asked for", nullable=False),
    _column("ends_at", TIME, "first moment after what is asked for", nullable=False),
    _column("everything", Boolean, "read windows again that are complete", nullable=False, server_default="false"),
    _column("state", Text, "requested, planned, done, failed or cancelled", nullable=False, server_default="requested"),
    _column("requested_by", Text, "the database role that asked", nullable=False, server_default=text("session_user")),
    _column("requested_at", TIME, "when it was asked for", nullable=False, server_default=func.now()),
    _column("finished_at", TIME, "when it was done, failed or cancelled"),
    _column("error", Text, "why it could not be planned or read"),
    PrimaryKeyConstraint("id"),
    CheckConstraint("starts_at < ends_at", name="ck_backfills_not_empty"),
    CheckConstraint("state IN ('requested', 'planned', 'done', 'failed', 'cancelled')", name="ck_backfills_state"),
    Index("ix_backfills_open", "account", postgresql_where=text("state IN ('requested', 'planned')")),
    schema=MACHINERY,
    comment="ranges somebody asked to be read; sync.request_backfill() adds one",
)

audits = Table(
    "audits",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the audit"),
    _column("account", Text, "sync.accounts.name", nullable=False),
    _column("starts_at", TIME, "first moment of creation time compared", nullable=False),
    _column("ends_at", TIME, "first moment after it", nullable=False),
    _column("started_at", TIME, "when it began", nullable=False, server_default=func.now()),
    _column("finished_at", TIME, "when it ended; NULL while it runs, or when it was cut off"),
    _column("platform_orders", Integer, "orders the platform counts"),
    _column("table_orders", Integer, "orders and open rejects in the tables"),
    _column("differences", Integer, "ranges that differ, sync.audit_differences"),
    _column("calls", Integer, "calls spent on counting", nullable=False, server_default="0"),
    _column(
        "is_routine", Boolean, "the service made it by itself, of everything", nullable=False, server_default="false"
    ),
    _column("error", Text, "why it stopped"),
    PrimaryKeyConstraint("id"),
    Index(None, "account", "started_at"),
    schema=MACHINERY,
    comment="the platform's own counts by creation time against the tables",
)

audit_differences = Table(
    "audit_differences",
    metadata,
    _key("audit_id", BigInteger, "sync.audits.id"),
    _key("starts_at", TIME, "first moment of creation time that differs"),
    _column("ends_at", TIME, "first moment after it", nullable=False),
    _column("platform_orders", Integer, "orders the platform counts", nullable=False),
    _column("table_orders", Integer, "orders and open rejects in the tables", nullable=False),
    _column("repaired_at", TIME, "when a read of the range ended the difference"),
    PrimaryKeyConstraint("audit_id", "starts_at"),
    schema=MACHINERY,
    comment="where an audit found another number, as narrow as it looked",
)

rates = Table(
    "rates",
    metadata,
    _key("key", Text, "the account or app whose calls are counted together"),
    _column("next_at", TIME, "when the next call may be made, by the database's clock", nullable=False),
    PrimaryKeyConstraint("key"),
    schema=MACHINERY,
    comment="the rate of an account or app, shared by all processes",
)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(), comment="number of the message"),
    _column("account", Text, "sync.accounts.name", nullable=False),
    _column("digest", BYTEA, "XXH3, 128 bits, of the body: the same one once", nullable=False),
    _column("message_type", Text, "messageType, once it was looked at and could be read"),
    _column("order_no", Text, "orderNo of the order it speaks of, when it names one"),
    _column("order_id", Text, "orderId of the order it speaks of, when it names one"),
    _column("body", BYTEA, "exactly as received; bytes, it may not even be text", nullable=False),
    _column("received_at", TIME, "when it came first", nullable=False, server_default=func.clock_timestamp()),
    _column("handled_at", TIME, "when the read of its order was planned, or that there is none; NULL while it waits"),
    _column("outcome", Text, "what was done about it, or what it waits for"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("account", "digest", name="uq_messages"),
    Index("ix_messages_waiting", "account", "id", postgresql_where=text("handled_at IS NULL")),
    Index(None, "received_at"),
    schema=MACHINERY,
    comment="what platforms told by themselves: hints on orders that are then read from the API",
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

# which of our names stand in a database already
TAKEN = "SELECT name FROM unnest(ARRAY[{}]) AS name WHERE to_regclass(name) IS NOT NULL ORDER BY name".format(  # noqa: S608
    ", ".join(f"'{name}'" for name in sorted(metadata.tables))
)
