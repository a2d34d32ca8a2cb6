"""The tables of orders as a whole: the order, its history, its payload, and the names of its statuses.

All in `public`, for analysts; the parts of an order are in `order_parts`.

They are keyed by (platform, order_id, ...) and no foreign key leaves an order, so that they can be distributed by
order_id without a new schema. Their columns are `platform`, (some) `account`, the fields of the row struct in
`domain/rows.py` in the same order, then those that the database fills.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Integer, PrimaryKeyConstraint, Table, Text, func
from sqlalchemy.dialects.postgresql import BYTEA, JSON

from orders_sync.store.tables.columns import (
    INFERRED,
    MONEY,
    TEXTS,
    TIME,
    changed_xid,
    column,
    destination,
    direction,
    index,
    key,
    metadata,
    order_id,
    platform,
    synced_at,
)

orders = Table(
    "orders",
    metadata,
    platform(),
    key("account", Text, "the account that keeps it current"),
    order_id(),
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
    *destination("where it goes"),
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
    synced_at(),
    direction(),
    changed_xid("transaction that wrote this version; bi.changes_since() reads by it"),
    column(
        "refunded_at",
        TIME,
        "when it was first seen refunded: modified_at of that version, else its synced_at; NULL also where its first "
        "version shows the refund and is still its last",
    ),
    PrimaryKeyConstraint("platform", "order_id"),
    index("order_no", needed_by="store/order_numbers.py"),
    index("purchase_id", needed_by="store/order_numbers.py", only_set=True),
    index("outer_purchase_id", needed_by="store/order_numbers.py", only_set=True),
    index("seller_order_no", needed_by="store/order_numbers.py", only_set=True),
    index("refund_id", needed_by="store/order_numbers.py", only_set=True),
    index("after_sale_refund_id", needed_by="store/order_numbers.py", only_set=True),
    index("payment_no", needed_by="store/order_numbers.py", only_set=True),
    index("account", "created_at", needed_by="store/sweep_queries.py"),
    index("status_group", "created_at", needed_by="docs/queries.md: refunded, and still shipped"),
    index("created_at", needed_by="docs/queries.md: the average of some months, over all accounts"),
    index("modified_at", needed_by="store/audits.py: lists by update time"),
    index("paid_at", needed_by="docs/queries.md: paid and not shipped; paid and then cancelled"),
    index("changed_xid", "platform", "order_id", needed_by="store/bi/changes_since.sql"),
    comment="one row per order",
)

order_history = Table(
    "order_history",
    metadata,
    platform(),
    order_id(),
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
    direction(),
    changed_xid("transaction that wrote this row"),
    PrimaryKeyConstraint("platform", "order_id", "seen_at"),
    index("seen_at", needed_by="store/retention.py"),
    comment="what an order looked like at each landed change; append only",
)

order_statuses = Table(
    "order_statuses",
    metadata,
    platform(),
    key("status", Text, "as in orders.status"),
    column("name_zh", Text, "Chinese name", nullable=False),
    column("name_en", Text, "English name", nullable=False),
    column("status_group", Text, "the group of the status, the same words on every platform", nullable=False),
    column("is_final", Boolean, "nothing but a refund follows", nullable=False),
    direction(),
    PrimaryKeyConstraint("platform", "status"),
    comment="every status the platforms document",
)

raw_orders = Table(
    "raw_orders",
    metadata,
    platform(),
    key("account", Text, "the account that keeps it current"),
    order_id(),
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
    synced_at(),
    direction(),
    PrimaryKeyConstraint("platform", "order_id"),
    comment="the payload as received; holds what has no column",
)
