"""Checks of a request: credentials, signature, timestamp, limits of parameters. Pure functions.

A failed check raises `RequestRejectedError` with the code and message of the platform's response. Sources: api-facts 1
and 4.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from orders_sync.sandbox.formats import DAY, parse_local_time
from orders_sync.sandbox.shops import Shop
from orders_sync.sandbox.world import World

TOLERANCE_1688 = 300  # seconds that a timestamp may differ from the clock
TOLERANCE_XPORTCN = 600
LONGEST_WINDOW_1688 = 31 * DAY  # seconds
LARGEST_PAGE = 500
_NOT_SIMULATED = ("buyer_open_uid", "seller_flag", "num_iid", "refunding")


class RequestRejectedError(Exception):
    """The request is not served. `code` and `message` are those of the platform's response."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Parameters of a list request.

    `start` and `end` are epoch seconds, both inclusive, of the time that `feed` ("created" or "updated") names. Page
    numbers count from 1. None and "" select all.
    """

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
    """Return the signature of a 1688 request, lower-case MD5.

    Input: secret, then each key and raw value sorted by code point of the key (empty values included), then secret.
    """
    joined = "".join(key + parameters[key] for key in sorted(parameters) if key != "sign")
    return hashlib.md5(f"{secret}{joined}{secret}".encode(), usedforsecurity=False).hexdigest()


def sign_xportcn(access_key: str, timestamp: str, nonce: str, secret: str) -> str:
    """Return the signature of an Xportcn request: upper-case MD5 of the arguments, concatenated."""
    joined = access_key + timestamp + nonce + secret
    return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest().upper()


def authenticate_1688(world: World, form: Mapping[str, str], now: float) -> Shop:
    """Return the shop that a 1688 request is signed for.

    Raises `RequestRejectedError` with code 50 for appid, signature and timestamp, 40 for the seller.
    """
    shop = world.shop_of("1688", form.get("appid", ""))
    if shop is None:
        raise RequestRejectedError(50, "gw.SignatureInvalid: appid is unknown")
    if not _is_same(form.get("sign", ""), sign_1688(form, shop.account.app_secret)):
        raise RequestRejectedError(50, "gw.SignatureInvalid: sign does not match")
    stamp = form.get("timestamp", "")
    if not _is_number(stamp) or abs(int(stamp) - now) > TOLERANCE_1688:
        raise RequestRejectedError(50, f"gw.SignatureInvalid: timestamp differs by more than {TOLERANCE_1688} seconds")
    if form.get("seller_nick") != shop.account.seller:
        raise RequestRejectedError(40, "APIACLDecline: seller_nick has not authorised this appid")
    return shop


def authenticate_xportcn(world: World, platform: str, headers: Mapping[str, str], now: float) -> Shop:
    """Return the shop that an Xportcn request is signed for.

    Raises `RequestRejectedError` with code 401 for key, signature and timestamp, 403 for the user.
    """
    key, stamp, nonce = (headers.get(name, "") for name in ("access-key", "timestamp", "nonce-str"))
    shop = world.shop_of(platform, key)
    if shop is None:
        raise RequestRejectedError(401, "签名错误 access-key is unknown")
    if not nonce or not _is_same(
        headers.get("signature", ""), sign_xportcn(key, stamp, nonce, shop.account.app_secret)
    ):
        raise RequestRejectedError(401, "签名错误 signature does not match")
    if not _is_number(stamp):
        raise RequestRejectedError(401, "签名错误 timestamp is not a number")
    seconds = int(stamp) / 1000 if len(stamp) >= 13 else int(stamp)  # the documents show seconds and milliseconds
    if abs(seconds - now) > TOLERANCE_XPORTCN:
        raise RequestRejectedError(401, f"签名错误 timestamp differs by more than {TOLERANCE_XPORTCN} seconds")
    if headers.get("user-id") != shop.account.seller:
        raise RequestRejectedError(403, "user-id is unknown")
    return shop


def parse_1688(form: Mapping[str, str]) -> ListRequest:
    """Parse a 1688 list request. Raises `RequestRejectedError` with code 40."""
    for name in _NOT_SIMULATED:
        if form.get(name):
            raise RequestRejectedError(40, f"the sandbox does not simulate {name}")
    for name in ("buyer_message_op", "seller_memo_op"):
        if form.get(name, "all") not in ("", "all"):
            raise RequestRejectedError(40, f"the sandbox does not simulate {name}")
    start, end = (_parse_second(form, name, 40) for name in ("start_created", "end_created"))
    if start is None or end is None:
        raise RequestRejectedError(40, "start_created and end_created are required")
    if end < start:
        raise RequestRejectedError(40, "end_created is before start_created")
    if end - start > LONGEST_WINDOW_1688:
        raise RequestRejectedError(40, "start_created and end_created must lie within 1 month")
    page_size = _parse_number(form, "page_size", 40, 40)
    if not 1 <= page_size <= LARGEST_PAGE or (page_size > 100 and page_size % 100):
        raise RequestRejectedError(40, "page_size: at most 500, in steps of 100")
    date_type, order = form.get("date_type") or "0", form.get("order_asc") or "DESC"
    if date_type not in ("0", "1"):
        raise RequestRejectedError(40, "date_type is 0 or 1")
    if order not in ("ASC", "DESC"):
        raise RequestRejectedError(40, "order_asc is ASC or DESC")
    status = _parse_number(form, "status", 40, 0)
    if status and not 1 <= status <= 11:
        raise RequestRejectedError(40, "status is 1 to 11")
    tid = form.get("tid", "")
    return ListRequest(
        feed="updated" if date_type == "1" else "created",
        start=start,
        end=end,
        status=status or None,
        page_no=_parse_page_no(form, "page_no", 40),
        page_size=page_size,
        ascending=order == "ASC",
        order_ids=frozenset(part.strip() for part in tid.split(",")) if tid else None,
    )


def parse_xportcn(parameters: Mapping[str, str], platform: str) -> ListRequest:
    """Parse an Xportcn list request; empty parameters count as absent. Raises `RequestRejectedError` with code 400."""
    if parameters.get("sellerNick"):
        raise RequestRejectedError(400, "the sandbox does not simulate sellerNick")
    start, end = _parse_second(parameters, "beginDateTime", 400), _parse_second(parameters, "endDateTime", 400)
    page_size = _parse_number(parameters, "pageSize", 400, 10)
    if not 1 <= page_size <= LARGEST_PAGE:
        raise RequestRejectedError(400, "pageSize: at most 500")
    status = _parse_number(parameters, "status", 400, -1)
    by_id = parameters.get("id") if platform == "xportcn_open" else None
    purchase_id = _parse_number(parameters, "purchaseId", 400, -1) if platform == "xportcn_ka" else -1
    return ListRequest(
        feed="created",
        start=0 if start is None else start,
        end=2**40 if end is None else end,
        status=None if status == -1 else status,
        page_no=_parse_page_no(parameters, "pageNum", 400),
        page_size=page_size,
        order_ids=frozenset((by_id,)) if by_id else None,
        order_no=parameters.get("orderNo") or "",
        purchase_id=None if purchase_id == -1 else purchase_id,
    )


def _is_same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _parse_page_no(parameters: Mapping[str, str], name: str, code: int) -> int:
    number = _parse_number(parameters, name, code, 1)
    if number < 1:
        raise RequestRejectedError(code, f"{name} counts from 1")
    return number


def _parse_number(parameters: Mapping[str, str], name: str, code: int, default: int) -> int:
    text = parameters.get(name) or ""
    if not text:
        return default
    if not _is_number(text.removeprefix("-")):
        raise RequestRejectedError(code, f"{name} is not a number")
    return int(text)


def _parse_second(parameters: Mapping[str, str], name: str, code: int) -> int | None:
    text = parameters.get(name) or ""
    if not text:
        return None
    try:
        return parse_local_time(text)
    except ValueError:
        raise RequestRejectedError(code, f"{name} is not yyyy-MM-dd HH:mm:ss") from None
