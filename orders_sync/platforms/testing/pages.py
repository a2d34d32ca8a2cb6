"""Tests of answers: whatever comes is a page, or one of the errors of `domain/errors.py`."""

from __future__ import annotations

import json
import random

import pytest

from orders_sync.domain.errors import (
    AuthenticationError,
    MalformedResponseError,
    RateLimitError,
    TransientError,
)
from orders_sync.platforms.testing.json_values import DEEP, drop, get
from orders_sync.platforms.testing.sample import PlatformSample


class PageContract(PlatformSample):
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
            with pytest.raises(MalformedResponseError):
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
        with pytest.raises(MalformedResponseError):
            self.platform.page(self.account(), body)

    def test_truncated_answer_is_malformed(self) -> None:
        body = self.sample.rstrip()
        for end in random.Random(1688).sample(range(1, len(body)), min(200, len(body) - 1)):
            with pytest.raises(MalformedResponseError):
                self.platform.page(self.account(), body[:end])

    def test_a_success_without_data_is_a_bare_page(self) -> None:
        where = self.items_at[:1]
        odd: tuple[object, ...] = (None, [], "", {}, {self.items_at[1]: []}, {self.total_at[1]: None})
        bare = [self.changed(where, each) for each in odd]
        for document in [*bare, drop(json.loads(self.sample), where)]:
            page = self.platform.page(self.account(), json.dumps(document).encode())
            assert (page.total, page.records, page.has_no_list_or_total) == (0, [], True)
        for document in (json.loads(self.sample), self.changed(self.total_at, 0), self.changed(self.items_at, None)):
            assert not self.platform.page(self.account(), json.dumps(document).encode()).has_no_list_or_total

    def test_odd_data_is_malformed(self) -> None:
        odd: object
        for odd in ("x", 1, True, [1], [[]], [{}]):
            with pytest.raises(MalformedResponseError):
                self.platform.page(self.account(), json.dumps(self.changed(self.items_at[:1], odd)).encode())

    def test_a_byte_order_mark_is_no_part_of_an_answer(self) -> None:
        marked = self.platform.page(self.account(), b"\xef\xbb\xbf" + self.sample)
        assert marked == self.platform.page(self.account(), self.sample)
        with pytest.raises(TransientError):
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
        assert self.identified(odd) is None

    def test_list_that_is_no_list_is_malformed(self) -> None:
        odd: object
        for odd in ({}, "x", 1):
            with pytest.raises(MalformedResponseError):
                self.platform.page(self.account(), json.dumps(self.changed(self.items_at, odd)).encode())

    def test_malformed_carries_only_the_beginning_of_the_body(self) -> None:
        with pytest.raises(MalformedResponseError) as caught:
            self.platform.page(self.account(), b"<html>" + b"x" * 100_000)
        assert caught.value.body.startswith(b"<html>")
        assert len(caught.value.body) <= 2048
        assert len(str(caught.value)) < 500

    def test_error_answer_is_transient_and_says_code_and_message(self) -> None:
        for code in (self.unknown_code, str(self.unknown_code)):
            with pytest.raises(TransientError) as caught:
                self.platform.page(self.account(), self.error(code, "系统繁忙"))
            assert caught.value.code == str(self.unknown_code)
            assert str(self.unknown_code) in str(caught.value)
            assert "系统繁忙" in str(caught.value)

    def test_error_answer_is_understood_whatever_its_data(self) -> None:
        odd: object
        for odd in ([], {}, "", "x", 0, {"total": None}):
            answer = json.loads(self.error(self.unknown_code, "x")) | {self.items_at[0]: odd}
            with pytest.raises(TransientError):
                self.platform.page(self.account(), json.dumps(answer).encode())

    def test_error_answer_without_message_is_transient(self) -> None:
        with pytest.raises(TransientError):
            self.platform.page(self.account(), self.error(self.unknown_code, None))

    def test_account_s_codes_tell_refused_and_throttled(self) -> None:
        account = self.account(refused_codes=("4010", "Bad Signature"), throttled_codes=("4290", "太频繁"))
        for body in (self.error(4010, "x"), self.error("4010", None), self.error(1, "wrong: BAD SIGNATURE!")):
            with pytest.raises(AuthenticationError):
                self.platform.page(account, body)
        for body in (self.error(4290, "x"), self.error(1, "调用太频繁了")):
            with pytest.raises(RateLimitError):
                self.platform.page(account, body)
        with pytest.raises(TransientError):
            self.platform.page(account, self.error(self.unknown_code, "another thing"))

    def test_platform_s_codes_hold_when_the_account_has_none(self) -> None:
        for codes, kind in (
            (self.platform.refused_codes, AuthenticationError),
            (self.platform.throttled_codes, RateLimitError),
        ):
            for code in codes:
                with pytest.raises(kind):
                    self.platform.page(self.account(), self.error(code, "x"))
                if not code.isdigit():
                    with pytest.raises(kind):
                        self.platform.page(self.account(), self.error(self.unknown_code, f"failed ({code.upper()})"))
