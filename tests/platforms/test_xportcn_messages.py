"""Messages of Xportcn: the documented shape, and whatever else may come instead of it (api-facts 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orders_sync.domain.messages import MessageContent
from orders_sync.platforms import PLATFORMS
from orders_sync.platforms.xportcn.messages import parse

BODY = {
    "orderId": "3305075341149134260",
    "orderNo": "1362127944570372157",
    "orderStatus": "WAITING_FOR_PAYMENT",
    "payStatus": 1,
    "totalAmount": 10000,
    "shippingFee": 500,
    "productAmount": 9500,
    "refundAmount": 0,
    "refundStatus": None,
    "closeReason": None,
    "tbCreateTime": "2026-05-20 15:40:00",
    "payTime": None,
}


def message(body: object = BODY, **changes: object) -> bytes:
    """Return a message as documented: JSON in a string, the time in milliseconds as text."""
    packed = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    whole: dict[str, Any] = {"messageType": "ORDER_CREATE", "messageBody": packed, "messagePlatform": 0}
    return msgspec.json.encode({**whole, "timestamp": "1779263269913", **changes})


def test_the_documented_message_names_its_order_and_when_it_was_placed_in_china() -> None:
    placed = datetime(2026, 5, 20, 7, 40, tzinfo=UTC)
    assert parse(message()) == MessageContent("ORDER_CREATE", "1362127944570372157", "3305075341149134260", placed)
    assert parse(message()).numbers == ["1362127944570372157", "3305075341149134260"]


@pytest.mark.parametrize(("platform", "is_elsewhere"), [(0, False), (1, True), ("1", True), (7, False), (None, False)])
def test_1688_orders_of_xportcn_are_told_from_taobaos(platform: object, is_elsewhere: bool) -> None:
    assert bool(parse(message(messagePlatform=platform)).elsewhere) == is_elsewhere


def test_types_nobody_listed_are_read_like_any_other() -> None:
    assert parse(message(messageType="ORDER_STARGAZING")).order_no == BODY["orderNo"]
    assert parse(message(messageType=None)).order_no == BODY["orderNo"]
    refund = {"refundId": "TQ1", "orderId": "77"}
    assert parse(message(refund, messageType="ORDER_BUYER_VIEW_ORDER_BUYER_REFUND")).numbers == ["77"]


def test_numbers_may_come_as_numbers_and_the_body_without_its_string() -> None:
    assert parse(message({"orderId": 3305075341149134260})).order_id == "3305075341149134260"
    assert parse(message(messageBody=BODY)).order_no == BODY["orderNo"]


@pytest.mark.parametrize("time", [None, "", "yesterday", 17792632, "0000-00-00 00:00:00", []])
def test_a_time_that_cannot_be_read_leaves_the_order(time: object) -> None:
    found = parse(message({**BODY, "tbCreateTime": time}))
    assert (found.created, found.order_no, found.reason) == (None, BODY["orderNo"], "")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the message is empty"),
        (b"null", "the message is empty"),
        (b"hello", "the message is not JSON"),
        (b"\xff\xfe\x00", "the message is not JSON"),
        (b"[" * 100_000, "the message is n"),
        (b'{"messageBody": ' + b"[" * 100_000, "the message is n"),
        (b"[1]", "the message is a list, not an object"),
        (b"{}", "messageBody is empty"),
        (message(""), "messageBody is empty"),
        (message("not JSON"), "messageBody is not JSON"),
        (message([1]), "messageBody is a list, not an object"),
        (b'{"messageBody": 0.0}', "messageBody is a number, not an object"),
        (b'{"messageBody": 1e400}', "messageBody is a number, not an object"),
        (b'{"messageBody": 7}', "messageBody is a number, not an object"),
        (message({"refundId": "TQ1"}), "it names no order"),
        (message({"orderNo": "", "orderId": None}), "it names no order"),
        (message({"orderNo": "9" * 256}), "it names no order"),
    ],
)
def test_what_names_no_order_says_why(body: bytes, reason: str) -> None:
    found = parse(body)
    assert found.numbers == []
    assert found.reason.startswith(reason)


def test_what_no_column_holds_is_replaced() -> None:
    found = parse(rb'{"messageType": "A\u0000", "messageBody": "{\"orderNo\": \"\\u0000\\ud800\"}"}')
    assert (found.message_type, found.order_no) == ("A␀", "␀�")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
near = st.fixed_dictionaries(
    {},
    optional={
        "messageType": json_values,
        "messageBody": json_values | st.builds(lambda value: msgspec.json.encode(value).decode(), json_values),
        "messagePlatform": json_values,
        "timestamp": json_values,
    },
)


@given(st.binary() | st.builds(msgspec.json.encode, near) | st.text().map(lambda text: text.encode("utf-8", "replace")))
@example(b'{"messagePlatform":' + b"9" * 5000 + b"}")
@example(b'"' * 3)
@example(b"\xa0")
def test_nothing_is_ever_raised_whatever_the_bytes(body: bytes) -> None:
    found = parse(body)
    assert found.reason or found.numbers
    assert "\x00" not in f"{found}"


@given(st.fixed_dictionaries({"orderNo": json_values, "orderId": json_values, "tbCreateTime": json_values}))
def test_nothing_is_ever_raised_whatever_the_order(order: dict[str, Any]) -> None:
    found = parse(message(order))
    assert found.reason or found.numbers


def test_only_xportcn_has_a_message_service() -> None:
    assert {name for name, platform in PLATFORMS.items() if platform.messages} == {"xportcn_open", "xportcn_ka"}
