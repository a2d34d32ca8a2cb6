"""Read the numbers of orders out of text that a person pasted: from a sheet, a chat, a web page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST = 100  # numbers of one question

_SEPARATORS = re.compile(r"[\s,;|、]+")
# an amount with its thousands apart: with a comma and two digits behind the point it is not two numbers
_THOUSANDS = re.compile(r"(?<![\w.,])([A-Z]{0,3}[¥$€]?[+-]?\d{1,3})((?:,\d{3})+)(?=\.\d{1,2}(?![\d.]))")
_APART = "\ue000"  # stands for such a comma while the text is split; a private character, which `read` drops before
_AROUND = "'\"`´‘’“”«»「」『』《》【】()[]{}<>#№=.:。*"  # stripped from both ends of a number
_LABEL = re.compile(r"^[^\d:]+:(?=.)")  # 订单号:123
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")  # 3.95600E+18: what a sheet shows of a long number
# what stands beside a number in a copied row: a day, with or without a time; a time; a zone; an amount or a share
_NO_NUMBER = re.compile(
    r"\d{4}([-/.年])\d{1,2}([-/.月])\d{1,2}日?(T[\d:.]+([+-][\d:]+|Z)?)?|\d{1,2}([-/.])\d{1,2}\5\d{4}|\d{1,2}月\d{1,2}日?"
    r"|\d{1,2}:\d\d(:\d\d(\.\d+)?)?|[+-]\d\d:\d\d"
    r"|[A-Z]{0,3}[¥$€]?[+-]?\d{1,9}\.\d{1,4}(元|[A-Z]{3})?|[¥$€][+-]?\d+|\d+元|\d+(\.\d+)?%"
)
# digits: beside a number of `_LONG` or more, a word of fewer than `_SHORT` is a quantity or the number of a line
_LONG, _SHORT = 6, 5


@dataclass(frozen=True, slots=True)
class Pasted:
    """A piece of pasted text as it was given, and the numbers in it, in their order and each once.

    `whole`: the same text as one number, if it could be one: without what surrounds it, or written in groups with
    spaces between them. `left_out`: the words with digits that are no numbers of orders, such as days and amounts.
    """

    text: str
    numbers: tuple[str, ...]
    whole: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def candidates(self) -> tuple[str, ...]:
        """Everything to search for."""
        return (*self.whole, *self.numbers)


def read(text: str) -> Pasted:
    """Read the numbers of a piece of text.

    Separators are white space, line ends, commas, semicolons, `|` and `、`. Invisible characters, quotes, brackets, `#`
    and labels are dropped, full-width characters become ordinary ones. Words without a digit are dropped; days, times,
    amounts, and short words beside a long number are left out.
    """
    shown = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    plain = unicodedata.normalize("NFKC", shown).strip()
    kept = _THOUSANDS.sub(lambda found: found[1] + found[2].replace(",", _APART), plain)
    words = [word for part in _SEPARATORS.split(kept) if (word := _LABEL.sub("", part).strip(_AROUND))]
    words = [word for word in dict.fromkeys(words) if _digits(word)]
    amounts = {word.replace(_APART, ",") for word in words if _APART in word}
    words = [word.replace(_APART, ",") for word in words]
    least = _SHORT if max(map(_digits, words), default=0) >= _LONG else 1
    numbers = [word for word in words if _digits(word) >= least and not (word in amounts or _NO_NUMBER.fullmatch(word))]
    grouped = "".join(plain.split()) if re.fullmatch(r"\d+([^\S\n\r]+\d+)+", plain) else ""
    whole = dict.fromkeys(each for each in (shown.strip(), plain, grouped) if each)
    return Pasted(text, tuple(numbers), tuple(whole), tuple(word for word in words if word not in numbers))


def resolve(pasted: Iterable[Pasted], known: Sequence[str] | set[str]) -> list[str]:
    """Return the numbers that were meant, each once: a text that is known as a whole is one number."""
    meant: dict[str, None] = {}
    for each in pasted:
        whole = [candidate for candidate in each.whole if candidate in known]
        meant |= dict.fromkeys(whole[:1] or each.numbers)
    return list(meant)


def left_out(text: str, meant: Sequence[str]) -> list[str]:
    """Return the words of a text that have digits and were not taken as numbers; none of a text that is one number."""
    found = read(text)
    return [] if any(each in meant for each in found.whole) else [each for each in found.left_out if each not in meant]


def _digits(word: str) -> int:
    """Return how many digits a word has; the exponent of a rounded number makes it a long one."""
    return _LONG if is_rounded(word) else sum(letter.isdigit() for letter in word)


def is_rounded(number: str) -> bool:
    """Tell whether a spreadsheet rounded a number, as in 3.956E+18: its last digits are lost."""
    return _ROUNDED.fullmatch(number) is not None
