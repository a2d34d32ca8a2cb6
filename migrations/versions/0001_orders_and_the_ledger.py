"""orders and the ledger"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE sync.fences")
    op.create_table(
        "order_history",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this change landed; equals synced_at of the order then",
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the read that brought it began, by the database's clock",
        ),
        sa.Column("window_id", sa.BigInteger(), nullable=True, comment="the window that brought it, sync.windows.id"),
        sa.Column(
            "changed",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="columns of orders that changed, and names of tables whose rows did; NULL for the first sight",
        ),
        sa.Column("status", sa.Text(), nullable=True, comment="as in orders, after the change"),
        sa.Column("status_group", sa.Text(), nullable=True, comment="as in orders, after the change"),
        sa.Column("refund_status", sa.Text(), nullable=True, comment="as in orders, after the change"),
        sa.Column("total_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan, after the change"),
        sa.Column(
            "shipping_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan, after the change"
        ),
        sa.Column(
            "discount_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan, after the change"
        ),
        sa.Column("paid_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan, after the change"),
        sa.Column("refund_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan, after the change"),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True, comment="as in orders, after the change"),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True, comment="as in orders, after the change"),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True, comment="as in orders, after the change"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True, comment="as in orders, after the change"),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True, comment="as in orders, after the change"),
        sa.Column("line_count", sa.Integer(), nullable=True, comment="as in orders, after the change"),
        sa.PrimaryKeyConstraint("platform", "order_id", "seen_at", name=op.f("pk_order_history")),
        comment="what an order looked like at each landed change; append only",
    )
    op.create_index(op.f("ix_order_history_seen_at"), "order_history", ["seen_at"], unique=False)
    op.create_table(
        "order_parcels",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column(
            "parcel_id",
            sa.Text(),
            nullable=False,
            comment="1688 logisticsItems.id, else its bill number, else its position",
        ),
        sa.Column("tracking_no", sa.Text(), nullable=True, comment="1688 logisticsBillNo; NULL when nothing is sent"),
        sa.Column("carrier_name", sa.Text(), nullable=True, comment="1688 logisticsCompanyName"),
        sa.Column("carrier_code", sa.Text(), nullable=True, comment="1688 logisticsCompanyNo"),
        sa.Column("status", sa.Text(), nullable=True, comment="1688 logisticsItems.status, e.g. alreadysend"),
        sa.Column("delivery_type", sa.Text(), nullable=True, comment="1688 type: 0 own, 1 online, 2 none"),
        sa.Column(
            "freight_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan: 1688 carriage (yuan)"
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True, comment="1688 deliveredTime"),
        sa.Column(
            "sub_order_ids", postgresql.ARRAY(sa.Text()), nullable=True, comment="the lines it carries: 1688 subItemIds"
        ),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the platform stopped listing it on its order; NULL while it is listed",
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this version landed (start of its transaction); page on it with a margin of some minutes",
        ),
        sa.PrimaryKeyConstraint("platform", "order_id", "parcel_id", name=op.f("pk_order_parcels")),
        comment="one row a parcel",
    )
    op.create_index(op.f("ix_order_parcels_synced_at"), "order_parcels", ["synced_at"], unique=False)
    op.create_index(op.f("ix_order_parcels_tracking_no"), "order_parcels", ["tracking_no"], unique=False)
    op.create_table(
        "order_receivers",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="1688 contactPerson (masked), KA name"),
        sa.Column("phone", sa.Text(), nullable=True, comment="1688 telephone, KA phone"),
        sa.Column("mobile", sa.Text(), nullable=True, comment="1688 mobile (masked), KA mobilePhone"),
        sa.Column("country", sa.Text(), nullable=True, comment="receiver: country; NULL when not said"),
        sa.Column("province", sa.Text(), nullable=True, comment="receiver: 1688 province, KA state"),
        sa.Column("city", sa.Text(), nullable=True, comment="receiver: city"),
        sa.Column("district", sa.Text(), nullable=True, comment="1688 area, KA district"),
        sa.Column("district_code", sa.Text(), nullable=True, comment="1688 areaCode"),
        sa.Column("address", sa.Text(), nullable=True, comment="street and house, masked on 1688"),
        sa.Column("zip", sa.Text(), nullable=True, comment="postal code"),
        sa.Column("tax_id", sa.Text(), nullable=True, comment="KA taxId"),
        sa.Column("encrypted_id", sa.Text(), nullable=True, comment="1688 caid: the receiver encrypted for one app id"),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the platform stopped listing it on its order; NULL while it is listed",
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this version landed (start of its transaction); page on it with a margin of some minutes",
        ),
        sa.PrimaryKeyConstraint("platform", "order_id", name=op.f("pk_order_receivers")),
        comment="the person an order goes to; apart, so that BI roles need no right to it",
    )
    op.create_index(op.f("ix_order_receivers_synced_at"), "order_receivers", ["synced_at"], unique=False)
    op.create_table(
        "order_statuses",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("status", sa.Text(), nullable=False, comment="as in orders.status"),
        sa.Column("name_zh", sa.Text(), nullable=False, comment="Chinese name"),
        sa.Column("name_en", sa.Text(), nullable=False, comment="English name"),
        sa.Column(
            "status_group",
            sa.Text(),
            nullable=False,
            comment="the group of the status, the same words on every platform",
        ),
        sa.Column("is_final", sa.Boolean(), nullable=False, comment="nothing but a refund follows"),
        sa.PrimaryKeyConstraint("platform", "status", name=op.f("pk_order_statuses")),
        comment="every status the platforms document",
    )
    op.create_table(
        "orders",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("account", sa.Text(), nullable=False, comment="the account it was first read by"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column(
            "order_no",
            sa.Text(),
            nullable=True,
            comment="the number people search by: 1688 the order id, Xportcn orderNo (KA: may carry several purchases)",
        ),
        sa.Column(
            "seller_order_no", sa.Text(), nullable=True, comment="the seller's own number: Xportcn sellerOrderNumber"
        ),
        sa.Column("purchase_id", sa.Text(), nullable=True, comment="KA purchaseId"),
        sa.Column(
            "outer_purchase_id",
            sa.Text(),
            nullable=True,
            comment="number at the market behind the platform: KA purchaseOrderOuterId",
        ),
        sa.Column(
            "status", sa.Text(), nullable=False, comment="exactly as the platform says it; names in order_statuses"
        ),
        sa.Column(
            "status_group",
            sa.Text(),
            nullable=False,
            comment="the same on every platform, see order_statuses; partly_shipped also looks at the lines",
        ),
        sa.Column(
            "upstream_status",
            sa.Text(),
            nullable=True,
            comment="raw status of the market behind the platform: KA orderStatusDesc",
        ),
        sa.Column(
            "refund_status",
            sa.Text(),
            nullable=True,
            comment="1688 refundStatus; KA the most advanced refundStatus code of its lines",
        ),
        sa.Column("refund_id", sa.Text(), nullable=True, comment="1688 refundId: refund while the trade is open"),
        sa.Column("after_sale_refund_status", sa.Text(), nullable=True, comment="1688 refundStatusForAs"),
        sa.Column("after_sale_refund_id", sa.Text(), nullable=True, comment="1688 refundIdForAs"),
        sa.Column("close_reason", sa.Text(), nullable=True, comment="1688 closeReason, free text"),
        sa.Column("closed_by", sa.Text(), nullable=True, comment="1688 closeOperateType"),
        sa.Column("trade_type", sa.Text(), nullable=True, comment="1688 tradeTypeCode, else tradeType"),
        sa.Column("business_type", sa.Text(), nullable=True, comment="1688 businessType"),
        sa.Column("source", sa.Text(), nullable=True, comment="where the order was placed: Xportcn orderSource"),
        sa.Column("currency", sa.Text(), nullable=False, comment="of every amount in the row"),
        sa.Column(
            "total_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="payable, yuan: 1688 totalAmount (yuan), Xportcn purchaseAmount (fen)",
        ),
        sa.Column(
            "product_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="goods before discounts, yuan: 1688 sumProductPayment (yuan)",
        ),
        sa.Column(
            "shipping_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="postage, yuan: 1688 shippingFee (yuan)",
        ),
        sa.Column(
            "discount_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan, may be negative: 1688 discount (fen)",
        ),
        sa.Column(
            "coupon_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan, already taken off total_amount: 1688 couponFee (yuan)",
        ),
        sa.Column(
            "paid_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="paid so far, yuan: 1688 sum of newStepOrderList.paidFee (yuan)",
        ),
        sa.Column(
            "refund_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan: 1688 refund (yuan)"
        ),
        sa.Column(
            "refund_payment_raw",
            sa.Text(),
            nullable=True,
            comment="1688 refundPayment as received: its unit is not documented",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="1688 createTime (own offset), Xportcn createTime (Asia/Shanghai)",
        ),
        sa.Column(
            "modified_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="1688 modifyTime; NULL on Xportcn, which has none",
        ),
        sa.Column("pay_expires_at", sa.DateTime(timezone=True), nullable=True, comment="1688 gmtPayExpireTime"),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True, comment="first payment: payTime"),
        sa.Column(
            "delivered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="everything shipped: 1688 allDeliveredTime",
        ),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), nullable=True, comment="everything received: 1688 receivingTime"
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True, comment="1688 confirmedTime"),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True, comment="1688 completeTime"),
        sa.Column(
            "buyer_id", sa.Text(), nullable=True, comment="1688 buyerOpenUid (differs between app ids), KA userId"
        ),
        sa.Column(
            "buyer_name", sa.Text(), nullable=True, comment="login name: 1688 buyerLoginId (masked), Xportcn userName"
        ),
        sa.Column("buyer_company", sa.Text(), nullable=True, comment="1688 buyerContact.companyName"),
        sa.Column("seller_id", sa.Text(), nullable=True, comment="the seller's id, when the platform gives one"),
        sa.Column("seller_name", sa.Text(), nullable=True, comment="1688 sellerLoginId (masked), KA supplierNick"),
        sa.Column("seller_company", sa.Text(), nullable=True, comment="1688 sellerContact.companyName"),
        sa.Column(
            "buyer_message",
            sa.Text(),
            nullable=True,
            comment="what the buyer wrote: 1688 buyerFeedback or remark, KA remark",
        ),
        sa.Column("buyer_memo", sa.Text(), nullable=True, comment="1688 buyerMemo"),
        sa.Column("seller_memo", sa.Text(), nullable=True, comment="1688 sellerMemo"),
        sa.Column(
            "seller_flag", sa.Text(), nullable=True, comment="1688 sellerRemarkIcon: 1 red, 2 blue, 3 green, 4 yellow"
        ),
        sa.Column("country", sa.Text(), nullable=True, comment="where it goes: country; NULL when not said"),
        sa.Column("province", sa.Text(), nullable=True, comment="where it goes: 1688 province, KA state"),
        sa.Column("city", sa.Text(), nullable=True, comment="where it goes: city"),
        sa.Column("pay_channels", postgresql.ARRAY(sa.Text()), nullable=True, comment="1688 payChannelList"),
        sa.Column(
            "payment_no",
            sa.Text(),
            nullable=True,
            comment="1688 alipayTradeId, Xportcn alipay_pay_order_no; NULL before payment",
        ),
        sa.Column(
            "tracking_numbers", postgresql.ARRAY(sa.Text()), nullable=True, comment="of all parcels, see order_parcels"
        ),
        sa.Column("line_count", sa.Integer(), nullable=False, comment="lines listed now, removed ones not counted"),
        sa.Column(
            "notes",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="what was odd about the record and how it was read; NULL when nothing was",
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this version landed (start of its transaction); page on it with a margin of some minutes",
        ),
        sa.PrimaryKeyConstraint("platform", "order_id", name=op.f("pk_orders")),
        comment="one row an order",
    )
    op.create_index(op.f("ix_orders_account_created_at"), "orders", ["account", "created_at"], unique=False)
    op.create_index(op.f("ix_orders_created_at"), "orders", ["created_at"], unique=False)
    op.create_index(op.f("ix_orders_modified_at"), "orders", ["modified_at"], unique=False)
    op.create_index(op.f("ix_orders_order_no"), "orders", ["order_no"], unique=False)
    op.create_index(
        op.f("ix_orders_outer_purchase_id"),
        "orders",
        ["outer_purchase_id"],
        unique=False,
        postgresql_where=sa.text("outer_purchase_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_orders_paid_at"), "orders", ["paid_at"], unique=False)
    op.create_index(
        op.f("ix_orders_purchase_id"),
        "orders",
        ["purchase_id"],
        unique=False,
        postgresql_where=sa.text("purchase_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_orders_status_created_at"), "orders", ["status", "created_at"], unique=False)
    op.create_index(op.f("ix_orders_status_group_created_at"), "orders", ["status_group", "created_at"], unique=False)
    op.create_index(op.f("ix_orders_synced_at"), "orders", ["synced_at"], unique=False)
    op.create_table(
        "product_items",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column("sub_order_id", sa.Text(), nullable=False, comment="the line it is on"),
        sa.Column("item_no", sa.Integer(), nullable=False, comment="position on the line, from 1"),
        sa.Column("product_id", sa.Text(), nullable=True, comment="1688 productID, Xportcn itemId"),
        sa.Column("sku_id", sa.Text(), nullable=True, comment="1688 skuID, Xportcn skuId"),
        sa.Column("spec_id", sa.Text(), nullable=True, comment="1688 specId"),
        sa.Column("cargo_no", sa.Text(), nullable=True, comment="the seller's article number: 1688 productCargoNumber"),
        sa.Column("title", sa.Text(), nullable=True, comment="product name at the time of the order"),
        sa.Column("image_url", sa.Text(), nullable=True, comment="full-size image"),
        sa.Column("snapshot_url", sa.Text(), nullable=True, comment="1688 productSnapshotUrl: the offer as it was"),
        sa.Column("shop_id", sa.Text(), nullable=True, comment="Xportcn option_fields.shopId"),
        sa.Column("shop_name", sa.Text(), nullable=True, comment="Xportcn option_fields.shopName"),
        sa.Column("unit", sa.Text(), nullable=True, comment="what quantity counts: 1688 unit"),
        sa.Column("quantity", sa.Numeric(), nullable=True, comment="may be a fraction"),
        sa.Column("currency", sa.Text(), nullable=False, comment="of every amount in the row"),
        sa.Column(
            "unit_price",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan: 1688 price (yuan), xportcn_open purchaseAmount (fen)",
        ),
        sa.Column(
            "amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan, of this product on the line"
        ),
        sa.Column(
            "sku_attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="name to value, Chinese: 1688 skuInfos, Xportcn option_fields.zh",
        ),
        sa.Column("sku_text", sa.Text(), nullable=True, comment="the same as readable text"),
        sa.Column(
            "sku_attributes_en",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="name to value, English: Xportcn option_fields.en",
        ),
        sa.Column("sku_text_en", sa.Text(), nullable=True, comment="the same as readable text"),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the platform stopped listing it on its order; NULL while it is listed",
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this version landed (start of its transaction); page on it with a margin of some minutes",
        ),
        sa.PrimaryKeyConstraint("platform", "order_id", "sub_order_id", "item_no", name=op.f("pk_product_items")),
        comment="one row a product on a line",
    )
    op.create_index(op.f("ix_product_items_product_id"), "product_items", ["product_id"], unique=False)
    op.create_index(op.f("ix_product_items_sku_id"), "product_items", ["sku_id"], unique=False)
    op.create_index(op.f("ix_product_items_synced_at"), "product_items", ["synced_at"], unique=False)
    op.create_table(
        "raw_orders",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("account", sa.Text(), nullable=False, comment="the account it was first read by"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column(
            "payload_hash", postgresql.BYTEA(), nullable=False, comment="blake2b, 16 bytes, of the payload's bytes"
        ),
        sa.Column(
            "rows_hash", postgresql.BYTEA(), nullable=False, comment="blake2b, 16 bytes, of the rows the payload became"
        ),
        sa.Column(
            "modified_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="version, first part: the platform's modify time, where there is one",
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="version, second part: when the read that brought it began, by the database's clock",
        ),
        sa.Column("window_id", sa.BigInteger(), nullable=True, comment="the window that brought it, sync.windows.id"),
        sa.Column(
            "payload",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=True,
            comment="the record exactly as received, byte for byte",
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this version landed (start of its transaction); page on it with a margin of some minutes",
        ),
        sa.PrimaryKeyConstraint("platform", "order_id", name=op.f("pk_raw_orders")),
        comment="the payload as received; holds what has no column",
    )
    op.create_table(
        "sub_orders",
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column(
            "order_id",
            sa.Text(),
            nullable=False,
            comment="platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number",
        ),
        sa.Column(
            "sub_order_id",
            sa.Text(),
            nullable=False,
            comment="1688 subItemIDString, KA line id, xportcn_open itemId:skuId:ordinal among equal lines (it has no id)",
        ),
        sa.Column("line_no", sa.Integer(), nullable=False, comment="position on the order as listed, from 1"),
        sa.Column("order_no", sa.Text(), nullable=True, comment="number of the order it is on"),
        sa.Column(
            "status",
            sa.Text(),
            nullable=True,
            comment="as the platform says it: 1688 status, KA subOrderStatus, xportcn_open status",
        ),
        sa.Column(
            "upstream_status", sa.Text(), nullable=True, comment="subOrderResult.status of the market behind Xportcn"
        ),
        sa.Column(
            "refund_status",
            sa.Text(),
            nullable=True,
            comment="1688 refundStatus (upper case words), KA refundStatus code (0 none .. 100 refunded)",
        ),
        sa.Column("refund_id", sa.Text(), nullable=True, comment="1688 refundId, KA refundId"),
        sa.Column("after_sale_refund_status", sa.Text(), nullable=True, comment="1688 refundStatusForAs"),
        sa.Column("after_sale_refund_id", sa.Text(), nullable=True, comment="1688 refundIdForAs"),
        sa.Column("close_reason", sa.Text(), nullable=True, comment="1688 closeReason, xportcn_open closeReason"),
        sa.Column("is_closed", sa.Boolean(), nullable=True, comment="Xportcn subOrderResult.closed"),
        sa.Column("currency", sa.Text(), nullable=False, comment="of every amount in the row"),
        sa.Column(
            "amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan: 1688 itemAmount (yuan), KA purchase_amount (fen), xportcn_open purchaseAmount (fen) x quantity",
        ),
        sa.Column(
            "paid_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan: 1688 actualPaidFee (fen)"
        ),
        sa.Column(
            "discount_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan, may be negative: 1688 entryDiscount (fen)",
        ),
        sa.Column(
            "shipping_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan: 1688 sharePostage (yuan), Xportcn domestic_post_fee (fen)",
        ),
        sa.Column(
            "refund_amount", sa.Numeric(precision=18, scale=2), nullable=True, comment="yuan: 1688 refund (yuan)"
        ),
        sa.Column(
            "estimated_amount",
            sa.Numeric(precision=18, scale=2),
            nullable=True,
            comment="yuan, may differ from amount: KA createSubOrderResult.estimate_amount (fen)",
        ),
        sa.Column(
            "shared_promotion_raw",
            sa.Text(),
            nullable=True,
            comment="1688 orderSharedPromotionFee as received: its unit is not documented",
        ),
        sa.Column(
            "item_discount_raw",
            sa.Text(),
            nullable=True,
            comment="1688 itemDiscountFee as received: its unit is not documented",
        ),
        sa.Column(
            "cross_promotion_raw",
            sa.Text(),
            nullable=True,
            comment="1688 crossPromotionFee as received: its unit is not documented",
        ),
        sa.Column("purchase_id", sa.Text(), nullable=True, comment="KA taobaoPurchaseId"),
        sa.Column(
            "sub_purchase_id",
            sa.Text(),
            nullable=True,
            comment="KA taobaoSubPurchaseId, xportcn_open sub_purchase_order_id",
        ),
        sa.Column("outer_purchase_id", sa.Text(), nullable=True, comment="Xportcn purchase_order_outer_id"),
        sa.Column("outer_line_id", sa.Text(), nullable=True, comment="Xportcn purchase_order_line_outer_id"),
        sa.Column(
            "merchant_line_no",
            sa.Text(),
            nullable=True,
            comment="the merchant's own line number: KA createSubOrderResult.order_line_no",
        ),
        sa.Column("payment_no", sa.Text(), nullable=True, comment="Xportcn alipay_pay_order_no"),
        sa.Column(
            "logistics_status",
            sa.Text(),
            nullable=True,
            comment="1688: 1 not shipped, 2 shipped, 3 received, 4 returned, 5 partly shipped, 8 no logistics order yet",
        ),
        sa.Column(
            "tracking_numbers",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="of the parcels that carry this line",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True, comment="1688 gmtCreate"),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True, comment="1688 gmtModified"),
        sa.Column(
            "pay_expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Xportcn close_time_without_payment (epoch ms)",
        ),
        sa.Column(
            "guarantees",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="short codes: 1688 guaranteesTerms, Xportcn serviceList",
        ),
        sa.Column("error_code", sa.Text(), nullable=True, comment="Xportcn errorCode"),
        sa.Column("error_message", sa.Text(), nullable=True, comment="Xportcn errorMessage"),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the platform stopped listing it on its order; NULL while it is listed",
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this version landed (start of its transaction); page on it with a margin of some minutes",
        ),
        sa.PrimaryKeyConstraint("platform", "order_id", "sub_order_id", name=op.f("pk_sub_orders")),
        comment="one row a line as traded",
    )
    op.create_index(
        op.f("ix_sub_orders_refund_status"),
        "sub_orders",
        ["refund_status"],
        unique=False,
        postgresql_where=sa.text("refund_status IS NOT NULL"),
    )
    op.create_index(op.f("ix_sub_orders_status"), "sub_orders", ["status"], unique=False)
    op.create_index(op.f("ix_sub_orders_sub_order_id"), "sub_orders", ["sub_order_id"], unique=False)
    op.create_index(op.f("ix_sub_orders_synced_at"), "sub_orders", ["synced_at"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False, comment="as in the settings"),
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("seller", sa.Text(), nullable=False, comment="1688 seller_nick, Xportcn user_id"),
        sa.Column("feed", sa.Text(), nullable=False, comment="what incremental runs list by: updated or created"),
        sa.Column(
            "history_from", sa.DateTime(timezone=True), nullable=True, comment="the earliest moment planned so far"
        ),
        sa.Column(
            "watermark",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="everything the feed holds before it has landed, with proof",
        ),
        sa.Column(
            "last_error",
            sa.Text(),
            nullable=True,
            comment="why the last run of the account stopped; NULL after one that did not",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when this row last changed",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
        schema="sync",
        comment="one row an account",
    )
    op.create_table(
        "rejects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="number of the reject"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name"),
        sa.Column("platform", sa.Text(), nullable=False, comment="1688, xportcn_open or xportcn_ka"),
        sa.Column("order_id", sa.Text(), nullable=True, comment="when it could be read"),
        sa.Column(
            "payload",
            postgresql.BYTEA(),
            nullable=False,
            comment="the record exactly as received; bytes, it may not even be text",
        ),
        sa.Column("payload_hash", postgresql.BYTEA(), nullable=False, comment="blake2b, 16 bytes, of the payload"),
        sa.Column("reason", sa.Text(), nullable=False, comment="what could not be normalised, with the field"),
        sa.Column(
            "window_id", sa.BigInteger(), nullable=True, comment="the window that brought it first, sync.windows.id"
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the read that brought it began, by the database's clock",
        ),
        sa.Column(
            "rejected_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it was first seen",
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True, comment="when the order landed after all"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejects")),
        sa.UniqueConstraint("account", "payload_hash", name=op.f("uq_rejects")),
        schema="sync",
        comment="records that could not be normalised, whole",
    )
    op.create_index(
        "ix_rejects_open",
        "rejects",
        ["platform", "order_id"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "windows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="number of the window"),
        sa.Column("account", sa.Text(), nullable=False, comment="sync.accounts.name"),
        sa.Column("kind", sa.Text(), nullable=False, comment="incremental moves the watermark; sweep re-reads"),
        sa.Column("feed", sa.Text(), nullable=False, comment="updated or created: the time the list is filtered by"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False, comment="first moment of the window"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="first moment after the window"),
        sa.Column(
            "state",
            sa.Text(),
            server_default="planned",
            nullable=False,
            comment="planned, running, done, failed, or split into smaller ones",
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True, comment="the window this one was split from"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="how often it was claimed"),
        sa.Column(
            "fence",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="number of the claim: only its holder may commit",
        ),
        sa.Column("owner", sa.Text(), nullable=True, comment="host and process that claimed it"),
        sa.Column(
            "lease_until", sa.DateTime(timezone=True), nullable=True, comment="after this anyone may claim it again"
        ),
        sa.Column("total", sa.Integer(), nullable=True, comment="rows the platform counted, newest word"),
        sa.Column("seen", sa.Integer(), nullable=True, comment="distinct rows read"),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False, comment="calls spent, retries included"),
        sa.Column("rows_new", sa.Integer(), nullable=True, comment="orders landed for the first time"),
        sa.Column("rows_changed", sa.Integer(), nullable=True, comment="orders landed again, changed"),
        sa.Column("rows_unchanged", sa.Integer(), nullable=True, comment="orders that needed no write"),
        sa.Column("rows_stale", sa.Integer(), nullable=True, comment="orders older than what is stored: dropped"),
        sa.Column("rows_rejected", sa.Integer(), nullable=True, comment="records that went to sync.rejects"),
        sa.Column("error", sa.Text(), nullable=True, comment="why it failed, or what was odd"),
        sa.Column(
            "planned_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it was planned",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="when it was last claimed"),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), nullable=True, comment="when it was done, split or failed"
        ),
        postgresql.ExcludeConstraint(
            (
                sa.text(
                    "int8range(hashtextextended(account || ' ' || feed, 0), hashtextextended(account || ' ' || feed, 0), '[]')"
                ),
                "&&",
            ),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("state = 'running'"),
            using="gist",
            name="ex_windows_one_reader",
        ),
        sa.CheckConstraint("state IN ('planned', 'running', 'done', 'failed', 'split')", name="ck_windows_state"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_windows_not_empty"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_windows")),
        schema="sync",
        comment="the ledger: every window planned, what happened to it",
    )
    op.create_index(
        op.f("ix_windows_account_kind_ends_at"), "windows", ["account", "kind", "ends_at"], unique=False, schema="sync"
    )
    op.create_index(
        "ix_windows_open",
        "windows",
        ["account", "kind", "starts_at"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("state IN ('planned', 'running', 'failed')"),
    )


def downgrade() -> None:
    raise NotImplementedError("nothing lies before the first tables, and dropping them would drop the orders")
