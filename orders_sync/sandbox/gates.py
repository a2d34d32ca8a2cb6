"""What a request has to pass before it is served: credentials, signature, clock, limits. Pure.

A gate that does not open raises `Barred` with what the platform's envelope will say. Sources: api-facts 1 and 4.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from orders_sync.sandbox.shops import Shop
from orders_sync.sandbox.stamps import DAY, epoch
from orders_sync.sandbox.world import World

TOLERANCE_1688 = 300
TOLERANCE_XPORTCN = 600
LONGEST_WINDOW_1688 = 31 * DAY
LARGEST_PAGE = 500
_NOT_SIMULATED = ("buyer_open_uid", "seller_flag", "num_iid", "refunding")


class Barred(Exception):
    """Not served: the platform's code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for. Seconds are inclusive; `feed` is "created" or "updated"; page numbers count from 1."""

    feed: str
    start: int
    end: int
    status: int | None
    page_no: int
    page_size: int
    ascending: bool = False
    order_ids: frozenset[str] | None = None
    order_no: str = ""
    purchase_id: int | None = None


def sign_1688(parameters: Mapping[str, str], secret: str) -> str:
    """Lower-case MD5 of secret, keys and raw values by code point of the key, secret; an empty value keeps its key."""
    told = "".join(key + parameters[key] for key in sorted(parameters) if key != "sign")
    return hashlib.md5(f"{secret}{told}{secret}".encode(), usedforsecurity=False).hexdigest()


def sign_xportcn(access_key: str, timestamp: str, nonce: str, secret: str) -> str:
    """Upper-case MD5 of the four, nothing between them."""
    told = access_key + timestamp + nonce + secret
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest().upper()


def enter_1688(world: World, form: Mapping[str, str], now: float) -> Shop:
    """The shop of a signed request. Raises `Barred`: 50 for the signature and what goes with it, 40 for rights."""
    shop = world.shop_of("1688", form.get("appid", ""))
    if shop is None:
        raise Barred(50, "gw.SignatureInvalid: appid is unknown")
    if not _same(form.get("sign", ""), sign_1688(form, shop.account.app_secret)):
        raise Barred(50, "gw.SignatureInvalid: sign does not match")
    stamp = form.get("timestamp", "")
    if not _is_number(stamp) or abs(int(stamp) - now) > TOLERANCE_1688:
        raise Barred(50, f"gw.SignatureInvalid: timestamp differs by more than {TOLERANCE_1688} seconds")
    if form.get("seller_nick") != shop.account.seller:
        raise Barred(40, "APIACLDecline: seller_nick has not authorised this appid")
    return shop


def enter_xportcn(world: World, platform: str, headers: Mapping[str, str], now: float) -> Shop:
    """The shop of a signed request. Raises `Barred`: 401 for credentials and clock, 403 for the user."""
    key, stamp, nonce = (headers.get(name, "") for name in ("access-key", "timestamp", "nonce-str"))
    shop = world.shop_of(platform, key)
    if shop is None:
        raise Barred(401, "签名错误 access-key is unknown")
    if not nonce or not _same(headers.get("signature", ""), sign_xportcn(key, stamp, nonce, shop.account.app_secret)):
        raise Barred(401, "签名错误 signature does not match")
    if not _is_number(stamp):
        raise Barred(401, "签名错误 timestamp is not a number")
    seconds = int(stamp) / 1000 if len(stamp) >= 13 else int(stamp)  # the documents show both
    if abs(seconds - now) > TOLERANCE_XPORTCN:
        raise Barred(401, f"签名错误 timestamp differs by more than {TOLERANCE_XPORTCN} seconds")
    if headers.get("user-id") != shop.account.seller:
        raise Barred(403, "user-id is unknown")
    return shop


def listing_1688(form: Mapping[str, str]) -> Listing:
    """What a 1688 request asks for. Raises `Barred` with code 40."""
    for name in _NOT_SIMULATED:
        if form.get(name):
            raise Barred(40, f"the sandbox does not simulate {name}")
    for name in ("buyer_message_op", "seller_memo_op"):
        if form.get(name, "all") not in ("", "all"):
            raise Barred(40, f"the sandbox does not simulate {name}")
    start, end = (_second(form, name, 40) for name in ("start_created", "end_created"))
    if start is None or end is None:
        raise Barred(40, "start_created and end_created are required")
    if end < start:
        raise Barred(40, "end_created is before start_created")
    if end - start > LONGEST_WINDOW_1688:
        raise Barred(40, "start_created and end_created must lie within 1 month")
    page_size = _number(form, "page_size", 40, 40)
    if not 1 <= page_size <= LARGEST_PAGE or (page_size > 100 and page_size % 100):
        raise Barred(40, "page_size: at most 500, in steps of 100")
    date_type, order = form.get("date_type") or "0", form.get("order_asc") or "DESC"
    if date_type not in ("0", "1"):
        raise Barred(40, "date_type is 0 or 1")
    if order not in ("ASC", "DESC"):
        raise Barred(40, "order_asc is ASC or DESC")
    status = _number(form, "status", 40, 0)
    if status and not 1 <= status <= 11:
        raise Barred(40, "status is 1 to 11")
    tid = form.get("tid", "")
    return Listing(
        feed="updated" if date_type == "1" else "created",
        start=start,
        end=end,
        status=status or None,
        page_no=_page_no(form, "page_no", 40),
        page_size=page_size,
        ascending=order == "ASC",
        order_ids=frozenset(part.strip() for part in tid.split(",")) if tid else None,
    )


def listing_xportcn(told: Mapping[str, str], platform: str) -> Listing:
    """What an Xportcn request asks for; an empty parameter counts as absent. Raises `Barred` with code 400."""
    if told.get("sellerNick"):
        raise Barred(400, "the sandbox does not simulate sellerNick")
    start, end = _second(told, "beginDateTime", 400), _second(told, "endDateTime", 400)
    page_size = _number(told, "pageSize", 400, 10)
    if not 1 <= page_size <= LARGEST_PAGE:
        raise Barred(400, "pageSize: at most 500")
    status = _number(told, "status", 400, -1)
    by_id = told.get("id") if platform == "xportcn_open" else None
    purchase_id = _number(told, "purchaseId", 400, -1) if platform == "xportcn_ka" else -1
    return Listing(
        feed="created",
        start=0 if start is None else start,
        end=2**40 if end is None else end,
        status=None if status == -1 else status,
        page_no=_page_no(told, "pageNum", 400),
        page_size=page_size,
        order_ids=frozenset((by_id,)) if by_id else None,
        order_no=told.get("orderNo") or "",
        purchase_id=None if purchase_id == -1 else purchase_id,
    )


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _page_no(told: Mapping[str, str], name: str, code: int) -> int:
    number = _number(told, name, code, 1)
    if number < 1:
        raise Barred(code, f"{name} counts from 1")
    return number


def _number(told: Mapping[str, str], name: str, code: int, default: int) -> int:
    text = told.get(name) or ""
    if not text:
        return default
    if not _is_number(text.removeprefix("-")):
        raise Barred(code, f"{name} is not a number")
    return int(text)


def _second(told: Mapping[str, str], name: str, code: int) -> int | None:
    text = told.get(name) or ""
    if not text:
        return None
    try:
        return epoch(text)
    except ValueError:
        raise Barred(code, f"{name} is not yyyy-MM-dd HH:mm:ss") from None
