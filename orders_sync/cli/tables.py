"""Layout of tables for a terminal of any width: no value is ever cut, be it an id, a number or an amount.

wide enough      account       orders  reason             text folds between words, in its own column
                 sandbox-1688   1,000  buyer: expected
                                       an object
too narrow       account  sandbox-1688                    records below each other; what is longer than the
                 orders   1,000                           screen runs on, it is not cut
                 reason   buyer: expected an object
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rich.cells import cell_len
from rich.text import Text

GAP = "  "
NARROWEST = 16  # columns that text is folded into, unless it is shorter
_WIDE = "\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
_PIECES = re.compile(rf"\s+|[{_WIDE}]|[^\s{_WIDE}]+")  # text may be folded between two of them

Row = Sequence[str]


def lines(columns: Row, rows: Iterable[Row], width: int, right: Collection[str], text: Collection[str]) -> list[Text]:
    """Lay out a table for a terminal of `width` columns; return its lines.

    `right`: columns of numbers; `text`: columns that may be folded.

    Cells hold no control characters (see `display.visible`).
    """
    cells = [list(row) for row in rows]
    widths = _widths(columns, cells, width, text)
    return _records(columns, cells, width, text) if widths is None else _grid(columns, cells, widths, right)


def left_out(
    columns: Row, rows: Iterable[Row], width: int, room: int, text: Collection[str], optional: Sequence[str]
) -> Sequence[str]:
    """Return the columns to leave out of a table on a screen of `width` columns.

    As few as let it fit `room` lines; where none do, as few as give the fewest lines. `optional`: columns that may be
    left out, the least important first. `text`: as for `lines`.
    """
    cells = [list(row) for row in rows]

    def height(count: int) -> int:
        kept = [number for number, name in enumerate(columns) if name not in optional[:count]]
        narrowed = [[row[number] for number in kept] for row in cells]
        return len(lines([columns[number] for number in kept], narrowed, width, (), text))

    counts = range(len(optional) + 1)
    fitting = next((count for count in counts if height(count) <= room), None)
    return optional[: min(counts, key=height) if fitting is None else fitting]


def fold(text: str, width: int) -> list[str]:
    """Wrap text into lines of at most `width` columns; a longer word, such as an id, stays whole."""
    made, used = [""], 0
    for piece in _PIECES.findall(text):
        length = cell_len(piece)
        if used and used + length > width:
            made[-1] = made[-1].rstrip()
            if piece.isspace():
                continue
            made.append("")
            used = 0
        if used or not piece.isspace():
            made[-1] += piece
            used += length
    return made


def _widths(columns: Row, cells: list[list[str]], width: int, text: Collection[str]) -> list[int] | None:
    """Return the width of each column, narrowing those of text; None if they do not fit."""
    by_column = [[name, *(row[number] for row in cells)] for number, name in enumerate(columns)]
    widths = [max(map(cell_len, column)) for column in by_column]
    room = width - len(GAP) * (len(columns) - 1)
    for number in sorted(range(len(columns)), key=lambda each: -widths[each]):
        too_much = sum(widths) - room
        if too_much > 0 and columns[number] in text:
            least = max(cell_len(word) for cell in by_column[number] for word in _PIECES.findall(cell) or [""])
            widths[number] = max(widths[number] - too_much, min(widths[number], max(least, NARROWEST)))
    return widths if sum(widths) <= room else None


def _grid(columns: Row, cells: list[list[str]], widths: list[int], right: Collection[str]) -> list[Text]:
    made = [Text(_line(columns, columns, widths, right), style="dim")]
    for row in cells:
        folded = [fold(cell, width) for cell, width in zip(row, widths, strict=True)]
        for number in range(max(map(len, folded))):
            parts = [cell[number] if number < len(cell) else "" for cell in folded]
            made.append(Text(_line(parts, columns, widths, right)))
    return made


def _line(parts: Row, columns: Row, widths: list[int], right: Collection[str]) -> str:
    padded = []
    for part, name, width in zip(parts, columns, widths, strict=True):
        blank = " " * (width - cell_len(part))
        padded.append(blank + part if name in right else part + blank)
    return GAP.join(padded).rstrip()


def _records(columns: Row, cells: list[list[str]], width: int, text: Collection[str]) -> list[Text]:
    label = max(map(cell_len, columns))
    indent = " " * (label + len(GAP))
    made = []
    for row in cells:
        for name, cell in zip(columns, row, strict=True):
            if not cell:
                continue
            parts = fold(cell, max(NARROWEST, width - len(indent))) if name in text else [cell]
            made.append(Text.assemble((name.ljust(len(name) + label - cell_len(name)), "dim"), GAP, parts[0]))
            made += [Text(indent + part) for part in parts[1:]]
        made.append(Text(""))
    return made[:-1]
