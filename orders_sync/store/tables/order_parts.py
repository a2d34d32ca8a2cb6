"""The tables of the parts of an order: lines, products on a line, parcels and the receiver.

All in `public`, keyed as `orders`. A row that the platform stops listing stays, with `removed_at`.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Integer, Numeric, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from orders_sync.store.tables.columns import (
    INFERRED,
    MONEY,
    TEXTS,
    TIME,
    column,
    destination,
    direction,
    index,
    key,
    metadata,
    order_id,
    platform,
    removed_at,
    synced_at,
)

sub_orders = Table(
    "sub_orders",
    metadata,
    platform(),
    order_id(),
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
    column("currency", Text, "ISO 4217, of every amount in the row; CNY where the platform gives none", nullable=False),
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
    removed_at(),
    synced_at(),
    direction(),
    PrimaryKeyConstraint("platform", "order_id", "sub_order_id"),
    index("sub_order_id", needed_by="store/order_numbers.py"),
    index("purchase_id", needed_by="store/order_numbers.py", only_set=True),
    index("sub_purchase_id", needed_by="store/order_numbers.py", only_set=True),
    index("outer_purchase_id", needed_by="store/order_numbers.py", only_set=True),
    index("outer_line_id", needed_by="store/order_numbers.py", only_set=True),
    index("refund_id", needed_by="store/order_numbers.py", only_set=True),
    index("after_sale_refund_id", needed_by="store/order_numbers.py", only_set=True),
    index("payment_no", needed_by="store/order_numbers.py", only_set=True),
    comment="one row per line as traded",
)

product_items = Table(
    "product_items",
    metadata,
    platform(),
    order_id(),
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
    column("currency", Text, "ISO 4217, of every amount in the row; CNY where the platform gives none", nullable=False),
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
    removed_at(),
    synced_at(),
    direction(),
    PrimaryKeyConstraint("platform", "order_id", "sub_order_id", "item_no"),
    index("product_id", needed_by="store/bi/product_sales.sql: of one product"),
    index("sku_id", needed_by="store/bi/order_lines.sql: of one sku"),
    comment="one row per product on a line",
)

order_parcels = Table(
    "order_parcels",
    metadata,
    platform(),
    order_id(),
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
    removed_at(),
    synced_at(),
    direction(),
    PrimaryKeyConstraint("platform", "order_id", "parcel_id"),
    index("tracking_no", needed_by="store/order_numbers.py"),
    index("parcel_id", needed_by="store/order_numbers.py"),
    comment="one row per parcel",
)

order_receivers = Table(
    "order_receivers",
    metadata,
    platform(),
    order_id(),
    column("name", Text, "1688 contactPerson (masked), KA name"),
    column("phone", Text, "1688 telephone, KA phone"),
    column("mobile", Text, "1688 mobile (masked), KA mobilePhone"),
    *destination("receiver"),
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
    removed_at(),
    synced_at(),
    direction(),
    PrimaryKeyConstraint("platform", "order_id"),
    comment="the person an order goes to; apart, so that BI roles need no right to it",
)
