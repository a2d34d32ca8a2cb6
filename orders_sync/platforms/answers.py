"""Answers of platforms as pages or errors. No platform publishes its codes (api-facts 7), so lists of words decide."""

from __future__ import annotations

from typing import Protocol

from msgspec import Raw

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import (
    AuthenticationError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.platforms.contract import Page
from orders_sync.platforms.decoding import exact_records

_LONGEST_MESSAGE = 300
LARGEST_TOTAL = 10**8  # orders of one account in one window: what is more is no count
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CountedList(Protocol):
    """A list of records as an envelope holds it, whatever its fields are called there."""

    total: int | str | None

    @property
    def rows(self) -> list[Raw] | None:
        """The records as received; None if the answer holds none."""


def listed(data: CountedList | list[Raw] | str | None, source: bytes | bytearray, body: bytes) -> Page:
    """Return the page that a success holds under `data`. `source`: what `body` was decoded from (`decode_envelope`).

    Null, nothing at all, "" and an empty list instead of the object say that there is nothing, and so does an object
    with neither records nor a count. Raises `MalformedResponseError` for any other thing that is no list with a count.
    """
    if not data:
        return Page(0, [], has_no_list_or_total=True)
    if isinstance(data, list | str):
        raise MalformedResponseError("the answer says success, and data is no list with a count", body=body)
    rows = data.rows or []
    if data.total is None and not rows:
        return Page(0, [], has_no_list_or_total=True)
    return Page(_count(data.total, body), exact_records(rows, source, body))


def _count(total: int | str | None, body: bytes) -> int:
    """Rows over all pages: a number, or text of one."""
    text = str(total)
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) <= LARGEST_TOTAL):
        raise MalformedResponseError(f"total is no count: {text[:40]!r}", body=body)
    return int(text)


def failure(
    account: Account, code: str, message: object, refused: tuple[str, ...], throttled: tuple[str, ...]
) -> PlatformError:
    """Return the error that a code means.

    `AuthenticationError` or `RateLimitError` by the account's lists of codes (the platform's, if it has none), else
    `TransientError`: a code without a known meaning is worth a retry. The text shows no credential (P8).
    """
    said = "" if message is None else str(message)
    shown = account.redact(code)[:_LONGEST_MESSAGE]
    text = f"the platform answers code {shown}: {account.redact(said)[:_LONGEST_MESSAGE] or 'no message'}"
    if _is_one_of(account.refused_codes or refused, code, said):
        return AuthenticationError(text, code=shown)
    if _is_one_of(account.throttled_codes or throttled, code, said):
        return RateLimitError(text, code=shown)
    return TransientError(text, code=shown)


def _is_one_of(words: tuple[str, ...], code: str, message: str) -> bool:
    """The code equals a word, or the message holds it, in whatever case.

    Plain numbers are looked for in codes only: an order number in a message may hold any.
    """
    code, message = code.casefold(), message.casefold()
    folded = [word.casefold() for word in words if word]
    return any(word == code or (word in message and not word.isdigit()) for word in folded)
