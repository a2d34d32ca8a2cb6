"""What every platform promises, as one suite. A platform's test class inherits it and says only what is its own:

    class TestXportcnKa(PlatformContract):
        platform = PLATFORM
        sample = SAMPLE                       # a documented answer, byte for byte
        items_at = ("data", "data")           # where the records and their count lie in it
        total_at = ("data", "total")
        message_key = "msg"
        not_free_text = frozenset({"id", "createTime", "purchaseAmount"})

        def asked(self, request): ...         # what a request asks for, read back from it
        def signature(self, request): ...     # and what it is signed with

This module is not collected by itself: its name does not begin with `test_`, nor its class with `Test`.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, get_type_hints

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import BadRecord, Malformed, PlatformError, Refused, Throttled, Transient
from orders_sync.domain.rows import OrderRow, OrderRows, ParcelRow, ProductItemRow, ReceiverRow, SubOrderRow
from orders_sync.domain.statuses import StatusGroup
from orders_sync.domain.text import REPLACEMENT
from orders_sync.domain.windows import SECOND, Window
from orders_sync.platforms.contract import Ask, Platform

SECRET = "a-secret-of-the-tests-0001"
NOW = datetime(2026, 9, 1, 4, 0, 30, tzinfo=UTC)
WINDOW = Window(datetime(2026, 8, 31, 16, 0, tzinfo=UTC), datetime(2026, 8, 31, 17, 0, tzinfo=UTC))
WINDOW_ASKED = ("2026-09-01 00:00:00", "2026-09-01 01:00:00")  # Asia/Shanghai

LONGEST_KEY = 255  # a B-tree takes 2704 bytes of all key columns together
INDEXED = {
    OrderRow: ("order_id", "order_no", "purchase_id", "outer_purchase_id", "status"),
    SubOrderRow: ("sub_order_id", "status", "refund_status"),
    ProductItemRow: ("sub_order_id", "product_id", "sku_id"),
    ParcelRow: ("parcel_id", "tracking_no"),
    ReceiverRow: (),
}
Path = tuple[str | int, ...]


class Bare(str):
    """JSON that Python does not write, as it stands in a record."""


NOTHING: tuple[Any, ...] = (
    None, "", " ", "\t", 0, -0.0, "0", False, [], {}, "[]", "{}", "null", [None], [[]], [{}], [" "], {"x": None},
    "0000-00-00 00:00:00",
)  # fmt: skip
OBJECTS: tuple[Any, ...] = ({"x": 1}, '{"zh": 1}', '[{"x": 1}]', {"x": {"y": [1]}}, [[[{}]]])
ODD_VALUES: tuple[Any, ...] = (
    *NOTHING, *OBJECTS, 1, -1, 1.5, 10**30, True, "true", "x", "１２", "NaN", "-Infinity", "1e999999", "1e15", "1_000",
    "12,50元", "2.00", "9" * 5000, "2026-13-45 00:00:00", [1, "x"], [["x"]], "<b>", "a\x00b", "a\ud800b", "\u202e",
    "長" * 33_000, Bare("1e400"), Bare("NaN"), Bare("9" * 5000), Bare("-1.0E+2"), Bare("[" * 50 + "]" * 50),
)  # fmt: skip
NO_TIMES = (
    "", "0", 0, "1970-01-01 08:00:00", "1970-01-01T00:00:00Z", "0001-01-01 00:00:00", "0000-00-00 00:00:00",
    "9999-12-31 23:59:59", "99991231235959000+0800",
)  # fmt: skip
TIMES = (
    "20261001100000000+0800", "20261001020000000-0000", "2026-10-01 10:00:00", "2026-10-01 10:00:00.000",
    "2026/10/01 10:00:00", "2026/10/1 10:00:00", "2026-10-01T10:00:00", "2026-10-01T02:00:00Z",
    "2026-10-01T02:00:00.000+00:00", "2026-09-30T19:00:00.000000-0700", "20261001100000",
    1790820000, "1790820000", 1790820000000, "1790820000000",
)  # fmt: skip
DEEP = b"[" * 100_000


def hostile(examples: int) -> settings:
    """The suite is inherited, which hypothesis takes for a mistake."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


