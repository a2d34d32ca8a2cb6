"""Charts as SVG, made on the server: orders by hour, the delay of an account, the hours of a month. Pure.

A chart has classes and no styles of its own, as the policy of the pages asks; every text in it is escaped. A colour
never stands alone: each state has a mark. Beside a chart a page says the same in words or a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from markupsafe import Markup, escape

from orders_sync.store.console.freshness import Delay
from orders_sync.store.console.heat_map import Cell, CellState

WIDTH, HEIGHT = 640, 120  # of the delay, in units of the picture
BAR, TALL = 5, 24  # width of an hour and height of the most orders
SQUARE, LEFT, TOP = 18, 90, 18  # an hour of the month, room for days and hours

MARKS = {
    CellState.FAILED: "×",
    CellState.MISSING: "!",
    CellState.RUNNING: "»",
    CellState.NEVER_ASKED: "?",
    CellState.BEFORE_HISTORY: "–",
    CellState.NOT_DUE: "",
    CellState.FORGOTTEN: "○",
    CellState.COMPLETE: "●",
}


def sparkline(values: Sequence[int], label: str) -> Markup:
    """Return bars, one for each value, the highest as tall as the picture. `label`: says the same in words."""
    most = max(values, default=0)
    bars = [
        _rect(place * BAR, TALL - height, BAR - 1, height)
        for place, value in enumerate(values)
        if (height := _scaled(value, most, TALL))
    ]
    return _picture("spark", len(values) * BAR, TALL, label, Markup("".join(bars)))  # noqa: S704 - of numbers


def sawtooth(delays: Sequence[Delay], promised: float, since: datetime, until: datetime, label: str) -> Markup:
    """Return the delay over time as a line, and the promised one as another; an empty picture where nothing was read.

    `promised`: seconds.
    """
    points = [(each.at, seconds) for each in delays for seconds in (each.before, each.after) if seconds is not None]
    highest = max([promised * 1.5, *(seconds for _, seconds in points)])
    span = max((until - since).total_seconds(), 1.0)

    def place(at: datetime, seconds: float) -> str:
        x = (at - since).total_seconds() / span * WIDTH
        return f"{min(max(x, 0.0), WIDTH):.1f},{HEIGHT - _share(seconds, highest) * HEIGHT:.1f}"

    level = f"{HEIGHT - _share(promised, highest) * HEIGHT:.1f}"
    drawn = [_element("line", kind="promised", x1=0, y1=level, x2=WIDTH, y2=level)]
    if points:
        drawn.append(_element("polyline", kind="lag", points=" ".join(place(at, seconds) for at, seconds in points)))
    return _picture("sawtooth", WIDTH, HEIGHT, label, Markup("").join(drawn))


def heat_map(
    cells: Sequence[Cell],
    label: str,
    *,
    link: Callable[[Cell], str],
    words: Mapping[CellState, str],
    day: Callable[[date], str] = date.isoformat,
) -> Markup:
    """Return a row for each day and a square for each hour, each with the mark and colour of its state.

    `link`: the address that a click on an hour opens. It is no stop of the Tab key, of which there would be hundreds: a
    page offers the hours in a field as well. `words`: of the states; `day`: how a day is written.
    """
    days = list(dict.fromkeys(each.day for each in cells))
    rows = {each: TOP + place * SQUARE for place, each in enumerate(days)}
    drawn = [_element("text", f"{hour:02}", x=LEFT + hour * SQUARE + 2, y=TOP - 5) for hour in range(0, 24, 3)]
    drawn += [_element("text", day(each), x=0, y=y + SQUARE - 5) for each, y in rows.items()]
    drawn += [_hour(each, LEFT + each.hour * SQUARE, rows[each.day], link, words, day) for each in cells]
    return _picture("heat", LEFT + 24 * SQUARE, TOP + len(days) * SQUARE, label, Markup("").join(drawn))


def state_class(state: CellState) -> str:
    """Return the class of a state, for the legend beside the picture."""
    return f"cell-{state.name.lower().replace('_', '-')}"


def _hour(
    cell: Cell,
    x: int,
    y: int,
    link: Callable[[Cell], str],
    words: Mapping[CellState, str],
    day: Callable[[date], str],
) -> Markup:
    said = f"{day(cell.day)} {cell.hour:02}:00: {words.get(cell.state, str(cell.state))}"
    inner = _element("title", said) + _rect(x, y, SQUARE - 1, SQUARE - 1)
    if mark := MARKS[cell.state]:
        inner += _element("text", mark, x=x + SQUARE // 2, y=y + SQUARE - 5)
    return _element("a", inner, kind=state_class(cell.state), href=link(cell), tabindex=-1)


def _picture(kind: str, width: int, height: int, label: str, inner: Markup) -> Markup:
    is_clicked = kind == "heat"
    return _element(
        "svg",
        _element("title", label) + inner,
        kind=f"chart {kind}",
        viewBox=f"0 0 {max(width, 1)} {max(height, 1)}",
        role="group" if is_clicked else "img",
        aria_label=label,
    )


def _element(name: str, inner: str | Markup = "", *, kind: str = "", **attributes: object) -> Markup:
    """Return an element; `inner` is escaped unless it is markup, `kind` is its class."""
    given = {"class": kind, **attributes} if kind else attributes
    # not by Markup.format, which takes ten times as long: a month has 700 hours with four elements each
    written = "".join(
        [f' {key.replace("_", "-")}="{value if type(value) is int else escape(value)}"' for key, value in given.items()]
    )
    return Markup(f"<{name}{written}>{escape(inner)}</{name}>")  # noqa: S704 - every part is escaped


def _rect(x: int, y: int, width: int, height: int) -> Markup:
    written = f'<rect x="{x}" y="{y}" width="{width}" height="{height}"></rect>'
    return Markup(written)  # noqa: S704 - of numbers


def _scaled(value: int, most: int, height: int) -> int:
    """Return the height of a value; one that is not zero can be seen."""
    return 0 if value <= 0 or most <= 0 else max(1, round(value / most * height))


def _share(seconds: float, highest: float) -> float:
    return min(max(seconds / highest, 0.0), 1.0) if highest > 0 else 0.0
