"""The attributes that a platform's test class sets, and what the tests derive from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.windows import Window
from orders_sync.platforms.contract import PageQuery, Platform
from orders_sync.platforms.testing.json_values import Path, as_bytes, copied, get, opened, paths, put
from orders_sync.platforms.testing.rows import check_rows

SECRET = "a-secret-of-the-tests-0001"
NOW = datetime(2026, 9, 1, 4, 0, 30, tzinfo=UTC)
WINDOW = Window(datetime(2026, 8, 31, 16, 0, tzinfo=UTC), datetime(2026, 8, 31, 17, 0, tzinfo=UTC))


@dataclass(frozen=True)
class Asked:
    """The window and page that a request asks for, as the platform will read it; the times are aware."""

    start: datetime | None
    end: datetime | None
    page_no: int
    page_size: int


class PlatformSample:
    platform: Platform
    sample: bytes
    items_at: tuple[str, ...]
    id_at: Path = ("id",)
    total_at: tuple[str, ...]
    code_key = "code"
    message_key = "message"
    unknown_code = 50001  # a failure without a meaning known to us
    page_sizes_taken: tuple[int, ...] = (1, 100)
    page_sizes_refused: tuple[int, ...] = (-1, 0)
    created_key, paid_key = "createTime", "payTime"  # of `created_at` and `paid_at`
    not_free_text: frozenset[str] = frozenset()  # ids, codes, amounts, times: what may be refused for its text

    def asked(self, request: httpx.Request) -> Asked:
        raise NotImplementedError

    def signature(self, request: httpx.Request) -> str:
        raise NotImplementedError

    # --- what is made of the above; override where a platform differs

    def account(self, **changes: Any) -> Account:
        whole = Account(
            name="shop",
            platform=self.platform.name,
            base_url=self.platform.base_url,
            seller="kingdo",
            app_id="uwkahf@jfs92",
            app_secret=SECRET,
        )
        return replace(whole, **changes)

    def query(self, **changes: Any) -> PageQuery:
        whole = PageQuery(feed=self.platform.feed, window=WINDOW, page_no=3, page_size=self.page_sizes_taken[-1])
        return replace(whole, **changes)

    def error(self, code: Any, message: Any) -> bytes:
        """An answer that says no."""
        return json.dumps({self.code_key: code, self.message_key: message, "data": None}).encode()

    def answer(self, *records: bytes) -> bytes:
        """The sample's envelope around other records."""
        marks = [f"@@{i}@@" for i in range(len(records))]
        body = json.dumps(self.changed(self.items_at, marks)).encode()
        for mark, record in zip(marks, records, strict=True):
            body = body.replace(f'"{mark}"'.encode(), record)
        return body

    def changed(self, path: tuple[str, ...], value: Any) -> Any:
        """The sample with one value replaced."""
        return put(json.loads(self.sample), path, value)

    def places(self) -> Iterator[tuple[Path, Any]]:
        """Every place in every sample record, JSON in strings opened."""
        for record in self.records:
            document = opened(json.loads(record))
            for path in paths(document):
                yield path, document

    def holds_id(self, path: Path) -> bool:
        return self.id_at[: len(path)] == path

    def landed(self, record: bytes, path: Path) -> OrderRows:
        """The rows, which there must be."""
        rows = self.outcome(record)
        assert isinstance(rows, OrderRows), f"{path}: {rows}"
        return rows

    @cached_property
    def records(self) -> list[bytes]:
        return self.platform.page(self.account(), self.sample).records

    def outcome(self, record: bytes) -> OrderRows | InvalidRecordError:
        """The rows, checked, or the reason why there are none. Any other exception goes through."""
        try:
            rows = self.platform.normalize(record)
        except InvalidRecordError as bad:
            return bad
        check_rows(rows)
        assert self.identified(record) == rows.order.order_id
        return rows

    def identified(self, record: bytes) -> str | None:
        """Return the order id by `identify`, the same one for every feed; None where it says why there is none."""
        heads = [self.platform.identify(record, feed) for feed in sorted(self.platform.feeds)]
        order_ids = {head.order_id for head in heads}
        assert len(order_ids) == 1
        assert all((head.order_id is None) is bool(head.fault) for head in heads)
        return order_ids.pop()

    def lands(self, document: Any, path: Path, text: str) -> OrderRows | None:
        """The rows with a text put somewhere; None where a field that is no free text refused it."""
        rows = self.outcome(as_bytes(put(copied(document), path, text)))
        if isinstance(rows, InvalidRecordError):
            names = {part for part in path if isinstance(part, str)}
            assert names & self.not_free_text, f"{path} refused a text: {rows}"
            return None
        return rows

    def mutable(self, kind: type = object) -> Iterator[tuple[Path, Any]]:
        """Every place in every sample record that holds a value of a kind."""
        for record in self.records:
            document = json.loads(record)
            for path in paths(document):
                if isinstance(get(document, path), kind):
                    yield path, document
