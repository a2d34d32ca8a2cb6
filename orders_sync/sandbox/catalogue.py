"""Invented products, regions and messages that orders are built from. Fixed, and shared between orders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from orders_sync.sandbox.json_text import json_text
from orders_sync.sandbox.rng import seeded_rng


@dataclass(slots=True, frozen=True)
class Region:
    """Part of a delivery address. `code` is the administrative division code of the area."""

    province: str
    city: str
    area: str
    code: str


@dataclass(slots=True, frozen=True, eq=False)
class Sku:
    """One variant of a product. `image` is a file name without its suffix, `price` is in fen."""

    item: int
    sku: int
    spec: str
    cargo: str
    title: str
    unit: str
    price: int
    image: str
    shop: str
    shop_id: str
    attributes: tuple[tuple[str, str], ...]
    zh: str  # the attributes as JSON text
    en: str  # the same in English


REGIONS = (
    Region("上海", "上海市", "杨浦区", "310110"),
    Region("浙江省", "杭州市", "西湖区", "330106"),
    Region("浙江省", "义乌市", "福田街道", "330782"),
    Region("广东省", "广州市", "白云区", "440111"),
    Region("广东省", "深圳市", "宝安区", "440306"),
    Region("福建省", "泉州市", "晋江市", "350582"),
    Region("江苏省", "苏州市", "吴江区", "320509"),
    Region("河北省", "石家庄市", "长安区", "130102"),
    Region("四川省", "成都市", "双流区", "510116"),
    Region("新疆维吾尔自治区", "伊犁哈萨克自治州", "伊宁市", "654002"),
)
NAMES = ("张*", "李*", "王**", "服*", "陈*", "欧阳*", "a*", "N*** T*")
CARRIERS = ("中通快递(ZTO)", "圆通速递(YTO)", "韵达快递(YUNDA)", "德邦快运(DEPPON)", "其他")
SOURCES = ("lazada", "shopee", "tiktok", "offline")
MESSAGES = (
    "请尽快发货,谢谢",
    "不要搞错颜色",
    "麻烦用中通",
    "包装结实一点,易碎",
    "Please check the size before shipping",
    "送到仓库后门,提前一小时打电话",
    "发票抬头:个人",
    "赠品别忘了\n第二行",
)
UNUSUAL_MESSAGES = {
    "nul": "型号\x00B,别发错",
    "surrogate": "谢谢老板\ud83d 加油",  # half of an emoji, as a length limit leaves it
    "astral": "发𠮷字款,👍🏽👨‍👩‍👧",
    "long": "尺码表:" + "S/M/L 各十件;" * 1300,  # about 20 kB
    "empty": "",
}
_ADJECTIVES = ("夏季新款", "跨境外贸", "ins风", "加厚", "可爱卡通", "复古", "超薄", "轻奢", "儿童", "大码")
_PRODUCTS = (
    ("半身裙", "件"),
    ("连衣裙", "件"),
    ("运动袜", "双"),
    ("帆布鞋", "双"),
    ("保温杯", "个"),
    ("收纳盒", "套"),
    ("手机壳", "个"),
    ("针织布料", "米"),
    ("坚果礼盒", "公斤"),
    ("拍拍球", "个"),
    ("沙发垫", "块"),
    ("LED灯带", "卷"),
)
_COLOURS = (("黑白方格", "Checked"), ("玫红色", "Rose"), ("黑紫", "Black purple"), ("小小羊【直径15】", "Little lamb"))
_SIZES = ("26/S", "M", "35", "均码", "XXL(建议140-160斤)")


@lru_cache(maxsize=1)
def catalogue_skus() -> tuple[Sku, ...]:
    """Return all variants of all products, the same in every world."""
    rng = seeded_rng(1688)
    found = []
    for adjective in _ADJECTIVES:
        for product, unit in _PRODUCTS:
            item = 600000000000 + rng.randrange(10**11, 4 * 10**11)
            shop_id = str(rng.randrange(10**8, 10**9))
            channel = rng.choice(("批发", "厂家直销", "一件代发"))
            title = f"{adjective}{product}{rng.randrange(2020, 2027)}{rng.choice(_ADJECTIVES)}{channel}"
            price = rng.choice((690, 1280, 2400, 3990, 5245, 6900, 12800)) + 10 * rng.randrange(9)
            for colour, english in _COLOURS:
                size = rng.choice(_SIZES)
                sku = rng.randrange(4 * 10**12, 6 * 10**12)
                attributes = (("颜色分类", colour), ("尺码", size))
                found.append(
                    Sku(
                        item=item,
                        sku=sku,
                        spec=hashlib.md5(str(sku).encode(), usedforsecurity=False).hexdigest(),
                        cargo=f"YY{sku % 10**7}",
                        title=title,
                        unit=unit,
                        price=price,
                        image=f"O1CN01{sku:x}_!!0-0-cib",
                        shop=f"测试店铺{shop_id[:3]}",
                        shop_id=shop_id,
                        attributes=attributes,
                        zh=json_text(dict(attributes)),
                        en=json_text({"Color": english, "Size": size}),
                    )
                )
    return tuple(found)
