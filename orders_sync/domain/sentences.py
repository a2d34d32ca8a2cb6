"""Sentences for people that can be shown in another language than English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from orders_sync.domain.local_times import stamp
from orders_sync.domain.times import duration


class Sentence(str):
    """An English sentence that keeps the text and the values it was made of, so that it can be translated.

    It is a string wherever one is expected: in logs, in the terminal, in an error. `key`: the English text, with a
    %(name)s for each value, which is also its key in the catalogue of translations. `values`: a time is written by
    `local_times.stamp`, a length of time by its largest units, a `Sentence` as such, everything else by `str`.
    """

    key: str
    values: Mapping[str, object]

    def __new__(cls, key: str, /, **values: object) -> Sentence:
        """Make the sentence of a literal `key`: one that is put together at run time is in no catalogue."""
        self = super().__new__(cls, key % {name: _english(value) for name, value in values.items()} if values else key)
        self.key, self.values = key, values
        return self


def _english(value: object) -> str:
    match value:
        case datetime():
            return stamp(value)
        case timedelta():
            return duration(int(value.total_seconds()))
        case _:
            return str(value)
