"""Requests to both Xportcn APIs and their answers, beyond what every platform promises."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import (
    AuthenticationError,
    InvalidRecordError,
    MalformedResponseError,
    RateLimitError,
    TransientError,
)
from orders_sync.domain.windows import Feed, Window
from orders_sync.platforms.contract import PageQuery, Platform
from orders_sync.platforms.xportcn.ka import PLATFORM as KA
from orders_sync.platforms.xportcn.open import PLATFORM as OPEN
from orders_sync.platforms.xportcn.protocol import page, signature
from tests.support.xportcn_samples import Story

ACCESS_KEY = "8bfeefe8df8846bea5c0ed90759afe4c"
SECRET = "test-secret-0001"
NOW = datetime(2026, 4, 3, 12, 57, 12, 345678, tzinfo=UTC)  # 1775221032 seconds, the documents' own timestamp
WINDOW = Window(datetime(2026, 3, 31, 16, tzinfo=UTC), datetime(2026, 4, 16, 16, tzinfo=UTC))
ASK = PageQuery(Feed.CREATED, WINDOW, 1, 10)


def account(base_url: str = "", timestamp_unit: str = "s", refused: tuple[str, ...] = ()) -> Account:
    own = {"timestamp_unit": timestamp_unit}
    return Account("ka", "xportcn_ka", base_url, "2218427022945", ACCESS_KEY, SECRET, refused, own=own)


def said(code: object, msg: object = "no", **more: object) -> bytes:
    return json.dumps({"requestId": "r-1", "code": code, "developId": "1", "msg": msg, **more}).encode()


def test_signature_of_the_known_vector() -> None:
    """api-facts 0, self-made: no vector with a secret is published."""
    assert signature(ACCESS_KEY, "1775221032", "nzxqnqd8u7", SECRET) == "38342DABADF21BC4A5593FE9FCB65663"


IDS = [
    '"234804"',
    "234804",
    '"23\\u0034804"',
    '"a b"',
    '"订"',
    '"\\ud800"',
    '""',
    "0",
    "-1",
    "1.5",
    "true",
    "null",
    "[1]",
]


@pytest.mark.parametrize("platform", [OPEN, KA], ids=lambda platform: platform.name)
@pytest.mark.parametrize("written", [*IDS, f'"{"x" * 255}"', f'"{"x" * 256}"', "9" * 19, "9" * 20])
def test_a_row_is_known_by_the_same_id_wherever_it_says_it(platform: Platform, written: str) -> None:
    rest = json.dumps({**Story(platform.name, platform.normalize).order(), "id": None})
    rest = rest.replace('"id": null, ', "", 1)
    found: set[str | None] = set()
    for row in (
        f'{{"id": {written}, {rest[1:]}',
        f'{rest[:-1]}, "id": {written}}}',
        f' {{ "id" :{written} ,{rest[1:]}',
    ):
        found.add(platform.identify(row.encode(), Feed.CREATED).order_id)
        try:
            found.add(platform.normalize(row.encode()).order.order_id)
        except InvalidRecordError:
            found.add(None)
    assert len(found) == 1


@pytest.mark.parametrize("platform", [OPEN, KA], ids=lambda platform: platform.name)
class TestRequest:
    def test_headers_carry_the_credentials_and_the_signature_of_the_first_three(self, platform: Platform) -> None:
        sent = platform.request(account(), ASK, NOW).headers
        assert sent["access-key"] == ACCESS_KEY
        assert sent["user-id"] == "2218427022945"
        assert sent["timestamp"] == "1775221032"
        assert len(sent["nonce-str"]) == 32
        assert sent["signature"] == signature(ACCESS_KEY, "1775221032", sent["nonce-str"], SECRET)

    def test_timestamp_in_milliseconds_when_the_account_says_so(self, platform: Platform) -> None:
        sent = platform.request(account(timestamp_unit="ms"), ASK, NOW).headers
        assert sent["timestamp"] == "1775221032345"
        assert sent["signature"] == signature(ACCESS_KEY, "1775221032345", sent["nonce-str"], SECRET)

    def test_every_request_has_a_nonce_of_its_own(self, platform: Platform) -> None:
        nonces = {platform.request(account(), ASK, NOW).headers["nonce-str"] for _ in range(100)}
        assert len(nonces) == 100

    def test_without_a_base_url_the_documented_one_is_asked(self, platform: Platform) -> None:
        assert str(platform.request(account(), ASK, NOW).url).startswith("https://www.xportcn.com/api/open/")

    def test_update_time_cannot_be_asked(self, platform: Platform) -> None:
        with pytest.raises(ValueError, match="creation time only"):
            platform.request(account(), PageQuery(Feed.UPDATED, WINDOW, 1, 10), NOW)

    @pytest.mark.parametrize("size", [1, 500])
    def test_page_of_one_to_five_hundred_is_asked(self, platform: Platform, size: int) -> None:
        platform.request(account(), PageQuery(Feed.CREATED, WINDOW, 1, size), NOW)

    @pytest.mark.parametrize("size", [0, 501])
    def test_page_beyond_our_bounds_is_not_asked(self, platform: Platform, size: int) -> None:
        with pytest.raises(ValueError):
            platform.request(account(), PageQuery(Feed.CREATED, WINDOW, 1, size), NOW)

    def test_status_is_asked_as_a_number_and_every_one_that_is_not_final_may_be(self, platform: Platform) -> None:
        assert platform.listed_statuses == ("12", "0", "1", "2", "3", "5", "10", "11", "9")
        for status in platform.listed_statuses:
            request = platform.request(account(), replace(ASK, status=status), NOW)
            if platform is KA:
                assert json.loads(request.content)["status"] == int(status)
            else:
                assert httpx.QueryParams(request.url.query)["status"] == status

    def test_status_that_is_no_number_is_not_asked(self, platform: Platform) -> None:
        with pytest.raises(ValueError):
            platform.request(account(), replace(ASK, status="success"), NOW)


def test_open_asks_by_get_with_four_parameters_and_nothing_empty() -> None:
    request = OPEN.request(account(), ASK, NOW)
    assert request.method == "GET"
    assert request.url.path == "/api/open/order/page"
    assert request.content == b""
    assert httpx.QueryParams(request.url.query) == httpx.QueryParams(
        pageNum="1", pageSize="10", beginDateTime="2026-04-01 00:00:00", endDateTime="2026-04-17 00:00:00"
    )


def test_ka_asks_by_post_with_the_json_of_the_document() -> None:
    request = KA.request(account(), ASK, NOW)
    assert request.method == "POST"
    assert request.url.path == "/api/open/purchase/page"
    assert request.url.query == b""
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "pageNum": 1,
        "pageSize": 10,
        "beginDateTime": "2026-04-01 00:00:00",
        "endDateTime": "2026-04-17 00:00:00",
    }


class TestEnvelope:
    @pytest.mark.parametrize("code", [200, "200"])
    def test_success_is_code_200_as_number_or_text(self, code: object) -> None:
        assert page(account(), said(code, data={"total": 0, "data": []})).total == 0

    @pytest.mark.parametrize("data", [{"data": None}, {"data": []}, {"data": {}}, {}, {"data": "", "total": 1}])
    def test_data_beside_an_error_may_be_anything(self, data: dict[str, object]) -> None:
        with pytest.raises(TransientError, match="code 500"):
            page(account(), said(500, data=data))

    def test_success_with_other_data_is_malformed(self) -> None:
        for body in (said(200, data="none"), said(200, data=7)):
            with pytest.raises(MalformedResponseError, match="no list"):
                page(account(), body)

    def test_answer_without_a_code_is_malformed(self) -> None:
        with pytest.raises(MalformedResponseError, match="base_url"):
            page(account(), b'{"timestamp": "x", "status": 404, "error": "Not Found"}')

    @pytest.mark.parametrize("code", [401, "401", 403])
    def test_401_and_403_are_refused(self, code: object) -> None:
        with pytest.raises(AuthenticationError, match="the platform answers code 40"):
            page(account(), said(code))

    def test_429_is_throttled(self) -> None:
        with pytest.raises(RateLimitError):
            page(account(), said(429))

    def test_digits_of_a_code_inside_a_message_do_not_stop_an_account(self) -> None:
        with pytest.raises(TransientError):
            page(account(refused=("401",)), said(500, "order 1022505290345401832 is locked"))

    def test_an_empty_word_in_the_settings_matches_nothing(self) -> None:
        with pytest.raises(TransientError):
            page(account(refused=("",)), said(500))

    def test_error_names_the_request_id_for_the_platform_s_support(self) -> None:
        with pytest.raises(TransientError, match=r"requestId r-1"):
            page(account(), said(500))

    def test_error_does_not_repeat_credentials_the_platform_quotes(self) -> None:
        """P8."""
        sign = signature(ACCESS_KEY, "1775221032", "nzxqnqd8u7", SECRET)
        with pytest.raises(AuthenticationError) as caught:
            page(account(), said(401, f"{sign} of {ACCESS_KEY}/{SECRET} is wrong"))
        assert not [word for word in (sign, ACCESS_KEY, SECRET) if word in str(caught.value)]
        assert "is wrong" in str(caught.value)

    def test_total_is_not_made_up(self) -> None:
        with pytest.raises(MalformedResponseError):
            page(account(), said(200, data={"data": [{}]}))


def test_platforms_do_not_share_a_module_but_the_protocol_s() -> None:
    assert OPEN.page is KA.page is page
    assert OPEN.normalize is not KA.normalize
    assert sys.modules["orders_sync.platforms.xportcn.open.client"].PATH == "/open/order/page"
