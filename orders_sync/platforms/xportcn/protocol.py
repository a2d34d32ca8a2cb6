"""The protocol of both Xportcn APIs: signed headers, the window as parameters, the envelope.

    headers    access-key, timestamp, nonce-str, user-id, signature      only the first three and the secret are signed
    envelope   {requestId, code, developId, msg, data: {total, data: [record, ...]}}      success is code 200

Source: api-facts 1 and 2. The tables of error codes, rates and page sizes are not public (api-facts 7.2).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import MalformedResponseError, PlatformError
from orders_sync.domain.times import EPOCH, platform_text
from orders_sync.domain.windows import Feed
from orders_sync.platforms.answers import BYTE_ORDER_MARK, failure, listed
from orders_sync.platforms.contract import Page, PageQuery
from orders_sync.platforms.decoding import decode_envelope

BASE_URL = "https://www.xportcn.com/api"
REFUSED_CODES = ("401", "403")
THROTTLED_CODES = ("429",)
PAGE_SIZE = 100
LARGEST_PAGE = 500  # a bound of ours: the platform's is not known
LONGEST_WINDOW = timedelta(days=31)  # a choice of ours: no limit is known


class Listing(Struct):
    """`total`: rows over all pages. The rows are `data` once more (api-facts 1, envelope)."""

    total: int | str | None = None
    data: list[Raw] | None = None

    @property
    def rows(self) -> list[Raw] | None:
        """The records, under the name that `answers.listed` expects."""
        return self.data


class Success(Struct):
    """An answer with orders: `code` is 200. Without any, `data` may be null, absent, "" or an empty list."""

    code: int | str
    data: Listing | list[Raw] | str | None = None


class Envelope(Struct):
    """Any answer: next to a code that is not 200, `data` may be anything."""

    code: int | str | None = None
    msg: str | None = None
    requestId: int | str | None = None


_SUCCESS = msgspec.json.Decoder(Success, strict=False)
_ENVELOPE = msgspec.json.Decoder(Envelope, strict=False)


def signature(access_key: str, timestamp: str, nonce: str, access_secret: str) -> str:
    """MD5 in upper-case hex of the four texts without separators (api-facts 0 and 1)."""
    signed = f"{access_key}{timestamp}{nonce}{access_secret}"
    return hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest().upper()


def headers(account: Account, now: datetime) -> dict[str, str]:
    """The credentials of one request, with a nonce of its own. They are good for 600 seconds (api-facts 1)."""
    unit = timedelta(milliseconds=1) if account.own.get("timestamp_unit") == "ms" else timedelta(seconds=1)
    timestamp = str((now - EPOCH) // unit)
    nonce = secrets.token_hex(16)
    return {
        "access-key": account.app_id,
        "timestamp": timestamp,
        "nonce-str": nonce,
        "user-id": account.seller,
        "signature": signature(account.app_id, timestamp, nonce, account.app_secret),
        "accept": "application/json",
        "accept-encoding": "gzip",
    }


def url(account: Account, path: str) -> str:
    """An endpoint below the account's base url, which may end in a slash or not."""
    return (account.base_url or BASE_URL).rstrip("/") + path


def parameters(query: PageQuery) -> dict[str, int | str]:
    """A page of a window as both endpoints spell it.

    Inclusive seconds of Asia/Shanghai, nothing empty, the status a number (api-facts 2).

    Raises ValueError for what Xportcn cannot list: by update time, by a status that is no number, and beyond our bounds
    of a page.
    """
    if query.feed is not Feed.CREATED:
        raise ValueError("Xportcn lists by creation time only; changes are found by sweeps")
    if not 1 <= query.page_size <= LARGEST_PAGE:
        raise ValueError(f"a page has 1 to {LARGEST_PAGE} orders, not {query.page_size}")
    if query.page_no < 1:
        raise ValueError(f"pages count from 1, not from {query.page_no}")
    status = {} if query.status is None else {"status": int(query.status)}
    return {
        "pageNum": query.page_no,
        "pageSize": query.page_size,
        "beginDateTime": platform_text(query.window.start),
        "endDateTime": platform_text(query.window.end),
        **status,
    }


def page(account: Account, body: bytes) -> Page:
    """An answer as total and untouched records.

    Raises `MalformedResponseError` when it is not the documented JSON or a success whose list cannot be read, and for a
    code that is not 200 `AuthenticationError` or `RateLimitError` where the account's (else our) codes say so,
    otherwise `TransientError`: no code has a meaning that is public.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        success, source = decode_envelope(_SUCCESS, body)
    except MalformedResponseError:
        success = None  # a failure may hold anything; read it for its code
    if success is None or str(success.code) != "200":
        raise _failure(account, body)
    return listed(success.data, source, body)


def _failure(account: Account, body: bytes) -> PlatformError:
    envelope, _ = decode_envelope(_ENVELOPE, body)
    if envelope.code is None:
        return MalformedResponseError("the answer has no code: is base_url right?", body=body)
    if str(envelope.code) == "200":
        return MalformedResponseError("code 200, but no list in data", body=body, code="200")
    said = f"{envelope.msg or 'no message'} (requestId {envelope.requestId})" if envelope.requestId else envelope.msg
    return failure(account, str(envelope.code), said, REFUSED_CODES, THROTTLED_CODES)
