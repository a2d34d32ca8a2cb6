"""Text that Postgres cannot store."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.sanitize import may_need_sanitizing, replace_lone_surrogates, sanitize

awkward = st.text(
    st.sampled_from(["\\", "u", "d", "8", "0", '"', "a", "\ud83d", "\ude00", "\ud800", "\x00", "\x1e", "😀", "中"])
)


@given(awkward)
def test_only_lone_surrogates_are_replaced_and_no_offset_moves(text: str) -> None:
    payload = json.dumps({"text": text}).encode()
    repaired = replace_lone_surrogates(payload)
    assert len(repaired) == len(payload)
    said = json.loads(payload)["text"]  # joins escaped halves that happen to stand side by side
    assert json.loads(repaired)["text"] == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in said)


@given(awkward)
def test_what_comes_out_can_be_stored_and_only_what_must_be_is_replaced(text: str) -> None:
    clean = sanitize(text)
    clean.encode()
    assert "\x00" not in clean
    assert len(clean) == len(text)
    assert all(
        after == before or before == "\x00" or "\ud800" <= before <= "\udfff"
        for before, after in zip(text, clean, strict=True)
    )


@given(awkward)
def test_a_record_that_is_not_suspect_is_returned_as_it_is(text: str) -> None:
    nested = json.dumps({"outer": json.dumps({"inner": text})}).encode()
    if not may_need_sanitizing(nested):
        assert sanitize(text) == text
