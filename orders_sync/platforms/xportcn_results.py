"""What both Xportcn APIs know of a line: JSON in a string, in a string again, which may be missing, broken or foreign.

    subOrderResult -> "{... option_fields: {zh: "{...}", en: "{...}", serviceList: "[...]"}}"

Whatever cannot be read leaves its columns empty and becomes a note on the order; the raw payload keeps it (P4). So does
what reads well but is not as documented: a fraction of a fen means that the unit is not fen. Source: api-facts 2.1, 6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from orders_sync.domain import money
from orders_sync.domain.errors import BadRecord
from orders_sync.domain.rows import OrderRow, OrderRows, SubOrderRow
from orders_sync.domain.statuses import StatusGroup, partly_shipped
from orders_sync.domain.statuses import status_group as group_of
from orders_sync.domain.text import storable, without_lone_surrogates
from orders_sync.platforms.records import UNREADABLE, decode_record, make_storable

T = TypeVar("T")
V = TypeVar("V")

LONGEST_KEY = 255
LARGEST_QUANTITY = Decimal(10) ** 16
_SHIPPED = frozenset(("WAIT_BUYER_CONFIRM_GOODS", "11"))  # api-facts 2.3


class SkuInfo(Struct):
    skuImgUrl: str | None = None


class Service(Struct):
    code: int | str | None = None  # "7d"
    name: str | None = None  # 七天无理由退货


class OptionFields(Struct):
    zh: Raw = Raw()  # "{\"颜色分类\":\"玫红色\"}"
    en: Raw = Raw()
    serviceList: Raw = Raw()  # "[{\"code\":\"7d\", ...}]"
    SKU_IMG_URL: str | None = None
    shopId: int | str | None = None
    shopName: str | None = None


class SubOrderResult(Struct):
    """What Taobao answered for one line; amounts are fen, as number or as text (api-facts 2.1, 2.2)."""

    purchase_order_outer_id: int | str | None = None
    purchase_order_line_outer_id: int | str | None = None
    close_time_without_payment: int | str | None = None  # milliseconds since 1970
    product_amount: int | str | None = None
    purchase_amount: int | str | None = None
    domestic_post_fee: int | str | None = None
    purchase_currency: str | None = None
    quantity: Decimal | None = None
    title: str | None = None
    item_id: int | str | None = None
    sku_id: int | str | None = None
    sub_purchase_order_id: int | str | None = None
    status: int | str | None = None  # WAIT_BUYER_P
    alipay_pay_order_no: int | str | None = None
    sku_info: Raw = Raw()
    option_fields: Raw = Raw()
    closed: bool | None = None


class Identity(Struct):
    id: int | str | None = None


class Details(Struct):
    """What a line's option_fields and sku_info say about its product, past all their strings."""

    shop_id: str | None = None
    shop_name: str | None = None
    image_url: str | None = None
    guarantees: list[str] | None = None
    attributes: dict[str, str] | None = None
    attributes_en: dict[str, str] | None = None


UNKNOWN = SubOrderResult()  # of a line without a result it can call its own
NO_DETAILS = Details()
_NO_OPTIONS, _NO_SKU = OptionFields(), SkuInfo()
_NOTHING = frozenset((b"", b"null", b'""'))
_QUOTE = ord('"')

# the id where a row says it first, as documented: an unchanged order is known by it, and nothing else of it is read
_FIRST_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*(?:"([A-Za-z0-9]{1,64})"|([1-9][0-9]{0,18}))\s*[,}]')
_IDENTITY = msgspec.json.Decoder(Identity, strict=False)
_RESULT = msgspec.json.Decoder(SubOrderResult, strict=False)
_OPTIONS = msgspec.json.Decoder(OptionFields, strict=False)
_SKU = msgspec.json.Decoder(SkuInfo, strict=False)
_SERVICES = msgspec.json.Decoder(list[Service | str], strict=False)
_ATTRIBUTES = msgspec.json.Decoder(dict[str, Any], float_hook=str)
_STRING = msgspec.json.Decoder(str)


def identify(record: bytes) -> str:
    """The row's `id`, as `normalize` gives it. Raises `BadRecord`."""
    if first := _FIRST_ID.match(record):
        return (first[1] or first[2]).decode()
    return storable(key(decode_record(_IDENTITY, record).id, "id"))


def text(value: int | str | None) -> str | None:
    """An id, a code or a word as text; both null and "" are None."""
    if isinstance(value, str):
        return value or None
    return None if value is None else str(value)


def key(value: int | str | None, where: str) -> str:
    """What a row cannot be without. Raises `BadRecord` when it is missing or longer than an index takes."""
    found = text(value)
    if found is None:
        raise BadRecord("missing", where)
    if len(found) > LONGEST_KEY:
        raise BadRecord(f"longer than {LONGEST_KEY} characters", where)
    return found


def fen(amount: int | str | None) -> Decimal | None:
    """Whole fen as yuan. Raises ValueError for a fraction of a fen too: then the unit is not fen (api-facts 2.2)."""
    value = money.fen(amount)
    if value is not None and isinstance(amount, str) and not amount.isdecimal() and Decimal(amount) % 1:
        raise ValueError(f"not whole fen: {amount!r}")
    return value


def pieces(quantity: Decimal | None) -> Decimal | None:
    """A quantity, which may be a fraction. Raises ValueError for what is no number of things."""
    if quantity is None:
        return None
    # copy_abs, because abs() of a huge exponent overflows
    if (
        not quantity.is_finite()
        or quantity.copy_abs() >= LARGEST_QUANTITY
        or not -12 <= int(quantity.as_tuple().exponent) <= 16
    ):
        raise ValueError(f"not a quantity: {str(quantity)[:40]!r}")
    return quantity


