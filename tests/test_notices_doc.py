"""The examples of docs/notices.md are URLs that Apprise understands, in settings that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.secret import Secret
from orders_sync.service.channels import open_channels
from orders_sync.settings import NotifySettings, load

DOCUMENT = (Path(__file__).parent.parent / "docs" / "notices.md").read_text(encoding="utf-8")
CHANNELS = DOCUMENT.partition("## Channels")[2].partition("## When")[0]
URLS = re.findall(r'["`](\w+://[^"`]*\w[^"`]*/?)["`]', CHANNELS)


def test_there_is_an_example_for_each_messenger() -> None:
    schemes = {url.partition("://")[0] for url in URLS}
    assert schemes >= {"dingtalk", "feishu", "wecombot", "mailtos", "tgram", "slack", "jsons"}


@pytest.mark.parametrize("url", [url for url in URLS if not url.startswith("https")])
def test_every_example_is_understood(url: str) -> None:
    channels, mistakes = open_channels(NotifySettings(urls=(Secret(url),)))
    assert mistakes == []
    assert [each.label for each in channels] == [url.partition("://")[0]]


def test_every_block_of_settings_can_be_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(blocks) == 5
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, encoding="utf-8")
        assert load(file, {}).notify.urls


def test_every_kind_is_explained() -> None:
    table = DOCUMENT.partition("| kind |")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {str(kind) for kind in ProblemKind}