class Asked(NamedTuple):
    """What a request asks for, as the platform will read it."""

    start: str
    end: str
    page_no: str
    page_size: str


class PlatformContract:
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

    def ask(self, **changes: Any) -> Ask:
        whole = Ask(feed=self.platform.feed, window=WINDOW, page_no=3, page_size=self.page_sizes_taken[-1])
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

    @property
    def records(self) -> list[bytes]:
        return self.platform.page(self.account(), self.sample).records

    def outcome(self, record: bytes) -> OrderRows | BadRecord:
        """The rows, checked, or the reason why there are none. Any other exception goes through."""
        try:
            rows = self.platform.normalize(record)
        except BadRecord as bad:
            return bad
        check_rows(rows)
        assert self.platform.identify(record) == rows.order.order_id
        return rows

    # --- request

    def test_request_asks_from_the_start_to_the_end_in_platform_time(self) -> None:
        request = self.platform.request(self.account(), self.ask(), NOW)
        asked = self.asked(request)
        assert (asked.start, asked.end) == WINDOW_ASKED
        assert (asked.page_no, asked.page_size) == ("3", str(self.page_sizes_taken[-1]))

    def test_one_second_window_is_asked_with_both_its_ends_for_times_may_have_fractions(self) -> None:
        window = Window(WINDOW.start, WINDOW.start + SECOND)
        asked = self.asked(self.platform.request(self.account(), self.ask(window=window), NOW))
        assert (asked.start, asked.end) == (WINDOW_ASKED[0], "2026-09-01 00:00:01")

    def test_request_goes_to_the_account_s_base_url(self) -> None:
        account = self.account(base_url="http://sandbox.test:8080/prefix/")
        url = self.platform.request(account, self.ask(), NOW).url
        assert (url.host, url.port) == ("sandbox.test", 8080)
        assert url.path.startswith("/prefix/")
        assert "//" not in url.path

    def test_request_is_signed_by_the_secret(self) -> None:
        one = self.signature(self.platform.request(self.account(), self.ask(), NOW))
        other = self.signature(self.platform.request(self.account(app_secret="another"), self.ask(), NOW))
        assert len(one) == 32
        assert int(one, 16) >= 0
        assert one != other

    def test_page_sizes_the_platform_takes_are_asked_as_they_are(self) -> None:
        for size in self.page_sizes_taken:
            request = self.platform.request(self.account(), self.ask(page_size=size), NOW)
            assert self.asked(request).page_size == str(size)

    def test_page_sizes_beyond_the_platform_raise_value_error(self) -> None:
        for size in self.page_sizes_refused:
            with pytest.raises(ValueError):
                self.platform.request(self.account(), self.ask(page_size=size), NOW)

    def test_pages_count_from_one(self) -> None:
        self.platform.request(self.account(), self.ask(page_no=1), NOW)
        with pytest.raises(ValueError):
            self.platform.request(self.account(), self.ask(page_no=0), NOW)

    def test_longest_window_is_asked_at_once(self) -> None:
        longest = Window(WINDOW.start, WINDOW.start + self.platform.longest_window)
        asked = self.asked(self.platform.request(self.account(), self.ask(window=longest), NOW))
        start, end = datetime.fromisoformat(asked.start), datetime.fromisoformat(asked.end)
        assert end - start == self.platform.longest_window

    def test_feed_the_platform_does_not_have_raises_value_error(self) -> None:
        for feed in set(type(self.platform.feed)) - self.platform.feeds:
            with pytest.raises(ValueError):
                self.platform.request(self.account(), self.ask(feed=feed), NOW)

    def test_default_feed_and_page_size_are_among_what_is_taken(self) -> None:
        assert self.platform.feed in self.platform.feeds
        for feed in self.platform.feeds:
            self.platform.request(self.account(), self.ask(feed=feed, page_size=self.platform.page_size), NOW)

    # --- page

    def test_page_of_the_sample_gives_total_and_records(self) -> None:
        page = self.platform.page(self.account(), self.sample)
        document = json.loads(self.sample)
        assert page.total == int(get(document, self.total_at))
        assert [json.loads(record) for record in page.records] == get(document, self.items_at)

    def test_records_are_the_bytes_as_received(self) -> None:
        assert self.records
        assert all(record in self.sample for record in self.records)
        odd = b'{ "n" : 3876532491611498520 ,"m":1.50, "t":"\\u4e2d\\/\\ud83d\\ude00" , "x":"\xe4\xb8\xad" }'
        assert self.platform.page(self.account(), self.answer(odd, odd)).records == [odd, odd]

    def test_lone_surrogate_does_not_refuse_the_page_nor_change_the_record(self) -> None:
        odd, plain = b'{"t":"\\ud800 \\\\ud800"}', b'{"t":1}'
        assert self.platform.page(self.account(), self.answer(plain, odd, plain)).records == [plain, odd, plain]

    def test_total_is_read_from_number_and_from_text(self) -> None:
        for total in (0, "0", 12345678, "12345678"):
            body = json.dumps(self.changed(self.total_at, total)).encode()
            assert self.platform.page(self.account(), body).total == int(total)

    def test_total_that_is_no_count_is_malformed(self) -> None:
        total: object
        for total in (None, "many", "", [], -1, "-1", 10**9, "9" * 18):
            with pytest.raises(Malformed):
                self.platform.page(self.account(), json.dumps(self.changed(self.total_at, total)).encode())

    def test_null_absent_or_empty_list_is_no_records(self) -> None:
        for body in (
            self.changed(self.items_at, None),
            self.changed(self.items_at, []),
            drop(json.loads(self.sample), self.items_at),
        ):
            assert self.platform.page(self.account(), json.dumps(body).encode()).records == []

    @pytest.mark.parametrize(
        "body",
        [
            b"", b" ", b"\x00", b"null", b"0", b'"ok"', b"[]", b"[1]", b"{}", b"\xff\xfe", DEEP, b'{"x":' + DEEP,
            b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", b"upstream timed out",
        ],
        ids=lambda body: repr(body[:12]),
    )  # fmt: skip
    def test_what_is_not_the_documented_json_is_malformed(self, body: bytes) -> None:
        with pytest.raises(Malformed):
            self.platform.page(self.account(), body)

    def test_truncated_answer_is_malformed(self) -> None:
        body = self.sample.rstrip()
        for end in random.Random(1688).sample(range(1, len(body)), min(200, len(body) - 1)):
            with pytest.raises(Malformed):
                self.platform.page(self.account(), body[:end])

    def test_a_success_without_data_is_a_bare_page(self) -> None:
        where = self.items_at[:1]
        odd: tuple[object, ...] = (None, [], "", {}, {self.items_at[1]: []}, {self.total_at[1]: None})
        bare = [self.changed(where, each) for each in odd]
        for document in [*bare, drop(json.loads(self.sample), where)]:
            page = self.platform.page(self.account(), json.dumps(document).encode())
            assert (page.total, page.records, page.is_bare) == (0, [], True)
        for document in (json.loads(self.sample), self.changed(self.total_at, 0), self.changed(self.items_at, None)):
            assert not self.platform.page(self.account(), json.dumps(document).encode()).is_bare

    def test_odd_data_is_malformed(self) -> None:
        odd: object
        for odd in ("x", 1, True, [1], [[]], [{}]):
            with pytest.raises(Malformed):
                self.platform.page(self.account(), json.dumps(self.changed(self.items_at[:1], odd)).encode())

    def test_a_byte_order_mark_is_no_part_of_an_answer(self) -> None:
        marked = self.platform.page(self.account(), b"\xef\xbb\xbf" + self.sample)
        assert marked == self.platform.page(self.account(), self.sample)
        with pytest.raises(Transient):
            self.platform.page(self.account(), b"\xef\xbb\xbf" + self.error(self.unknown_code, "busy"))

    @pytest.mark.parametrize(
        "odd",
        [
            b"[" * 1500 + b"]" * 1500,
            b'{"a":' * 3000 + b"1" + b"}" * 3000,
            b'{"t":"]}\\"[","n":' + b"[" * 2000 + b"]" * 2000 + b"}",
            b'{"a": NaN}',
            b'{"a": 01}',
            b'{"a": "\x01"}',
            b'{"a" 1}',
        ],
        ids=lambda odd: repr(odd[:12]),
    )
    def test_a_record_that_does_not_decode_costs_itself_and_not_its_page_P4(self, odd: bytes) -> None:
        plain, other = b'{"t":1}', b'{"t":"\\ud800 [{"}'
        found = self.platform.page(self.account(), self.answer(plain, odd, other)).records
        assert found == [plain, odd, other]
        with pytest.raises(BadRecord):
            self.platform.identify(odd)

    def test_list_that_is_no_list_is_malformed(self) -> None:
        odd: object
        for odd in ({}, "x", 1):
            with pytest.raises(Malformed):
                self.platform.page(self.account(), json.dumps(self.changed(self.items_at, odd)).encode())

    def test_malformed_carries_only_the_beginning_of_the_body(self) -> None:
        with pytest.raises(Malformed) as caught:
            self.platform.page(self.account(), b"<html>" + b"x" * 100_000)
        assert caught.value.body.startswith(b"<html>")
        assert len(caught.value.body) <= 2048
        assert len(str(caught.value)) < 500

    def test_error_answer_is_transient_and_says_code_and_message(self) -> None:
        for code in (self.unknown_code, str(self.unknown_code)):
            with pytest.raises(Transient) as caught:
                self.platform.page(self.account(), self.error(code, "系统繁忙"))
            assert caught.value.code == str(self.unknown_code)
            assert str(self.unknown_code) in str(caught.value)
            assert "系统繁忙" in str(caught.value)

    def test_error_answer_is_understood_whatever_its_data(self) -> None:
        odd: object
        for odd in ([], {}, "", "x", 0, {"total": None}):
            answer = json.loads(self.error(self.unknown_code, "x")) | {self.items_at[0]: odd}
            with pytest.raises(Transient):
                self.platform.page(self.account(), json.dumps(answer).encode())

    def test_error_answer_without_message_is_transient(self) -> None:
        with pytest.raises(Transient):
            self.platform.page(self.account(), self.error(self.unknown_code, None))

    def test_account_s_codes_tell_refused_and_throttled(self) -> None:
        account = self.account(refused_codes=("4010", "Bad Signature"), throttled_codes=("4290", "太频繁"))
        for body in (self.error(4010, "x"), self.error("4010", None), self.error(1, "wrong: BAD SIGNATURE!")):
            with pytest.raises(Refused):
                self.platform.page(account, body)
        for body in (self.error(4290, "x"), self.error(1, "调用太频繁了")):
            with pytest.raises(Throttled):
                self.platform.page(account, body)
        with pytest.raises(Transient):
            self.platform.page(account, self.error(self.unknown_code, "another thing"))

    def test_platform_s_codes_hold_when_the_account_has_none(self) -> None:
        for codes, kind in ((self.platform.refused_codes, Refused), (self.platform.throttled_codes, Throttled)):
            for code in codes:
                with pytest.raises(kind):
                    self.platform.page(self.account(), self.error(code, "x"))
                if not code.isdigit():
                    with pytest.raises(kind):
                        self.platform.page(self.account(), self.error(self.unknown_code, f"failed ({code.upper()})"))

    # --- secrets (P8)

    def test_secret_is_in_no_repr_no_request_and_no_error(self) -> None:
        account = self.account()
        request = self.platform.request(account, self.ask(), NOW)
        shown = [repr(account), str(account), repr(self.platform), repr(request), str(request.url)]
        shown += [repr(request.headers.raw), request.read().decode()]
        for changes in ({"page_size": -1}, {"page_no": 0}):
            with pytest.raises(ValueError) as error:
                self.platform.request(account, self.ask(**changes), NOW)
            shown.append(repr(error.value))
        bodies = [self.error(self.unknown_code, "x"), b"", b"<html>", b"[]", self.sample[:-20]]
        bodies += [self.error(code, code) for code in (*self.platform.refused_codes, *self.platform.throttled_codes)]
        for body in bodies:
            with pytest.raises(PlatformError) as failed:
                self.platform.page(account, body)
            shown += [repr(failed.value), str(failed.value), repr(vars(failed.value))]
        assert not [text for text in shown if SECRET in text]

    # --- records

    def test_sample_normalises_into_rows_of_the_declared_types(self) -> None:
        for record in self.records:
            check_rows(self.platform.normalize(record))

    def test_identify_is_the_order_id(self) -> None:
        for record in self.records:
            assert self.platform.identify(record) == self.platform.normalize(record).order.order_id

    def test_normalising_twice_gives_equal_rows(self) -> None:
        for record in self.records:
            assert self.platform.normalize(record) == self.platform.normalize(record)

    def test_order_of_keys_and_white_space_do_not_matter(self) -> None:
        for record in self.records:
            spread = json.dumps(json.loads(record), sort_keys=True, indent=2).encode()
            assert self.platform.normalize(spread) == self.platform.normalize(record)
            assert self.platform.identify(spread) == self.platform.identify(record)

    def test_whatever_is_dropped_but_the_id_the_order_lands(self) -> None:
        for path, document in self.places():
            if not self.holds_id(path):
                self.landed(as_bytes(drop(copy.deepcopy(document), path)), path)

    def test_whatever_a_field_holds_the_order_lands_and_what_is_in_no_column_is_noted_P4(self) -> None:
        """Fields of orders, lines and parcels, and inside the JSON in strings."""
        for path, document in self.places():
            if self.holds_id(path):
                continue
            changed = copy.deepcopy(document)
            without = self.landed(as_bytes(put(changed, path, None)), path)
            has_column = without != self.landed(as_bytes(document), path)
            is_struct = isinstance(get(document, path), dict | list)  # another object may hold what has no column
            for value in ODD_VALUES:
                rows = self.landed(odd_bytes(changed, path, value), path)
                is_silent = value in NOTHING or (is_struct and value in OBJECTS)
                if has_column and not is_silent and unnoted(rows) == unnoted(without):
                    assert rows.order.notes != without.order.notes, (path, value)

    @pytest.mark.parametrize("value", [None, "", " ", 1.5, True, [], {}, ["1"], {"x": 1}, "9" * 256])
    def test_order_whose_id_is_missing_or_unusable_is_a_bad_record(self, value: object) -> None:
        for record in self.records:
            with pytest.raises(BadRecord):
                self.platform.normalize(as_bytes(put(json.loads(record), self.id_at, value)))

    @pytest.mark.parametrize("time", TIMES)
    def test_times_are_read_however_they_are_written(self, time: object) -> None:
        for path, document in self.places():
            if path[-1] in ("createTime", "payTime"):
                rows = self.landed(as_bytes(put(copy.deepcopy(document), path, time)), path)
                landed = rows.order.paid_at if path[-1] == "payTime" else rows.order.created_at
                assert landed == datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
                assert rows.order.notes == self.landed(as_bytes(document), path).order.notes

    @pytest.mark.parametrize("time", NO_TIMES)
    def test_times_that_mean_never_are_no_time(self, time: object) -> None:
        for path, document in self.places():
            if path[-1] == "payTime":
                rows = self.landed(as_bytes(put(copy.deepcopy(document), path, time)), path)
                without = self.landed(as_bytes(put(copy.deepcopy(document), path, None)), path)
                assert rows == without
                assert rows.order.paid_at is None

    @hostile(150)
    @given(data=st.data())
    def test_any_mixture_of_mutations_normalises_or_is_a_bad_record(self, data: st.DataObject) -> None:
        document = json.loads(data.draw(st.sampled_from(self.records)))
        for _ in range(data.draw(st.integers(1, 5))):
            path = data.draw(st.sampled_from(list(paths(document))))
            if data.draw(st.booleans()):
                put(document, path, data.draw(ANY_JSON))
            else:
                drop(document, path)
            if not document:
                return
        self.outcome(as_bytes(document))

    @hostile(200)
    @given(data=st.data())
    def test_damaged_bytes_normalise_or_are_a_bad_record(self, data: st.DataObject) -> None:
        record = data.draw(st.sampled_from(self.records))
        start = data.draw(st.integers(0, len(record)))
        end = data.draw(st.integers(start, min(len(record), start + 40)))
        self.outcome(record[:start] + data.draw(st.binary(max_size=20)) + record[end:])

    @hostile(100)
    @given(record=st.binary() | st.deferred(lambda: ANY_JSON.map(as_bytes)))
    def test_random_bytes_and_random_json_are_a_bad_record(self, record: bytes) -> None:
        with pytest.raises(BadRecord):
            self.platform.normalize(record)
        with pytest.raises(BadRecord):
            self.platform.identify(record)

    @pytest.mark.parametrize("record", [b"", b"null", b"{}", b"[]", DEEP, b'{"x":' + DEEP], ids=lambda b: repr(b[:8]))
    def test_hollow_or_bottomless_record_is_a_bad_record(self, record: bytes) -> None:
        with pytest.raises(BadRecord):
            self.platform.normalize(record)
        with pytest.raises(BadRecord):
            self.platform.identify(record)

    def test_text_no_database_can_store_is_replaced_visibly_and_noted(self) -> None:
        for path, document in self.mutable(str):
            plain = self.outcome(as_bytes(put(copy.deepcopy(document), path, "ab")))
            for hostile, visible in (("a\x00b", "\u2400"), ("a\ud800b", REPLACEMENT), ("\udfff", REPLACEMENT)):
                rows = self.lands(document, path, hostile)
                if rows is None or rows == plain or isinstance(plain, BadRecord):
                    continue
                texts = list(all_texts(rows))
                if any(visible in text for text in texts):
                    assert any("replaced" in note for note in rows.order.notes or []), path

    def test_long_text_and_rare_characters_land_whole(self) -> None:
        for path, document in self.mutable(str):
            before = self.outcome(as_bytes(document))
            for text in ("長" * 20_000, "𠀀😀👩‍👩‍👧", "‮ e\u0301 '\"\\ \t\r\n $$ %s"):
                rows = self.lands(document, path, text)
                if rows is not None and rows != before:
                    assert any(text in landed for landed in all_texts(rows)) or path[-1] in self.not_free_text, path

    def lands(self, document: Any, path: Path, text: str) -> OrderRows | None:
        """The rows with a text put somewhere; None where a field that is no free text refused it."""
        rows = self.outcome(as_bytes(put(copy.deepcopy(document), path, text)))
        if isinstance(rows, BadRecord):
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


ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def odd_bytes(document: Any, path: Path, value: Any) -> bytes:
    """The document with a value put somewhere, which is not kept."""
    whole = as_bytes(put(document, path, "@@" if isinstance(value, Bare) else value))
    return whole.replace(b'"@@"', value.encode()) if isinstance(value, Bare) else whole


