"""Test what every platform promises, as one suite that the test class of a platform inherits.

    class TestExampleShop(PlatformContract):
        platform = PLATFORM
        sample = SAMPLE                       # a documented answer, byte for byte
        items_at = ("data", "orders")         # where the records and their count lie in it
        total_at = ("data", "total")
        not_free_text = frozenset({"id", "state", "created_at", "total"})

        def asked(self, request): ...         # what a request asks for, read back from it
        def signature(self, request): ...     # and what it is signed with

It takes pytest and hypothesis, which the rest of the product does without: nothing else imports this package. It suits
an answer that is an object with a code, a message and an object that holds the list and its count; where a platform
answers otherwise, override `error`, `answer` or a test. docs/adding-a-platform.md walks through an example.
"""

from __future__ import annotations

import pytest

_PARTS = ("json_values", "messages", "pages", "records", "requests", "rows", "sample")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from orders_sync.platforms.testing.messages import MessageContract  # noqa: E402
from orders_sync.platforms.testing.pages import PageContract  # noqa: E402
from orders_sync.platforms.testing.records import RecordContract  # noqa: E402
from orders_sync.platforms.testing.requests import RequestContract  # noqa: E402
from orders_sync.platforms.testing.rows import check_rows  # noqa: E402
from orders_sync.platforms.testing.sample import Asked  # noqa: E402

__all__ = ["Asked", "PlatformContract", "check_rows"]


class PlatformContract(RequestContract, PageContract, RecordContract, MessageContract):
    """The whole suite. pytest does not collect it as such, since its name does not begin with `Test`."""
