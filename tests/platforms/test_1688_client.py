"""Requests to fw199 for 1688 orders and the meaning of its answers (api-facts 0 and 4)."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import (
    AuthenticationError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.domain.windows import Feed, Window
from orders_sync.platforms.alibaba_1688 import PLATFORM
from orders_sync.platforms.alibaba_1688.client import sign
from orders_sync.platforms.contract import PageQuery
from tests.support.samples_1688 import SAMPLE, form_of

SECRET = "test-secret-0001"
VECTOR = {
    "appid": "uwkahf@jfs92",
    "seller_nick": "kingdo",
    "timestamp": "1633618722",
    "start_created": "2024-05-28 00:00:00",
    "end_created": "2024-05-30 23:10:59",
    "status": "2",
    "page_no": "1",
    "page_size": "10",
}
ACCOUNT = Account(
    name="kingdo",
    platform="1688",
    base_url="https://kf.fw199.com",
    seller="kingdo",
    app_id="uwkahf@jfs92",
    app_secret=SECRET,
)
NOW = datetime.fromtimestamp(1633618722, UTC)
ASK = PageQuery(
    feed=Feed.UPDATED,
    window=Window(datetime(2021, 10, 7, 14, 0, tzinfo=UTC), datetime(2021, 10, 7, 14, 30, tzinfo=UTC)),
    page_no=1,
    page_size=500,
)


def failure(code: object, message: object) -> bytes:
    return json.dumps({"code": code, "message": message}).encode()


def error_of(body: bytes, account: Account = ACCOUNT) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        PLATFORM.page(account, body)
    return caught.value


class TestSign:
    def test_vector_1_of_the_facts(self) -> None:
        assert sign(VECTOR, SECRET) == "7f5c96de449fcd5139a25a04ccdf7a62"

    def test_vector_2_signs_utf8_and_keeps_the_key_of_an_empty_value(self) -> None:
        params = {**VECTOR, "buyer_message": "不要搞错", "buyer_message_op": "ne", "buyer_open_uid": ""}
        assert sign(params, SECRET) == "383b9e0c19d4a9c76e001dbdcdff9afd"

    def test_order_of_parameters_and_a_former_signature_do_not_matter(self) -> None:
        again = {"sign": "0" * 32, **dict(reversed(VECTOR.items()))}
        assert sign(again, SECRET) == sign(VECTOR, SECRET)

    def test_raw_values_are_signed_not_their_form_encoding(self) -> None:
        assert sign({"a": "1 +&=你"}, "s") == hashlib.md5("sa1 +&=你s".encode()).hexdigest()


class TestRequest:
    def test_every_parameter_is_there_and_none_is_empty(self) -> None:
        form = form_of(PLATFORM.request(ACCOUNT, ASK, NOW))
        signature = form.pop("sign")
        assert form == {
            "appid": "uwkahf@jfs92",
            "seller_nick": "kingdo",
            "timestamp": "1633618722",
            "start_created": "2021-10-07 22:00:00",
            "end_created": "2021-10-07 22:30:00",
            "date_type": "1",
            "order_asc": "ASC",
            "page_no": "1",
            "page_size": "500",
        }
        assert signature == sign(form, SECRET)

    def test_it_is_a_post_to_the_enhanced_list(self) -> None:
        request = PLATFORM.request(ACCOUNT, ASK, NOW)
        assert (request.method, str(request.url)) == ("POST", "https://kf.fw199.com/gateway/1688/order/ext/list")

    def test_chinese_seller_is_signed_raw_and_sent_as_utf8(self) -> None:
        account = replace(ACCOUNT, seller="金度 服饰+旗舰店&")
        form = form_of(PLATFORM.request(account, ASK, NOW))
        assert form["seller_nick"] == "金度 服饰+旗舰店&"
        assert form.pop("sign") == sign(form, SECRET)

    def test_date_type_is_1_by_update_time_and_0_by_creation_time(self) -> None:
        for feed, date_type in ((Feed.UPDATED, "1"), (Feed.CREATED, "0")):
            assert form_of(PLATFORM.request(ACCOUNT, replace(ASK, feed=feed), NOW))["date_type"] == date_type

    def test_timestamp_is_in_whole_seconds(self) -> None:
        form = form_of(PLATFORM.request(ACCOUNT, ASK, NOW + timedelta(microseconds=999_999)))
        assert form["timestamp"] == "1633618722"

    def test_window_of_28_days_is_taken_and_a_second_more_is_not(self) -> None:
        end = ASK.window.start + timedelta(days=28)
        PLATFORM.request(ACCOUNT, replace(ASK, window=Window(ASK.window.start, end)), NOW)
        with pytest.raises(ValueError, match="28 days"):
            PLATFORM.request(ACCOUNT, replace(ASK, window=Window(ASK.window.start, end + timedelta(seconds=1))), NOW)

    def test_status_is_not_asked_for_what_changed_is_listed_by_time(self) -> None:
        assert PLATFORM.listed_statuses == ()
        with pytest.raises(ValueError, match="not listed by status"):
            PLATFORM.request(ACCOUNT, replace(ASK, status="success"), NOW)


class TestPage:
    def test_total_counts_all_pages_not_the_records_of_this_one(self) -> None:
        page = PLATFORM.page(ACCOUNT, SAMPLE)
        assert (page.total, len(page.records)) == (62, 1)

    def test_record_is_the_text_between_the_brackets_of_items(self) -> None:
        start, end = SAMPLE.index(b'{\n"nativeLogistics"'), SAMPLE.rindex(b"\n]\n}\n}")
        assert PLATFORM.page(ACCOUNT, SAMPLE).records == [SAMPLE[start:end]]

    def test_code_0_as_text_is_success(self) -> None:
        assert PLATFORM.page(ACCOUNT, b'{"code":"0","message":"ok","data":{"total":"0"}}').records == []

    def test_answer_without_code_or_with_a_null_code_is_malformed(self) -> None:
        for body in (b'{"data":{"total":0,"items":[]}}', b'{"code":null,"data":{"total":0}}'):
            assert type(error_of(body)) is MalformedResponseError

    def test_success_with_other_data_says_so(self) -> None:
        for body in (b'{"code":0,"message":"ok","data":"none"}', b'{"code":0,"message":"ok","data":7}'):
            error = error_of(body)
            assert type(error) is MalformedResponseError
            assert "no list" in str(error)

    def test_records_after_lone_surrogates_in_message_and_items_are_exact(self) -> None:
        records = [b'{"a":"\\ud800"}', b'{"a":"\\\\ud800 \\ud83d\\ude00"}', b'{"a":1}']
        body = b'{"code":0,"message":"\\udc00","data":{"total":3,"items":[' + b" , ".join(records) + b"]}}"
        assert PLATFORM.page(ACCOUNT, body).records == records

    def test_gateway_words_stop_the_account_or_slow_it_down(self) -> None:
        assert type(error_of(failure(-1, "gw.SignatureInvalid: invalid signature"))) is AuthenticationError
        assert (
            type(error_of(failure("gw.APIACLDecline", "no right"))) is TransientError
        )  # neither equal nor in the message
        assert type(error_of(failure("APIACLDecline", ""))) is AuthenticationError
        assert type(error_of(failure(500, "GW.QOSAPPFREQUENCYLIMIT"))) is RateLimitError

    def test_account_s_own_codes_replace_the_platform_s(self) -> None:
        account = replace(ACCOUNT, refused_codes=("1003",))
        assert type(error_of(failure(-1, "gw.SignatureInvalid"), account)) is TransientError
        assert type(error_of(failure(1003, "x"), account)) is AuthenticationError

    def test_a_number_is_a_code_never_a_word_of_the_message(self) -> None:
        account = replace(ACCOUNT, refused_codes=("27", ""), throttled_codes=("429",))
        assert type(error_of(failure(1, "order 2701 took 4290 ms"), account)) is TransientError

    def test_secret_or_signature_echoed_by_the_platform_is_not_shown(self) -> None:
        """P8: a gateway may say which text it expected to be signed."""
        echo = f"sign error: {SECRET}appid1{SECRET} -> 7f5c96de449fcd5139a25a04ccdf7a62"
        for code in (1, SECRET, "7f5c96de449fcd5139a25a04ccdf7a62"):
            error = error_of(failure(code, echo))
            shown = f"{error} {error!r} {vars(error)}"
            assert SECRET not in shown
            assert "7f5c96de" not in shown
            assert "sign error" in shown

    def test_long_message_is_cut(self) -> None:
        assert len(str(error_of(failure(1, "x" * 10_000)))) < 500

    def test_message_that_is_no_text_is_shown_all_the_same(self) -> None:
        assert type(error_of(failure(7, {"reason": "busy"}))) is TransientError
        assert "busy" in str(error_of(failure(7, {"reason": "busy"})))
