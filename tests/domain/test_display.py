"""Text of strangers on a terminal: shown, never obeyed."""

from __future__ import annotations

import json
import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.display import visible, visible_json


@cache  # not at import: every worker of every run would count them
def obeyed() -> list[str]:
    characters = map(chr, range(sys.maxunicode + 1))
    return [each for each in characters if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_no_character_that_a_terminal_obeys_or_hides_is_left() -> None:
    shown = visible("".join(obeyed()))
    assert not set(shown) & set(obeyed())
    assert len({visible(each) for each in obeyed()}) == len(obeyed()), "each has a sign of its own"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]52;c;eA==\x07", "␛[2J␛]52;c;eA==␇"),
        ("\x9b31m", "<U+009B>31m"),
        ("38\u202e765", "38<U+202E>765"),
        ("\ufeff234804\u200b", "<U+FEFF>234804<U+200B>"),
        ("two\nlines\r", "two␊lines␍"),
        ("\x7f", "␡"),
    ],
)
def test_what_it_is_shown_as(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_text_of_the_trade_stays_as_it_is() -> None:
    text = "跨境\u3000外贸 [/b] é 😀\u00a0¥69.60"
    assert visible(text) is text or visible(text) == text
    assert visible("a\n\tb", keep="\n\t") == "a\n\tb"


@given(st.text(st.one_of(st.characters(), st.deferred(lambda: st.sampled_from(obeyed())))))
def test_json_stays_the_same_document_without_what_a_terminal_obeys(text: str) -> None:
    document = visible_json(json.dumps({text: [text]}, ensure_ascii=False, indent=2))
    assert not set(document) - {"\n"} & set(obeyed())
    assert json.loads(document) == json.loads(json.dumps({text: [text]}))
