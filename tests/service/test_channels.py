"""A notice is accepted by a messenger or not, and why not is said without a secret; none of them holds anybody up."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from orders_sync.domain.errors import SettingsError
from orders_sync.domain.secret import Secret
from orders_sync.engine.notice_texts import Notice, write_test
from orders_sync.service import channels as module
from orders_sync.service.channels import Channel, open_channels
from orders_sync.service.redaction import Redactor, collect_secrets
from orders_sync.settings import NotifySettings, Settings
from tests.support.messenger import Messenger, messenger

NOTICE = Notice("warning", "orders-sync: 1 new problem", "Behind: 店铺 (16 min)")
TOKEN = "hush4711hush4711"


@pytest.fixture
def shop() -> Iterator[Messenger]:
    with messenger() as made:
        yield made


def opened(*urls: str) -> list[Channel]:
    channels, mistakes = open_channels(NotifySettings(urls=tuple(map(Secret, urls))))
    assert mistakes == []
    return channels


def thread_of(channel: Channel) -> threading.Thread:
    return next(each for each in threading.enumerate() if each.name == f"notify-{channel.label}")


async def sent(*urls: str) -> list[str | None]:
    return [await each.send(NOTICE) for each in opened(*urls)]


async def test_a_notice_arrives_with_title_text_and_level(shop: Messenger) -> None:
    assert await sent(shop.url()) == [None]
    [(_, said)] = shop.got
    assert (said["title"], said["message"], said["type"]) == (NOTICE.title, NOTICE.body, "warning")


async def test_each_channel_says_for_itself_whether_it_accepted(shop: Messenger) -> None:
    shop.answers = {"/broken": (500, "a stack trace"), "/forbidden": (403, "")}
    down = "json://127.0.0.1:1/"
    found = await sent(shop.url(), shop.url("/broken"), shop.url("/forbidden"), down)
    assert found[0] is None
    assert "error=500" in str(found[1])
    assert "error=403" in str(found[2])
    assert found[3] == "it cannot be reached"


async def test_a_messenger_that_never_answers_is_given_up_and_not_asked_twice_at_once(shop: Messenger) -> None:
    shop.silent = {"/silent"}
    [channel] = opened(shop.url("/silent"))
    channel.seconds = 0.2
    assert await channel.send(NOTICE) == "it did not answer within 0 s"
    assert await asyncio.to_thread(shop.asked.wait, 120)
    assert await channel.send(NOTICE) == "the send before has not ended yet"
    assert shop.at("/silent") == 1
    shop.closed.set()
    await asyncio.to_thread(thread_of(channel).join)
    channel.seconds = module.SECONDS
    shop.silent = set()
    assert await channel.send(NOTICE) is None


async def test_a_thread_that_hangs_does_not_hold_up_the_end_of_the_process(shop: Messenger) -> None:
    shop.silent = {"/silent"}
    [channel] = opened(shop.url("/silent"))
    channel.seconds = 0.1
    await channel.send(NOTICE)
    assert thread_of(channel).daemon


@pytest.mark.parametrize(
    ("plugin", "url", "refusal"),
    [
        (NotifyDingTalk, f"dingtalk://{TOKEN}", '{"errcode": 310000, "errmsg": "keywords not in content"}'),
        (NotifyWeComBot, f"wecombot://{TOKEN}", '{"errcode": 93000, "errmsg": "keywords not in content"}'),
        (NotifyFeishu, f"feishu://{TOKEN}", '{"code": 19024, "msg": "keywords not in content"}'),
    ],
)
async def test_a_refusal_with_status_200_is_no_acceptance(
    plugin: type, url: str, refusal: str, shop: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As DingTalk, WeCom and Feishu answer where a word they are told to ask for is missing."""
    address = "api_url" if plugin is NotifyWeComBot else "notify_url"
    [channel] = opened(url)
    target = channel.service if address == "api_url" else plugin
    monkeypatch.setattr(target, address, f"http://127.0.0.1:{shop.port}/bot")
    assert await channel.send(NOTICE) is None
    shop.answers = {"/bot": (200, refusal)}
    monkeypatch.setattr(channel.service, "request_rate_per_sec", 0)
    assert "keywords not in content" in str(await channel.send(NOTICE))
    shop.answers = {"/bot": (200, '{"errcode": 0, "errmsg": "ok", "code": 0}')}
    assert await channel.send(NOTICE) is None
    assert "Behind: 店铺 (16 min)" in str(shop.got[0][1])


