"""Kinds of reasons why a record could not become an order, the same from version to version; states of rejects."""

from __future__ import annotations

import re
from enum import StrEnum


class RejectReason(StrEnum):
    """The kind of a reason: `sync.rejects.reason_key`, and what `--reason` takes."""

    NO_ORDER_ID = "no_order_id"
    DAMAGED_ORDER_ID = "damaged_order_id"
    UNUSABLE_ORDER_ID = "unusable_order_id"
    OTHER_ORDER_ID = "other_order_id"
    NOT_AN_OBJECT = "not_an_object"
    NOT_JSON = "not_json"
    NOT_UTF8 = "not_utf8"
    OTHER_HOST = "other_host"
    DATABASE = "database"
    OTHER = "other"


class RejectState(StrEnum):
    """The state of a reject. It follows from `resolved_at` and `ignored_at` of `sync.rejects`."""

    OPEN = "open"
    IGNORED = "ignored"
    SETTLED = "settled"


UNSETTLED = (RejectState.OPEN, RejectState.IGNORED)


WORDS = {
    RejectReason.NO_ORDER_ID: "the record names no order",
    RejectReason.DAMAGED_ORDER_ID: "its order id is a number with a fraction, whose last digits may be lost",
    RejectReason.UNUSABLE_ORDER_ID: "its order id is too long, or holds characters that no id has",
    RejectReason.OTHER_ORDER_ID: "it names another order than the one it was listed as",
    RejectReason.NOT_AN_OBJECT: "it is no JSON object",
    RejectReason.NOT_JSON: "it is no JSON, or nested too deep",
    RejectReason.NOT_UTF8: "its bytes are no text",
    RejectReason.OTHER_HOST: "an account on another host has an order of the same id",
    RejectReason.DATABASE: "the database refused its rows",
    RejectReason.OTHER: "for another reason",
}

# the sentences of this version and of earlier ones; a platform's package may have its own, which are OTHER
_PATTERNS = (
    (RejectReason.NO_ORDER_ID, r"(^|: )missing( or empty)?$"),
    (RejectReason.DAMAGED_ORDER_ID, r"a number with a fraction"),
    (RejectReason.UNUSABLE_ORDER_ID, r"longer than \d+ characters$|characters that no key may hold"),
    (RejectReason.OTHER_ORDER_ID, r"^read as order .* known as order "),
    (RejectReason.NOT_AN_OBJECT, r"not an object$|^Expected `object`"),
    (RejectReason.NOT_JSON, r"^not JSON$|^nested too deep$"),
    (RejectReason.NOT_UTF8, r"^not UTF-8"),
    (RejectReason.OTHER_HOST, r"^another order has the id "),
    (RejectReason.DATABASE, r"^refused by the database"),
)
_FIELD = re.compile(r"([A-Za-z_]\w*(?:(?:\.[A-Za-z_]|\[)[\w\]]*)*): ")


def classify(reason: str) -> RejectReason:
    """Return the kind of a reason, from the sentence that is stored."""
    return next((kind for kind, pattern in _PATTERNS if re.search(pattern, reason)), RejectReason.OTHER)


def path_of(reason: str) -> list[str | int] | None:
    """Return the path of the field that a reason begins with, positions from 0; None where it names none."""
    found = _FIELD.match(reason)
    if found is None:
        return None
    steps = re.findall(r"\[(\d+)\]|(\w+)", found[1])
    return [int(number) - 1 if number else name for number, name in steps]


def field_of(reason: str) -> str | None:
    """Return the field that a reason begins with, in words: "idOfStr in baseInfo"; None where it names none."""
    found = _FIELD.match(reason)
    if found is None:
        return None
    parts = [re.sub(r"\[(\d+)\]", r" number \1", part) for part in found[1].split(".")]
    return " in ".join(reversed(parts))
