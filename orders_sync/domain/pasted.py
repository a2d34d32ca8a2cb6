"""Read the numbers of orders out of text that a person pasted: from a sheet, a chat, a web page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST = 100  # numbers of one question

_SEPARATORS = re.compile(r"[\s,;|、]+")
# an amount with its thousands apart: with a comma and two digits after the point it is not two numbers
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
# digits in groups on one line, as "38960 00002 928933383": one number where an order has it
_GROUPS = re.compile(r"(?<![\w.])\d+(?: +\d+)+(?![\w.:/-])", re.ASCII)
_LONGEST, _MOST_GROUPS = 24, 6  # digits of such a number, and groups of it
_LEAST_ALONE = 12  # digits of one that no order has, to be taken for one number all the same


@dataclass(frozen=True, slots=True)
class Pasted:
    """A piece of pasted text as it was given, and the numbers in it, in their order and each once.

    `whole`: the same text as one number, if it could be one: without what surrounds it, or written in groups with
    spaces between them. `left_out`: the words with digits that are no numbers of orders, such as days and amounts.
    `joined`: what neighbouring groups of digits would be as one number, the longest first, each with its groups.
    """

    text: str
    numbers: tuple[str, ...]
    whole: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    joined: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def candidates(self) -> tuple[str, ...]:
        """Everything to search for."""
        return (*self.whole, *(number for number, _ in self.joined), *self.numbers)


def parse(text: str) -> Pasted:
    """Parse a piece of text: find the numbers in it.

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
    left_out = tuple(word for word in words if word not in numbers)
    return Pasted(text, tuple(numbers), tuple(whole), left_out, tuple(_joined(plain)))


def _joined(plain: str) -> list[tuple[str, tuple[str, ...]]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _GROUPS.findall(plain):
        groups = line.split()
        for first in range(len(groups)):
            for past in range(first + 2, min(first + _MOST_GROUPS, len(groups)) + 1):
                number = "".join(groups[first:past])
                if len(number) > _LONGEST:
                    break
                if len(number) >= _LONG:
                    found.setdefault(number, tuple(groups[first:past]))
    return sorted(found.items(), key=lambda each: -len(each[1]))


def resolve(pasted: Iterable[Pasted], known: Sequence[str] | set[str]) -> list[str]:
    """Return the numbers that were meant, each once.

    A text that is known as a whole is one number, and so are groups of digits that are known together and not apart;
    unknown ones where they can hardly be numbers by themselves.
    """
    meant: dict[str, None] = {}
    for each in pasted:
        whole = [candidate for candidate in each.whole if candidate in known]
        if not whole and not set(known).intersection(each.candidates):
            whole = [number for number, groups in each.joined if number in each.whole and _are_one(groups)]
        meant |= dict.fromkeys(whole[:1] or _with_groups(each, set(known)))
    return list(meant)


def _are_one(groups: Sequence[str]) -> bool:
    """Tell whether groups can hardly be numbers of orders by themselves."""
    is_cut = any(each.startswith("0") for each in groups) or all(len(each) < _LONG for each in groups[:-1])
    return is_cut and sum(map(len, groups)) >= _LEAST_ALONE


def _with_groups(pasted: Pasted, known: set[str]) -> list[str]:
    """Return the numbers of a text with groups in place of what they are part of, where an order has that."""
    part_of: dict[str, str] = {}
    for number, groups in pasted.joined:
        if number in known and not known.intersection(groups) and not part_of.keys() & set(groups):
            part_of |= dict.fromkeys(groups, number)
    return list(dict.fromkeys([*(part_of.get(each, each) for each in pasted.numbers), *part_of.values()]))


def left_out(text: str, meant: Sequence[str]) -> list[str]:
    """Return the words of a text that have digits and were not taken as numbers; none of a text that is one number."""
    found = parse(text)
    if any(each in meant for each in found.whole):
        return []
    taken = {group for number, groups in found.joined if number in meant for group in groups}.union(meant)
    return [each for each in found.left_out if each not in taken]


def _digits(word: str) -> int:
    """Return how many digits a word has; the exponent of a rounded number makes it a long one."""
    return _LONG if is_rounded(word) else sum(letter.isdigit() for letter in word)


def is_rounded(number: str) -> bool:
    """Tell whether a spreadsheet rounded a number, as in 3.956E+18: its last digits are lost."""
    return _ROUNDED.fullmatch(number) is not None
