"""Tests of messages, for platforms with a message service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.messages import MessageContent
from orders_sync.platforms.account_settings import AccountWithHook
from orders_sync.platforms.testing.json_values import ANY_JSON, DEEP, as_bytes, hostile
from orders_sync.platforms.testing.sample import PlatformSample


class MessageContract(PlatformSample):
    """Skipped for a platform without a message service."""

    @hostile(100)
    @given(data=st.data())
    def test_a_message_names_an_order_or_says_why_not_whatever_its_bytes(self, data: st.DataObject) -> None:
        if self.platform.messages:  # else there is nothing to make examples for
            self.check_message(data.draw(st.binary() | ANY_JSON.map(as_bytes)))

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", DEEP, b'{"x":' + DEEP], ids=lambda b: repr(b[:8]))
    def test_a_hollow_or_bottomless_message_says_why_it_names_no_order(self, body: bytes) -> None:
        self.check_message(body)

    def check_message(self, body: bytes) -> None:
        if self.platform.messages:
            found = self.platform.messages.parse(body)
            assert isinstance(found, MessageContent)
            assert found.reason or found.numbers
            assert "\x00" not in f"{found}"

    def test_messages_have_an_address_and_settings_with_a_token(self) -> None:
        if service := self.platform.messages:
            assert service.path
            assert "/" not in service.path
            assert issubclass(self.platform.settings, AccountWithHook)
            assert all(service.answer(status) for status in (200, 404, 503))
