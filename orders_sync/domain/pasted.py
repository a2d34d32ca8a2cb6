"""Read the numbers of orders out of text that a person pasted: from a sheet, a chat, a web page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST = 100  # numbers of one question

_SEPARATORS = re.compile(r"[\s,;|、]+")
_AROUND = "'\"`´‘’“”«»「」『』《》【】()[]{}<>#№=.:。*"  # stripped from both ends of a number
_LABEL = re.compile(r"^[^\d:]+:(?=.)")  # 订单号:123
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")  # 3.95600E+18: what a sheet shows of a long number


@dataclass(frozen=True, slots=True)
class Pasted:
    """A piece of pasted text as it was given, and the numbers in it, in their order and each once.

    `whole`: the same text as one number, if it could be one: without what surrounds it, or written in groups with
    spaces between them.
    """

    text: str
    numbers: tuple[str, ...]
    whole: tuple[str, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Everything to search for."""
        return (*self.whole, *self.numbers)


def read(text: str) -> Pasted:
    """Read the numbers of a piece of text.

    Separators are white space, line ends, commas, semicolons, `|` and `、`. Invisible characters, quotes, brackets, `#`
    and labels are dropped, full-width characters become ordinary ones. Where any word has a digit, those without are
    dropped.
    """
    shown = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    plain = unicodedata.normalize("NFKC", shown).strip()
    words = [word for part in _SEPARATORS.split(plain) if (word := _LABEL.sub("", part).strip(_AROUND))]
    numbers = [word for word in words if any(letter.isdigit() for letter in word)] or words
    grouped = "".join(numbers) if re.fullmatch(r"[^\S\n\r]*\d+([^\S\n\r]+\d+)+[^\S\n\r]*", plain) else ""
    whole = dict.fromkeys(each for each in (shown.strip(), plain, grouped) if each)
    return Pasted(text, tuple(dict.fromkeys(numbers)), tuple(whole))


def resolve(pasted: Iterable[Pasted], known: Sequence[str] | set[str]) -> list[str]:
    """Return the numbers that were meant, each once: a text that is known as a whole is one number."""
    meant: dict[str, None] = {}
    for each in pasted:
        whole = [candidate for candidate in each.whole if candidate in known]
        meant |= dict.fromkeys(whole[:1] or each.numbers)
    return list(meant)


def is_rounded(number: str) -> bool:
    """Tell whether a spreadsheet rounded a number, as in 3.956E+18: its last digits are lost."""
    return _ROUNDED.fullmatch(number) is not None
