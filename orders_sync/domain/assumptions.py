"""Assumptions about platforms where their documents are silent, and the results of probing them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

# by the name under which a probe's result is stored
ASSUMPTIONS = {
    "page_size": "a page holds as many orders as were asked for",
    "filter": "all orders listed lie in the range asked for",
    "updated_time": "a range by time of change means the time an order shows, in its zone",
    "created_time": "a range by time of creation means the time an order shows, in its zone",
    "end_inclusive": "an order exactly at the end of a range is listed",
    "begin_inclusive": "an order exactly at the beginning of a range is listed",
    "whole_seconds": "times have no fractions of a second that they do not show",
    "order": "a list is arranged by its time or by its number",
    "empty_range": "a range without orders is a success with a total of 0 and an empty list",
    "past_last_page": "a page after the last one is empty",
}


class ProbeResult(StrEnum):
    """The result of testing an assumption. `UNKNOWN`: the existing orders cannot show it."""

    HOLDS = "holds"
    OTHERWISE = "otherwise"
    UNKNOWN = "unknown"


class ProbeAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer of a probe to one assumption.

    `said`: a sentence without its full stop. `remedy`: what a person has to do, with the name of the setting; empty if
    reading adapts by itself.
    """

    result: ProbeResult = msgspec.field(name="verdict")  # the stored name
    said: str = ""
    remedy: str = ""


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """A probe as stored with the account.

    `answers`: of the last probe that completed, by the names of `ASSUMPTIONS`; empty if none did. `fault`: what stopped
    a later one.
    """

    answers: dict[str, ProbeAnswer] = {}
    probed_at: datetime | None = None
    fault: str = ""

    def __str__(self) -> str:
        """Return one line with the assumptions that do not hold."""
        found = [each for each in self.answers.values() if each.result is ProbeResult.OTHERWISE]
        if not found:
            return f"nothing is otherwise than assumed{self._unknown}"
        needed = "; ".join(each.said for each in found if each.remedy)
        adapted = "; ".join(each.said for each in found if not each.remedy)
        parts = (needed, adapted and f"otherwise than assumed, and allowed for: {adapted}")
        return "; ".join(part for part in parts if part) + self._unknown

    @property
    def remedy(self) -> str:
        """The actions that a person has to take; empty if none."""
        return "; ".join(dict.fromkeys(each.remedy for each in self.answers.values() if each.remedy))

    @property
    def _unknown(self) -> str:
        unknown = [name for name, each in self.answers.items() if each.result is ProbeResult.UNKNOWN]
        return f" (its orders cannot show: {', '.join(unknown)})" if unknown else ""


def is_telling(answers: Mapping[str, ProbeAnswer]) -> bool:
    """Return whether a probe saw orders: without any, only the form of an empty list is known."""
    return any(each.result is not ProbeResult.UNKNOWN for name, each in answers.items() if name != "empty_range")
