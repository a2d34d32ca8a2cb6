"""Words of the console in Chinese and English, and how numbers, times and spans are written.

English texts are the keys of the catalogue `locale/zh/LC_MESSAGES/console.po`, which is read when the process starts.
They stand in the templates and in calls of `_`, `words`, `later` and, outside the console too, of `Sentence`.
Times are in the zone of `domain/local_times.py`, the only one of the console.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from orders_sync.domain import local_times
from orders_sync.domain.sentences import Sentence

LANGUAGES = {"en": "English", "zh": "中文"}  # the first is the language of the keys
CATALOGUE = Path(__file__).with_name("locale") / "zh" / "LC_MESSAGES" / "console.po"


def later(key: str) -> str:
    """Mark a text for the catalogue that is looked up elsewhere; return it."""
    return key


UNITS = ((later("d"), 86_400), (later("h"), 3600), (later("min"), 60), (later("s"), 1))
ORDERS = (  # `orders.status_group` as `Words.state` looks it up, and words of lists of orders
    later("unshipped"),
    later("creating"),
    later("awaiting payment"),
    later("awaiting confirmation"),
    later("awaiting shipment"),
    later("partly shipped"),
    later("shipped"),
    later("received"),
    later("completed"),
    later("cancelled"),
    later("rejected"),
    later("other"),
    later("sale"),
    later("purchase"),
    later("unknown"),
)
BACKFILLS = (  # states of ranges, and `progress` of a backfill
    later("complete"),
    later("missing"),
    later("failed"),
    later("waiting"),
    later("requested"),
    later("planned"),
    later("reading"),
    later("done"),
    later("done within reach"),
)
PARTS = (later("scheduler"), later("worker"), later("console"))  # of a process of the service
REJECTS = (later("open"), later("ignored"), later("settled"))  # states of rejects
AUDITS = (  # states of audits and of their differences
    later("running"),
    later("finished"),
    later("interrupted"),
    later("repaired"),
    later("acknowledged"),
)
STATES = (  # the values of AccountState (`domain/problems.py`)
    later("current"),
    later("catching up"),
    later("behind"),
    later("not read yet"),
    later("paused"),
    later("suspended"),
    later("misconfigured"),
    later("removed"),
    later("retired"),
)


@dataclass(frozen=True)
class Words:
    """Texts in one language. Called with an English key it returns its text, or the key where there is none.

    Templates call it `_`.
    """

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key, with its %(name)s replaced."""
        text = _translations(self.language).gettext(key) if key else ""
        return text % values if values else text

    @property
    def space(self) -> str:
        """The space between two sentences."""
        return "" if self.language == "zh" else " "

    def series(self, names: Iterable[str]) -> str:
        """Write names one after the other."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def sentence(self, text: str) -> str:
        """Return a sentence in this language; a text that is no `Sentence`, such as a platform's words, as it is."""
        if not isinstance(text, Sentence):
            return text
        return self(text.key, **{name: self._value(name, value) for name, value in text.values.items()})

    def whole(self, text: str) -> str:
        """Return a sentence in this language as it stands by itself: with a capital letter and a full stop.

        A name at its beginning stays as it is written.
        """
        sentence = self.sentence(text)
        if sentence and not (isinstance(text, Sentence) and text.key.startswith("%(")):
            sentence = sentence[0].upper() + sentence[1:]
        is_ended = sentence.endswith((".", "!", "?", "。", "！", "？"))
        return sentence if is_ended else sentence + ("。" if self.language == "zh" else ".")

    def error(self, error: Exception) -> str:
        """Return the text of an error in this language, where it was raised with a `Sentence`."""
        first = error.args[0] if error.args else None
        return self.sentence(first) if isinstance(first, Sentence) and first == str(error) else str(error)

    def clauses(self, texts: Iterable[str]) -> str:
        """Write sentences without a full stop one after the other."""
        return ("；" if self.language == "zh" else "; ").join(texts)

    def _value(self, name: str, value: object) -> str:
        """Write a value of a sentence."""
        match value:
            case str() if name == "reason" and not isinstance(value, Sentence):
                from orders_sync.console.stored_words import stored  # which needs this module

                return stored(self, value)
            case str():
                return self.sentence(value)
            case datetime():
                return local_times.shown(value)
            case timedelta():
                return self.span(value)
            case _:
                return str(value)

    def state(self, code: str) -> str:
        """Write a state of orders, a value of `orders.status_group`, in words."""
        return self(code.replace("_", " "))

    def number(self, number: float | None) -> str:
        """Write a number with separators; a dash for none."""
        return "–" if number is None else f"{number:,}"

    def capped(self, number: int, cap: int) -> str:
        """Write a count that was not continued beyond `cap`."""
        return f"{cap:,}+" if number > cap else f"{number:,}"

    def time(self, moment: datetime | None) -> Markup:
        """Write a time in the console's zone, to the second; a dash for none."""
        if moment is None:
            return Markup("–")
        iso, stamp, shown = (escape(write(moment)) for write in (local_times.iso, local_times.stamp, local_times.shown))
        return Markup(f'<time datetime="{iso}" title="{stamp}">{shown}</time>')  # noqa: S704 - every part is escaped

    def span(self, span: timedelta | float | None) -> str:
        """Write a length of time by its two largest units, such as 3 h 5 min; a dash for none."""
        if span is None:
            return "–"
        seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
        sign, seconds = ("−", -seconds) if seconds < 0 else ("", seconds)
        parts: list[str] = []
        for unit, length in UNITS:
            count, seconds = divmod(seconds, length)
            if count or (unit == "s" and not parts):
                parts.append(f"{count} {self(unit)}")
        return sign + " ".join(parts[:2])


def days(start: datetime, end: datetime | None) -> str:
    """Return a range in days of the console's zone, the last one included; in times where it is not of whole days.

    `end`: not included; None for a single moment, which is a day where it is the beginning of one.
    """
    moments = [start] if end is None else [start, end]
    if any(local_times.start_of(local_times.date_of(each)) != each for each in moments):
        return " – ".join(map(local_times.shown, moments))
    first, last = local_times.day(start), local_times.day(end - timedelta(seconds=1) if end else start)
    return first if first == last else f"{first} – {last}"


def stored_keys(language: str) -> list[str]:
    """Return the English texts of a catalogue that tables may hold: those from outside the console."""
    return [
        each.id
        for each in _catalogue(language)
        if isinstance(each.id, str) and each.id and not all(map(_is_of_console, each.locations))
    ]


def _is_of_console(location: tuple[str, int]) -> bool:
    file = location[0]
    return file.startswith(("pages/", "templates/")) or "/" not in file


def chosen(asked: str | None, accepted: str, default: str | None = None) -> str:
    """Return the language that was chosen, else the setting, else the first known one of an Accept-Language header."""
    for each in (asked, default):
        if each in LANGUAGES:
            return each
    for each in _by_quality(accepted):
        if each in LANGUAGES:
            return each
    return "en"


def _by_quality(accepted: str) -> Iterable[str]:
    """Return the languages of an Accept-Language header without regions, the preferred first."""
    found = []
    for part in accepted.split(",")[:20]:
        name, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        found.append((-weight, name.strip().split("-")[0].lower()))
    return [name for _, name in sorted(found, key=lambda each: each[0])]


@cache
def _translations(language: str) -> gettext.NullTranslations:
    """Return the compiled catalogue of a language; for that of the keys an empty one."""
    if language == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, _catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _catalogue(language: str) -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale=language)
