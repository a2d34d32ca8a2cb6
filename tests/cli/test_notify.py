"""`orders-sync notify test`: each channel is tried, and says whether it accepted the notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.messenger import Messenger, messenger
from tests.support.services import ANYWHERE
from tests.support.terminal import CONFIGURATION, Terminal, closed_port, eventually, platforms

TOKEN = "hush4711hush4711"


@pytest.fixture
def shop() -> Iterator[Messenger]:
    with messenger() as made:
        yield made


def settings(terminal: Terminal, *urls: str, more: str = "") -> None:
    terminal.write(f"[notify]\nurls = [{', '.join(urls)}]\n{more}")


def test_every_channel_says_whether_it_accepted_and_the_exit_code_says_it_for_all(
    terminal: Terminal, shop: Messenger, url: str
) -> None:
    """A test is recorded where there is a database, and made where there is none."""
    settings(terminal, f'"{shop.url()}"', '{ env = "OTHER" }', more='language = "zh"')
    other = shop.url("/other")
    said = terminal.run("notify", "test", OTHER=other, DATABASE_URL=url, ORDERS_SYNC_USER="ana").assert_well()
    assert said.out.splitlines() == ["json: accepted", "json-2: accepted"]
    assert [path for path, _ in shop.got] == ["/ok", "/other"] or [path for path, _ in shop.got] == ["/other", "/ok"]
    assert shop.texts[0].startswith("orders-sync：测试\n")
    assert Tables(url).query("SELECT action, actor FROM sync.activity") == [("notify.test", "ana")]
    shop.answers = {"/other": (500, "")}
    with closed_port() as port:
        nowhere = f"postgresql://somebody@127.0.0.1:{port}/x"
        said = terminal.run("notify", "test", OTHER=other, DATABASE_URL=nowhere)
    assert said.code == 1
    assert said.out.splitlines()[0] == "json: accepted"
    assert said.out.splitlines()[1].startswith("json-2: not accepted: ")


def test_a_channel_that_cannot_be_used_is_named_and_the_others_are_tried(terminal: Terminal, shop: Messenger) -> None:
    settings(terminal, f'"{shop.url()}"', '{ env = "NOT_SET" }', f'"nosuch://{TOKEN}"')
    said = terminal.run("notify", "test", "--json")
    assert said.code == 1
    assert said.json["channels"] == [{"channel": "json", "accepted": True, "error": None}]
    assert said.json["mistakes"][0] == "orders_sync.toml: [notify] urls[1]: environment variable NOT_SET is not set"
    assert said.json["mistakes"][1].startswith("[notify] urls[2]: Apprise cannot use this nosuch:// URL")
    assert TOKEN not in said.text


def test_without_a_channel_it_says_where_to_read_how(terminal: Terminal) -> None:
    terminal.run("notify", "test").assert_complains("[notify] urls", "docs/notices.md", code=CONFIGURATION)
    settings(terminal, '{ env = "NOT_SET" }')
    terminal.run("notify", "test").assert_complains("environment variable NOT_SET is not set", code=CONFIGURATION)


def test_a_missing_url_stops_no_other_command(terminal: Terminal) -> None:
    settings(terminal, '{ env = "NOT_SET" }')
    assert "there is no database yet" in terminal.run("status").err


def test_check_names_the_channels_and_the_mistakes_and_calls_nobody(terminal: Terminal, shop: Messenger) -> None:
    settings(terminal, f'"{shop.url("/" + TOKEN)}"', '{ env = "NOT_SET" }')
    said = terminal.run("config", "check")
    assert "notices by: json. Try them: `orders-sync notify test`" in said.out
    assert "✗ orders_sync.toml: [notify] urls[1]: environment variable NOT_SET is not set" in said.out
    assert terminal.run("config", "check", "--json").json["notify"] == ["json"]
    assert TOKEN not in said.text
    assert shop.got == []


BROKEN = """
[[accounts]]
name = "broken"
platform = "1688"
seller_nick = "broken"
app_id = "a"
app_secret = { env = "NOT_SET" }
history_from = "2026-01-01"
"""


def test_run_sends_notices_and_stops_in_time_though_a_messenger_hangs(
    terminal: Terminal, url: str, world: World, shop: Messenger
) -> None:
    terminal.variables["DATABASE_URL"] = url
    silent = f"/silent/{TOKEN}"
    shop.silent = {silent}
    notify = f'[notify]\nurls = ["{shop.url()}", "{shop.url(silent)}"]\nkinds = ["misconfigured"]\ndelay = 0\n'
    with platforms(world) as (root, _):
        terminal.describe(world, root, extra=notify)
        terminal.write(terminal.settings.read_text() + BROKEN)
        service = terminal.serve("run", *ANYWHERE)
        eventually(lambda: shop.at("/ok") and shop.at(silent))
        said = service.stop()
    assert "Misconfigured: broken\n" in shop.texts[0]
    assert TOKEN not in said
