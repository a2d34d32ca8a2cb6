"""Values that a platform may send in the place of any other, and JSON documents that are changed at one place."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Path = tuple[str | int, ...]
T = TypeVar("T")


class Bare(str):
    """JSON that Python does not write, as it stands in a record."""


NOTHING: tuple[Any, ...] = (
    None, "", " ", "\t", 0, -0.0, "0", False, [], {}, "[]", "{}", "null", [None], [[]], [{}], [" "], {"x": None},
    "0000-00-00 00:00:00",
)  # fmt: skip
OBJECTS: tuple[Any, ...] = ({"x": 1}, '{"zh": 1}', '[{"x": 1}]', {"x": {"y": [1]}}, [[[{}]]])
ODD_VALUES: tuple[Any, ...] = (
    *NOTHING, *OBJECTS, 1, -1, 1.5, 10**30, True, "true", "x", "１２", "NaN", "-Infinity", "1e999999", "1e15", "1_000",
    "12,50元", "2.00", "9" * 5000, "2026-13-45 00:00:00", [1, "x"], [["x"]], "<b>", "a\x00b", "a\ud800b", "\u202e",
    "長" * 33_000, Bare("1e400"), Bare("NaN"), Bare("9" * 5000), Bare("-1.0E+2"), Bare("[" * 50 + "]" * 50),
)  # fmt: skip
NO_TIMES = (
    "", "0", 0, "1970-01-01 08:00:00", "1970-01-01T00:00:00Z", "0001-01-01 00:00:00", "0000-00-00 00:00:00",
    "9999-12-31 23:59:59", "99991231235959000+0800",
)  # fmt: skip
TIMES = (
    "20261001100000000+0800", "20261001020000000-0000", "2026-10-01 10:00:00", "2026-10-01 10:00:00.000",
    "2026/10/01 10:00:00", "2026/10/1 10:00:00", "2026-10-01T10:00:00", "2026-10-01T02:00:00Z",
    "2026-10-01T02:00:00.000+00:00", "2026-09-30T19:00:00.000000-0700", "20261001100000",
    1790820000, "1790820000", 1790820000000, "1790820000000",
)  # fmt: skip
DEEP = b"[" * 100_000


def hostile(examples: int) -> settings:
    """Return the settings of a property test that is inherited, which hypothesis takes for a mistake."""
    return settings(max_examples=tried(examples), deadline=None, suppress_health_check=list(HealthCheck))


def tried(examples: int) -> int:
    """Return how many of these examples a run tries: all by a profile of hypothesis with its usual 100."""
    return max(1, examples * settings().max_examples // 100)


def step(examples: int) -> int:
    """Return the distance between those of so many examples that a run tries, evenly spread."""
    return max(1, examples // tried(examples))


def tried_of(examples: Sequence[T]) -> Sequence[T]:
    """Return those of the examples that a run tries, evenly spread."""
    return examples[:: step(len(examples))]


ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def copied(document: Any) -> Any:
    """Return a copy of a JSON document, ten times as fast as by `copy.deepcopy`."""
    return pickle.loads(pickle.dumps(document))


def odd_bytes(document: Any, path: Path, value: Any) -> bytes:
    """Return the bytes of the document with a value at a path."""
    return next(each_as_bytes(document, path, [value]))


def each_as_bytes(document: Any, path: Path, values: Sequence[Any]) -> Iterator[bytes]:
    """Yield the bytes of the document with each of the values at a path, in their order."""
    whole = as_bytes(put(document, path, "@@"))
    for value in values:
        yield whole.replace(b'"@@"', value.encode() if isinstance(value, Bare) else as_bytes(value))


def opened(value: Any) -> Any:
    """Return a document in which JSON in strings is decoded."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return opened(json.loads(value))
    if isinstance(value, dict):
        return {name: opened(each) for name, each in value.items()}
    return [opened(each) for each in value] if isinstance(value, list) else value


def paths(document: Any, start: Path = ()) -> Iterator[Path]:
    """Yield the path of every value of a JSON document, at every depth."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*start, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*start, key))


def get(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def put(document: Any, path: Path, value: Any) -> Any:
    get(document, path[:-1])[path[-1]] = value
    return document


def drop(document: Any, path: Path) -> Any:
    del get(document, path[:-1])[path[-1]]
    return document
