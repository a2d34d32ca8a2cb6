"""Errors: one small tree with data, whose text tells an operator where it happened."""

from __future__ import annotations

import pytest

from orders_sync.domain import errors
from orders_sync.domain.errors import (
    AuthenticationError,
    BlockedError,
    CallTimeoutError,
    IncompleteWindowError,
    InvalidRecordError,
    InvalidRequestError,
    LeaseLostError,
    MalformedResponseError,
    OrdersSyncError,
    PlatformError,
    RateLimitError,
    RecordsOutOfRangeError,
    SuspectTotalError,
    TransientError,
)

CALLS = [
    AuthenticationError,
    RateLimitError,
    TransientError,
    CallTimeoutError,
    MalformedResponseError,
    InvalidRequestError,
    IncompleteWindowError,
    RecordsOutOfRangeError,
    SuspectTotalError,
    BlockedError,
]


def test_whatever_goes_wrong_is_of_one_tree() -> None:
    found = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BaseException)]
    assert all(issubclass(each, OrdersSyncError) for each in found)
    assert {each for each in found if issubclass(each, PlatformError)} == {PlatformError, *CALLS}


@pytest.mark.parametrize("kind", CALLS)
def test_the_text_has_account_window_and_call_once_they_are_known(kind: type[PlatformError]) -> None:
    error = kind("too late", call="page 3", code="E7")
    assert str(error) == "page 3: too late"
    error.account, error.window = "kingdo", "09:00 .. 10:00 UTC"
    assert str(error) == "kingdo, 09:00 .. 10:00 UTC, page 3: too late"
    assert (error.message, error.code) == ("too late", "E7")


def test_an_error_of_no_known_place_is_its_message() -> None:
    assert str(TransientError("too late")) == "too late"


def test_throttled_knows_how_long_to_wait_if_the_platform_said_so() -> None:
    assert RateLimitError("slow down", retry_after=2.5).retry_after == 2.5
    assert RateLimitError("slow down").retry_after is None


def test_malformed_keeps_at_most_two_kilobytes_of_the_body_and_does_not_show_them_P8() -> None:
    error = MalformedResponseError("not JSON", body=b"<html>" + b"x" * 10**6)
    assert len(error.body) == 2048
    assert error.body.startswith(b"<html>")
    assert "<html>" not in str(error)
    assert MalformedResponseError("not JSON", body=b"short").body == b"short"


def test_an_invalid_record_says_which_field_it_was() -> None:
    assert str(InvalidRecordError("is no amount", "totalAmount")) == "totalAmount: is no amount"
    assert str(InvalidRecordError("is no object")) == "is no object"


def test_a_lost_window_has_its_number() -> None:
    error = LeaseLostError(17)
    assert error.window_id == 17
    assert "window 17 is owned by another worker" in str(error)
