"""Requests to fw199 for 1688 orders, and the meaning of its answers (api-facts 0 and 4). Pure: no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import MalformedResponseError
from orders_sync.domain.times import platform_text
from orders_sync.domain.windows import Feed
from orders_sync.platforms.alibaba_1688 import wire
from orders_sync.platforms.answers import BYTE_ORDER_MARK, failure, listed
from orders_sync.platforms.contract import Page, PageQuery
from orders_sync.platforms.decoding import decode_envelope

BASE_URL = "https://kf.fw199.com"
PATH = "/gateway/1688/order/ext/list"

FURTHEST_BACK = timedelta(days=31)  # "within 1 month" may mean this as well (api-facts 4)
LONGEST_WINDOW = timedelta(days=28)  # the documents say "within 1 month": the shortest one
LARGEST_PAGE = 500
PAGE_SIZES = frozenset(range(1, 101)) | {200, 300, 400, 500}  # up to 500, "every 100 is a step" (api-facts 4)
DATE_TYPES = {Feed.CREATED: "0", Feed.UPDATED: "1"}

REFUSED_CODES = ("gw.SignatureInvalid", "APIACLDecline")
THROTTLED_CODES = ("gw.QosAppFrequencyLimit",)


def sign(params: Mapping[str, str], secret: str) -> str:
    """Lower-case hex MD5 of secret + key and value of every parameter in the order of keys + secret (api-facts 4).

    Raw values, before they are encoded for a form; "sign" itself is left out, an empty value keeps its key.
    """
    signed = "".join(key + params[key] for key in sorted(params) if key != "sign")
    return hashlib.md5(f"{secret}{signed}{secret}".encode(), usedforsecurity=False).hexdigest()


def request(account: Account, query: PageQuery, now: datetime) -> httpx.Request:
    """Return the request for one page of a window, oldest records first.

    Raises ValueError beyond 28 days or the page sizes the platform takes, and for a status: what changed is listed by
    time.

    `now` may differ by at most 5 minutes from the platform's clock (api-facts 4).
    """
    if query.page_no < 1:
        raise ValueError(f"pages count from 1, not {query.page_no}")
    if query.page_size not in PAGE_SIZES:
        raise ValueError(f"a page of {query.page_size}: 1688 takes 1..100, 200, 300, 400 or {LARGEST_PAGE}")
    if query.window.end - query.window.start > LONGEST_WINDOW:
        raise ValueError(f"{query.window} is longer than the {LONGEST_WINDOW.days} days 1688 takes")
    if query.status is not None:
        raise ValueError(f"1688 is not listed by status: {query}")
    params = {
        "appid": account.app_id,
        "seller_nick": account.seller,
        "timestamp": str(int(now.timestamp())),
        "start_created": platform_text(query.window.start),
        "end_created": platform_text(query.window.end),
        "date_type": DATE_TYPES[query.feed],
        "order_asc": "ASC",
        "page_no": str(query.page_no),
        "page_size": str(query.page_size),
    }
    params["sign"] = sign(params, account.app_secret)
    return httpx.Request("POST", account.base_url.rstrip("/") + PATH, data=params)


def page(account: Account, body: bytes) -> Page:
    """Return an answer as total and untouched records.

    Raises `AuthenticationError`, `RateLimitError`, `TransientError` or `MalformedResponseError`.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        success, source = decode_envelope(wire.SUCCESS, body)
    except MalformedResponseError:
        success = None  # a failure may hold anything; read it for its code
    if success is None or str(success.code) != "0":
        envelope, _ = decode_envelope(wire.ENVELOPE, body)
        if str(envelope.code) != "0":
            raise failure(account, str(envelope.code), envelope.message, REFUSED_CODES, THROTTLED_CODES)
        raise MalformedResponseError("the answer says success and holds no list of orders", body=body)
    return listed(success.data, source, body)
