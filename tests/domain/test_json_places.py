"""The value that a reason names is found in the record as it was received."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain import json_places
from orders_sync.domain.json_places import Place

TEXT = '{"a": {"b": [1, {"c": "x"}], "b2": null}, "d" : "y\\"z" , "e":[] }'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ([], TEXT),
        (["a", "b"], '[1, {"c": "x"}]'),
        (["a", "b", 0], "1"),
        (["a", "b", 1, "c"], '"x"'),
        (["a", "b2"], "null"),
        (["d"], '"y\\"z"'),
        (["e"], "[]"),
    ],
)
def test_a_value_is_found_by_its_path(path: list[str | int], value: str) -> None:
    found = json_places.find(TEXT, path)
    assert found is not None
    assert (TEXT[found.start : found.end], found.is_value) == (value, True)


@pytest.mark.parametrize(
    ("path", "holder"),
    [
        (["x"], TEXT),
        (["a", "x", "y"], '{"b": [1, {"c": "x"}], "b2": null}'),
        (["a", "b", 2], '[1, {"c": "x"}]'),
        (["a", "b", "c"], '[1, {"c": "x"}]'),
        (["d", "x"], '"y\\"z"'),
        (["a", "b2", 0], "null"),
        ([0], TEXT),
        (["e", 0], "[]"),
    ],
)
def test_where_a_value_is_missing_what_should_hold_it_is_found(path: list[str | int], holder: str) -> None:
    found = json_places.find(TEXT, path)
    assert found is not None
    assert (TEXT[found.start : found.end], found.is_value) == (holder, False)


@pytest.mark.parametrize(
    "text", ["", "  ", "{", '{"a"', '{"a":', '{"a": 1', "[1,", "nonsense", "{,}", '{"a" 1}', "\x00"]
)
def test_a_text_that_is_no_json_has_no_places_and_a_flaw(text: str) -> None:
    assert json_places.find(text, ["a"]) is None
    found = json_places.flaw(text)
    assert found is not None
    assert 0 <= found.start <= found.end == len(text)


def test_a_text_nested_too_deep_has_neither() -> None:
    deep = "[" * 100_000
    assert json_places.find(deep, [0]) is None
    assert json_places.flaw(deep) is None
    assert json_places.flaw(TEXT) is None


def test_of_equal_names_the_last_counts() -> None:
    assert json_places.find('{"a": 1, "a": 2}', ["a"]) == Place(14, 15, True)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.data())
def test_any_value_in_any_text_is_found(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    path: list[str | int] = []
    while isinstance(value, dict | list) and value and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        path.append(step)
        value = value[step]
    found = json_places.find(text, path)
    assert found is not None
    assert json.loads(text[found.start : found.end]) == value
    assert found.is_value