async def test_a_plugin_that_raises_is_a_refusal_without_the_secret(
    shop: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    [channel] = opened(f"json://user:{TOKEN}@127.0.0.1:{shop.port}/x")

    def raises(**_: object) -> bool:
        raise RuntimeError(f"odd: {TOKEN}")

    monkeypatch.setattr(channel.service, "notify", raises)
    assert await channel.send(NOTICE) == "RuntimeError: odd: ***"


def test_urls_that_cannot_be_used_are_named_by_their_place_and_never_shown() -> None:
    def missing() -> str:
        raise SettingsError("[notify] urls[1]: environment variable DING is not set")

    urls = (
        Secret(f"nosuch://{TOKEN}/x"),
        Secret(missing),
        Secret(f"dingtalk://{TOKEN}-!/", "variable DING"),
        Secret("json://h"),
    )
    channels, mistakes = open_channels(NotifySettings(urls=urls))
    assert [each.label for each in channels] == ["json"]
    assert len(mistakes) == 3
    assert mistakes[0].startswith("[notify] urls[0]: Apprise cannot use this nosuch:// URL")
    assert mistakes[1] == "[notify] urls[1]: environment variable DING is not set"
    assert mistakes[2].startswith("[notify] urls[2]: Apprise cannot use this dingtalk:// URL (variable DING)")
    assert TOKEN not in "".join(mistakes)


def test_channels_of_one_scheme_are_numbered() -> None:
    assert [each.label for each in opened("json://a", "jsons://b", "json://c", "JSON://d")] == [
        "json",
        "jsons",
        "json-2",
        "json-3",
    ]


def test_without_apprise_a_sentence_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    found = open_channels(NotifySettings(urls=(Secret("json://a"),)))
    assert found == ([], ["[notify] needs Apprise, which is not installed: pip install 'orders-sync[notify]'"])
    assert open_channels(NotifySettings()) == ([], [])


async def test_debug_logging_shows_no_token(shop: Messenger, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert await sent(f"json://user:{TOKEN}@127.0.0.1:{shop.port}/{TOKEN}") == [None]
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("dingtalk://SECabcdef12@0123456789abcdef", ["SECabcdef12", "0123456789abcdef"]),
        ("feishu://aaaa-bbbb-cccc", ["aaaa-bbbb-cccc"]),
        ("wecombot://key-0123456789", ["key-0123456789"]),
        ("tgram://123456789:AAbbCCdd_ee-ff/-1001234567", ["123456789", "AAbbCCdd_ee-ff"]),
        ("mailtos://ops:p%40ss@smtp.example.com?to=a@example.com", ["p@ss", "p%40ss"]),
        ("https://hooks.example.com/services/T00000000/B00000000/XXXX0000?sign=0123456789", ["XXXX0000", "0123456789"]),
    ],
)
def test_parts_of_a_url_are_redacted_wherever_they_stand_P8(url: str, secrets: list[str]) -> None:
    redactor = Redactor(collect_secrets(Settings(notify=NotifySettings(urls=(Secret(url),)))))
    for secret in [url, *secrets]:
        assert secret not in redactor.text(f"calling https://api.example.com/send/{secret}/now?x={secret}")
    assert redactor.text("smtp.example.com behind localhost") == "smtp.example.com behind localhost"


def test_a_test_notice_is_an_ordinary_one() -> None:
    assert write_test("en", datetime(2026, 11, 26, tzinfo=UTC)).level == "info"
