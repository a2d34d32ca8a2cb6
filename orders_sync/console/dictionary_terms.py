"""Chinese words by which the data dictionary, whose comments are in English, can be searched."""

from __future__ import annotations

TERMS = {  # the words, and what stands for them in names and comments
    "付款": ("paid", "payment"),
    "支付": ("paid", "payment"),
    "退款": ("refund",),
    "售后": ("after_sale", "after-sale"),
    "发货": ("shipped", "shipment", "delivered_at"),
    "收货": ("received", "receiver"),
    "运费": ("postage", "shipping_amount"),
    "优惠": ("discount", "coupon"),
    "金额": ("amount",),
    "单价": ("unit_price",),
    "数量": ("quantity",),
    "币种": ("currency",),
    "订单": ("order",),
    "明细": ("line",),
    "商品": ("product",),
    "店铺": ("shop", "account"),
    "买家": ("buyer",),
    "客户": ("customer",),
    "卖家": ("seller",),
    "采购": ("purchase",),
    "销售": ("sale",),
    "状态": ("status",),
    "下单": ("ordered_at", "placed"),
    "取消": ("cancel",),
    "关闭": ("close",),
    "完成": ("complete",),
    "物流": ("parcel", "carrier", "tracking"),
    "快递": ("parcel", "carrier", "tracking"),
    "运单": ("tracking",),
    "地址": ("address",),
    "电话": ("phone",),
    "补单": ("backfill",),
    "对账": ("audit",),
    "异常": ("reject",),
}


def english(text: str) -> list[str]:
    """Return what to search for: the text itself, or what its Chinese words stand for where it has any of them."""
    found = [each for term, names in TERMS.items() if term in text for each in names]
    return found or [text]
