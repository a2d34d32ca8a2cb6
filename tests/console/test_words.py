"""Chinese and English: nothing untranslated, one zone, one way to write a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from orders_sync.console.stored_words import stored
from orders_sync.console.words import CATALOGUE, LANGUAGES, Words, chosen
from orders_sync.domain import local_times
from orders_sync.domain.errors import ChangedError
from orders_sync.domain.problems import AccountState
from orders_sync.domain.sentences import Sentence
from tests.support import catalogue
from tests.support.console import Served

EN, ZH = Words("en"), Words("zh")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("baseInfo.idOfStr: missing or empty", "baseInfo.idOfStr: 缺失或为空"),
        ("orders[0].id: an object, not text", "orders[0].id: 是对象，不是文本"),
        ("request 1, done, asks for the same range", "请求 1（完成）是同一范围"),
        ("Number must be text", "Number must be text"),
        ("no order id: orderId is missing", "no order id: orderId is missing"),
        ("window 7: status is read only", "window 7: status is read only"),
        ("the platform said: 3 missing", "the platform said: 3 missing"),
        ("refused by the database: value out of range", "被数据库拒绝：value out of range"),
        ("not UTF-8: invalid start byte", "不是 UTF-8 文本：invalid start byte"),
        ("order id: holds characters that no key may hold", "order id: 含有编号不可能有的字符"),
        ("read as order 7, known as order 8", "读到的是订单 7，登记的是订单 8"),
        ("until the shop says so", "until the shop says so"),
        ("", ""),
    ],
)
def test_a_sentence_that_was_stored_in_english_is_shown_in_chinese(text: str, said: str) -> None:
    assert stored(Words("zh"), text) == said
    assert stored(Words("en"), text) == text


def test_every_text_is_translated_and_no_unused_one_is_left() -> None:
    assert [message.id for message in catalogue.translations() if message.id and not message.string] == []
    assert CATALOGUE.read_bytes() == catalogue.renewed(), "python -m tests.support.catalogue"


def test_a_translation_has_the_values_of_its_text() -> None:
    def values(text: str) -> list[str]:
        return sorted(re.findall(r"%\((\w+)\)[sd]", text))

    for message in catalogue.translations():
        assert values(str(message.id)) == values(str(message.string)), message.id


def test_a_chinese_sentence_has_full_width_punctuation() -> None:
    narrow = re.compile("[\u4e00-\u9fff][,:;?!(]|[,:;?!)][\u4e00-\u9fff]")
    assert [str(each.string) for each in catalogue.translations() if narrow.search(str(each.string))] == []


@pytest.mark.parametrize("state", AccountState)
def test_states_are_translated(state: AccountState) -> None:
    assert ZH(state.value) != state.value


@pytest.mark.parametrize(
    ("asked", "accepted", "default", "language"),
    [
        (None, "zh-CN,zh;q=0.9,en;q=0.8", None, "zh"),
        (None, "fr, en;q=0.5, zh;q=0.7", None, "zh"),
        (None, "fr", None, "en"),
        (None, "", None, "en"),
        (None, "en;q=none, zh", None, "zh"),
        ("en", "zh", "zh", "en"),
        ("xx", "zh", "auto", "zh"),
        (None, "en", "zh", "zh"),
    ],
)
def test_a_language_is_chosen_set_or_asked_for(
    asked: str | None, accepted: str, default: str | None, language: str
) -> None:
    assert chosen(asked, accepted, default) == language


def test_a_time_is_shown_in_the_zone_of_the_console_at_2330_utc() -> None:
    local_times.use("Asia/Shanghai")
    moment = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert str(EN.time(moment)) == (
        '<time datetime="2026-12-01T07:30:00+08:00" title="2026-12-01 07:30:00 +08:00">2026-12-01 07:30:00</time>'
    )
    assert EN.time(None) == "–"


def test_spans_are_written_by_their_two_largest_units() -> None:
    assert EN.span(timedelta(hours=3, minutes=5, seconds=9)) == "3 h 5 min"
    assert EN.span(0) == "0 s"
    assert EN.span(-90) == "−1 min 30 s"
    assert ZH.span(86_400 * 2) == "2 天"
    assert EN.span(None) == "–"


def test_a_sentence_is_translated_with_its_values_and_stays_a_string() -> None:
    local_times.use("Asia/Shanghai")
    plan = Sentence("plan %(plan)s was started already, as request %(request)s", plan=7, request=9)
    assert plan == "plan 7 was started already, as request 9" == EN.sentence(plan)
    assert ZH.sentence(plan) == "计划 7 已经启动，请求编号为 9"
    assert ZH.error(ChangedError(plan)) == ZH.sentence(plan)
    assert ZH.sentence("a platform's own words: 100 %") == "a platform's own words: 100 %"


def test_the_values_of_a_sentence_are_written_in_its_language() -> None:
    local_times.use("Asia/Shanghai")
    at, age, inner = datetime(2026, 11, 30, 23, 30, tzinfo=UTC), timedelta(days=2), Sentence("complete")
    text = Sentence("%(at)s, %(age)s, %(inner)s", at=at, age=age, inner=inner)
    assert text == "2026-12-01 07:30:00 +08:00, 2 d, complete"
    assert ZH.sentence(text) == f"2026-12-01 07:30:00, 2 天, {ZH('complete')}"


def test_an_error_that_says_more_than_its_sentence_stays_whole() -> None:
    class PlacedError(Exception):
        def __str__(self) -> str:
            return f"somewhere: {self.args[0]}"

    assert ZH.error(PlacedError(Sentence("complete"))) == "somewhere: complete"


@time_machine.travel("2026-11-30T23:30:00Z", tick=True)
async def test_the_header_names_the_zone_and_the_language_can_be_changed(console: Served) -> None:
    async with console.person(language="zh-CN") as client:
        text = (await client.get("/me")).text
        assert '<html lang="zh">' in text
        assert "Asia/Shanghai" in text
        answer = await client.post("/language", data={"language": "en", "next": "/me"})
        assert answer.headers["location"] == "/me"
        assert '<html lang="en">' in (await client.get("/me")).text
        assert LANGUAGES["zh"] in (await client.get("/me")).text


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        (Sentence("no shop has been synced yet"), "No shop has been synced yet.", "。"),
        (Sentence("%(shop)s: nothing of it was read", shop="a-shop"), "a-shop: nothing of it was read.", "。"),
        ("Of a platform!", "Of a platform!", "!"),
    ],
)
def test_a_sentence_that_stands_by_itself_is_whole(text: str, english: str, chinese: str) -> None:
    assert Words("en").whole(text) == english
    assert Words("zh").whole(text).endswith(chinese)
    assert not Words("zh").whole(text).endswith("。。")
