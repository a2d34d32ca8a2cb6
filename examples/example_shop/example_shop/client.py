"""Requests to Example Shop for orders, and the meaning of its answers. Pure: no I/O."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx

from example_shop import wire
from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import MalformedResponseError
from orders_sync.domain.windows import Feed
from orders_sync.platforms import Page, PageQuery
from orders_sync.platforms.answers import BYTE_ORDER_MARK, failure, listed
from orders_sync.platforms.decoding import decode_envelope

BASE_URL = "https://api.example-shop.test"
PATH = "/v1/orders"
LARGEST_PAGE = 200
REFUSED_CODES = ("1001",)
THROTTLED_CODES = ("1002",)
BY = {Feed.CREATED: "created", Feed.UPDATED: "updated"}


def signature(secret: str, timestamp: str, query: str) -> str:
    """HMAC-SHA256 of the timestamp, a line feed and the query string, in hex."""
    return hmac.new(secret.encode(), f"{timestamp}\n{query}".encode(), "sha256").hexdigest()


def request(account: Account, query: PageQuery, now: datetime) -> httpx.Request:
    """Return the request for one page of a window, oldest rows first. Raises ValueError for what cannot be listed."""
    if query.page_no < 1:
        raise ValueError(f"pages count from 1, not from {query.page_no}")
    if not 1 <= query.page_size <= LARGEST_PAGE:
        raise ValueError(f"a page has 1 to {LARGEST_PAGE} orders, not {query.page_size}")
    if query.status is not None:
        raise ValueError("Example Shop does not list by status")
    window = query.window
    query_string = urlencode(
        {
            "by": BY[query.feed],
            "from": _utc(window.start),
            "to": _utc(window.end),
            "page": query.page_no,
            "page_size": query.page_size,
        }
    )
    timestamp = str(int(now.timestamp()))
    headers = {
        "x-app-key": account.app_id,
        "x-shop": account.seller,
        "x-session": account.own["session_token"].reveal(),
        "x-timestamp": timestamp,
        "x-signature": signature(account.app_secret, timestamp, query_string),
    }
    return httpx.Request("GET", f"{account.base_url.rstrip('/')}{PATH}?{query_string}", headers=headers)


def page(account: Account, body: bytes) -> Page:
    """Return the answer as total and untouched records.

    Raises `AuthenticationError`, `RateLimitError`, `TransientError` or `MalformedResponseError`.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        success, source = decode_envelope(wire.SUCCESS, body)
    except MalformedResponseError:
        success = None  # a failure may hold anything: read it for its code
    if success is not None and str(success.code) == "0":
        return listed(success.data, source, body)
    envelope, _ = decode_envelope(wire.ENVELOPE, body)
    if envelope.code is None or str(envelope.code) == "0":
        raise MalformedResponseError("the answer says success and holds no list of orders", body=body)
    raise failure(account, str(envelope.code), envelope.message, REFUSED_CODES, THROTTLED_CODES)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