def opened(value: Any) -> Any:
    """A document in which JSON in a string is JSON."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return opened(json.loads(value))
    if isinstance(value, dict):
        return {name: opened(each) for name, each in value.items()}
    return [opened(each) for each in value] if isinstance(value, list) else value


def unnoted(rows: OrderRows) -> list[Any]:
    """All that landed but the notes."""
    return [msgspec.structs.replace(rows.order, notes=None), *rows.all()[1:]]


def paths(document: Any, start: Path = ()) -> Iterator[Path]:
    """Where every value of a JSON document lies, at every depth."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*start, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*start, key))


def get(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def put(document: Any, path: Path, value: Any) -> Any:
    get(document, path[:-1])[path[-1]] = value
    return document


def drop(document: Any, path: Path) -> Any:
    del get(document, path[:-1])[path[-1]]
    return document


def all_texts(rows: OrderRows) -> Iterator[str]:
    for row in rows.all():
        for name in row.__struct_fields__:
            yield from _texts(getattr(row, name))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts([*value.keys(), *value.values()])


HINTS: dict[type, dict[str, Any]] = {
    kind: get_type_hints(kind) for kind in (OrderRow, SubOrderRow, ProductItemRow, ParcelRow, ReceiverRow)
}  # fmt: skip


def check_rows(rows: OrderRows) -> None:
    """Every row can land: declared types, unique keys, lines that belong together, nothing a database refuses."""
    order_id = rows.order.order_id
    for row in rows.all():
        for name, hint in HINTS[type(row)].items():
            check_value(getattr(row, name), hint, f"{type(row).__name__}.{name}")
        for name in INDEXED[type(row)]:
            assert len(getattr(row, name) or "") <= LONGEST_KEY, f"{name} is too long for an index"
        assert row.order_id == order_id  # type: ignore[attr-defined]
    assert order_id
    assert rows.order.status_group in set(StatusGroup)
    lines = [line.sub_order_id for line in rows.sub_orders]
    items = [(item.sub_order_id, item.item_no) for item in rows.product_items]
    parcels = [parcel.parcel_id for parcel in rows.parcels]
    assert all(lines) and len(set(lines)) == len(lines) == rows.order.line_count  # noqa: PT018
    assert len(set(items)) == len(items)
    assert {line for line, _ in items} <= set(lines)
    assert all(parcels) and len(set(parcels)) == len(parcels)  # noqa: PT018
    for text in all_texts(rows):
        assert "\x00" not in text
        text.encode()


def check_value(value: Any, hint: Any, where: str) -> None:
    if value is None:
        assert type(None) in getattr(hint, "__args__", ()), f"{where} is None"
        return
    kinds = [kind for kind in getattr(hint, "__args__", (hint,)) if kind is not type(None)]
    names = {kind.__name__ for kind in kinds}
    if isinstance(value, StatusGroup):
        value = value.value
    assert type(value).__name__ in names, f"{where} is {type(value).__name__}, not {hint}"
    match value:
        case Decimal():
            assert value.is_finite(), where
            if where.endswith(".quantity"):
                assert abs(value) < 10**30, where
                assert -30 <= value.as_tuple().exponent <= 30, where  # type: ignore[operator]
            elif where.endswith(".unit_price"):
                assert -14 <= value.as_tuple().exponent <= -2, f"{where} is {value}"  # type: ignore[operator]
                assert abs(value) < 10**16, where
            else:
                assert value.as_tuple().exponent == -2, f"{where} is {value}"
                assert abs(value) < 10**16, where
        case datetime():
            assert value.utcoffset() is not None, where
            assert abs(value.utcoffset() or timedelta()) < timedelta(days=1), where
        case list():
            assert all(type(item) is str for item in value), where
        case dict():
            assert all(type(item) is str for item in [*value, *value.values()]), where
