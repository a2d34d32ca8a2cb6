"""Find where a value stands in a JSON text, to mark it where a person reads the record. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.decoder import JSONDecoder

import msgspec

_SPACE = " \t\n\r"
_decoder = JSONDecoder()


class Place(msgspec.Struct, frozen=True):
    """A range `[start, end)` of characters.

    `is_value`: the value itself; else what should hold it and does not, or where the text ceases to be JSON.
    """

    start: int
    end: int
    is_value: bool


def find(text: str, path: Sequence[str | int]) -> Place | None:
    """Return the place of the value at a path of names and positions from 0; None for a text that is no JSON value.

    Where the path leads nowhere, the place is the innermost value on it that is there. Of equal names the last counts,
    as for readers of JSON.
    """
    try:
        start = _skip(text, 0)
        place = Place(start, _end(text, start), not path)
        for depth, step in enumerate(path, 1):
            found = _member(text, place.start, step)
            if found is None:
                return Place(place.start, place.end, False)
            place = Place(found, _end(text, found), depth == len(path))
    except (ValueError, RecursionError):
        return None
    return place


def flaw(text: str) -> Place | None:
    """Return the place from which on a text is no longer JSON; None where it is JSON, or nested too deep."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Place(min(error.pos, len(text)), len(text), False)
    except (ValueError, RecursionError):
        return None
    return None


def _member(text: str, at: int, step: str | int) -> int | None:
    """Return where the value begins that has this name or position in the object or array at `at`; None if none has."""
    if text[at] != ("{" if isinstance(step, str) else "["):
        return None
    found, count = None, 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        name: object = count
        if isinstance(step, str):
            name, at = _decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # after the colon
        if name == step:
            found = at
        at = _skip(text, _end(text, at))
        at = _skip(text, at + 1) if text[at] == "," else at
        count += 1
    return found


def _end(text: str, at: int) -> int:
    return _decoder.raw_decode(text, at)[1]


def _skip(text: str, at: int) -> int:
    """Return the place of the first character from `at` on that is no space. Raises ValueError at the end."""
    while at < len(text):
        if text[at] not in _SPACE:
            return at
        at += 1
    raise ValueError("the text ends")