def field(where: str, convert: Callable[[V], T | None], value: V) -> T | None:
    """A field of the record itself, converted. Raises `BadRecord` where `convert` raises ValueError."""
    if value is None:
        return None
    try:
        return convert(value)
    except ValueError as error:
        raise BadRecord(str(error), where) from None


class Notes(list[str]):
    """What of one order could not be read, in words for its `notes`. `at` is the place, such as "line 2: "."""

    def read(self, at: str, name: str, convert: Callable[[V], T | None], value: V) -> T | None:
        """A field of a result, converted; None and a note where `convert` raises ValueError."""
        if value is None:
            return None
        try:
            return convert(value)
        except ValueError as error:
            self._add(at, name, error)
            return None

    def unpack(self, at: str, name: str, decoder: msgspec.json.Decoder[T], raw: Raw) -> T | None:
        """JSON in a string, or the same not in a string; None for null, "" and, with a note, for what is neither."""
        try:
            return unpacked(decoder, bytes(raw))
        except ValueError as error:
            self._add(at, name, error)
            return None

    def _add(self, at: str, name: str, error: ValueError) -> None:
        self.append(f"{at}{name} is {str(error)[:200]}; kept in the raw payload")


def unpacked(decoder: msgspec.json.Decoder[T], packed: bytes) -> T | None:
    """JSON in a string, or the same not in a string, decoded. Raises ValueError, and nothing else, whatever it is."""
    if packed in _NOTHING:
        return None
    if packed[0] != _QUOTE:
        return _decoded(decoder, packed)
    inner = _decoded(_STRING, packed)
    return None if inner.isspace() or inner == "null" else _decoded(decoder, inner)


def _decoded(decoder: msgspec.json.Decoder[T], source: bytes | str) -> T:
    try:
        try:
            return decoder.decode(source)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            content = source.encode() if isinstance(source, str) else source
            return decoder.decode(without_lone_surrogates(content))
    except msgspec.ValidationError as error:
        raise ValueError(f"not as documented ({error})") from None
    except UNREADABLE:
        raise ValueError("not JSON") from None


def result_of(at: str, raw: Raw, notes: Notes) -> SubOrderResult:
    """A line's subOrderResult, whomever it belongs to; `UNKNOWN` when there is none to read."""
    return notes.unpack(at, "subOrderResult", _RESULT, raw) or UNKNOWN


def details_of(at: str, result: SubOrderResult, notes: Notes) -> Details:
    """The product behind a result."""
    if result is UNKNOWN:
        return NO_DETAILS
    options = notes.unpack(at, "option_fields", _OPTIONS, result.option_fields) or _NO_OPTIONS
    sku = notes.unpack(at, "sku_info", _SKU, result.sku_info) or _NO_SKU
    services = notes.unpack(at, "option_fields.serviceList", _SERVICES, options.serviceList)
    return Details(
        shop_id=text(options.shopId),
        shop_name=text(options.shopName),
        image_url=text(sku.skuImgUrl) or text(options.SKU_IMG_URL),
        guarantees=None if services is None else _codes(services),
        attributes=_texts(notes.unpack(at, "option_fields.zh", _ATTRIBUTES, options.zh)),
        attributes_en=_texts(notes.unpack(at, "option_fields.en", _ATTRIBUTES, options.en)),
    )


def _codes(services: list[Service | str]) -> list[str]:
    codes = (service if isinstance(service, str) else text(service.code) or service.name for service in services)
    return [code for code in codes if code]


def _texts(attributes: dict[str, Any] | None) -> dict[str, str] | None:
    """Every value as text, a value that is no text as its JSON; None when nothing is said."""
    if not attributes:
        return None
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in attributes.items()
        if value is not None
    } or None


def readable(attributes: dict[str, str] | None) -> str | None:
    """颜色分类: 玫红色; 尺码: S"""
    return "; ".join(f"{name}: {value}" for name, value in attributes.items()) if attributes else None


def status_group(platform: str, status: str, lines: Iterable[SubOrderRow]) -> str:
    """The group of an order's status once its lines are looked at (api-facts 2.3)."""
    group = group_of(platform, status)
    if group is StatusGroup.AWAITING_SHIPMENT:
        group = partly_shipped(group, [bool(_SHIPPED & {line.status, line.upstream_status}) for line in lines])
    return group.value


def currency(lines: Iterable[SubOrderRow]) -> str:
    """The one currency of all lines, CNY when there are none."""
    found = {line.currency for line in lines}
    return found.pop() if len(found) == 1 else "CNY"


def first(values: Iterable[T | None]) -> T | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)


def finished(rows: OrderRows, record: bytes) -> OrderRows:
    """The rows as a database takes them: what an index holds is short enough, and no two lines are one row (P4).

    Raises `BadRecord` when they are not.
    """
    make_storable(rows, record)
    searched: list[OrderRow | SubOrderRow] = [rows.order, *rows.sub_orders]
    for row in searched:
        _check_lengths(row.order_no, row.purchase_id, row.outer_purchase_id, row.status, row.refund_status)
    for product in rows.product_items:
        _check_lengths(product.product_id, product.sku_id)
    if len({line.sub_order_id for line in rows.sub_orders}) < len(rows.sub_orders):
        raise BadRecord("two lines with the same id", "subOrderVOS")
    return rows


def _check_lengths(*searched: str | None) -> None:
    for value in searched:
        if value is not None and len(value) > LONGEST_KEY:
            raise BadRecord(f"longer than {LONGEST_KEY} characters: {value[:40]!r}...")
