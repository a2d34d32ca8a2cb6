"""Charts are well-formed pictures that say in marks and words what they say in colour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest

from orders_sync.console import charts
from orders_sync.console.rendering import STATIC
from orders_sync.store.console.freshness import Delay
from orders_sync.store.console.heat_map import Cell, CellState, HourCounts

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NASTY = """</title><script>alert("1")</script>&'<"""


def picture(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def every(text: str, name: str) -> list[ElementTree.Element]:
    return list(picture(text).iter(name))


def cell(hour: int, state: CellState, day: date = date(2026, 3, 10)) -> Cell:
    return Cell(day, hour, NOW, NOW + HOUR, state, HourCounts(1))


def heat(cells: list[Cell], label: str = "hours", word: str = "so") -> str:
    return charts.heat_map(
        cells, label, link=lambda each: f"/x?day={each.day}&hour={each.hour}", words=dict.fromkeys(CellState, word)
    )


def test_a_sparkline_has_a_bar_for_each_hour_with_orders() -> None:
    bars = every(charts.sparkline([0, 1, 1000, 500], "1,501 orders"), "rect")
    assert [(each.get("x"), each.get("height")) for each in bars] == [("5", "1"), ("10", "24"), ("15", "12")]


@pytest.mark.parametrize("values", [[], [0], [0] * 24, [-1, 0]])
def test_a_sparkline_of_nothing_is_an_empty_picture(values: list[int]) -> None:
    assert every(charts.sparkline(values, "none"), "rect") == []


def test_the_line_rises_to_the_lag_before_a_read_and_falls_to_that_after_it() -> None:
    delays = [Delay(NOW - 2 * HOUR, None, 0.0), Delay(NOW - HOUR, 3600.0, 0.0), Delay(NOW, 1800.0, 1800.0)]
    drawn = charts.sawtooth(delays, 600.0, NOW - 2 * HOUR, NOW, "lag")
    [line] = every(drawn, "polyline")
    assert line.get("points") == "0.0,120.0 320.0,0.0 320.0,120.0 640.0,60.0 640.0,60.0"
    assert [each.get("y1") for each in every(drawn, "line")] == ["100.0"]


def test_the_promised_lag_is_within_the_picture_however_small_the_lag_is() -> None:
    [level] = every(charts.sawtooth([Delay(NOW, 0.0, 0.0)], 600.0, NOW - HOUR, NOW, "lag"), "line")
    assert 0 < float(level.get("y1", "")) < charts.HEIGHT


@pytest.mark.parametrize(
    ("delays", "promised", "since"),
    [
        ([], 600.0, NOW - HOUR),
        ([], 0.0, NOW),
        ([Delay(NOW, None, -5.0)], 0.0, NOW),
        ([Delay(NOW, 1e12, 0.0)], 1.0, NOW),
    ],
)
def test_odd_times_are_a_picture_too(delays: list[Delay], promised: float, since: datetime) -> None:
    assert picture(charts.sawtooth(delays, promised, since, NOW, "lag")).tag == "svg"


def test_every_state_has_a_mark_a_word_a_colour_and_a_link() -> None:
    drawn = heat([cell(hour, state) for hour, state in enumerate(CellState)])
    links = every(drawn, "a")
    marks = [each.findtext("text") or "" for each in links]
    assert len(set(marks)) == len(CellState)
    assert [each.findtext("title") for each in links] == [f"2026-03-10 {hour:02}:00: so" for hour in range(len(marks))]
    assert links[3].get("href") == "/x?day=2026-03-10&hour=3"
    assert {each.get("tabindex") for each in links} == {"-1"}  # a field offers the hours to the keyboard
    css = (STATIC / "console.css").read_text()
    for state, each in zip(CellState, links, strict=True):
        assert each.get("class") == charts.state_class(state)
        assert f".{charts.state_class(state)} rect" in css


def test_hours_stand_under_their_hour_in_the_row_of_their_day() -> None:
    first, second = date(2026, 3, 9), date(2026, 3, 10)
    drawn = heat([cell(5, CellState.COMPLETE, first), cell(5, CellState.FAILED, second)])
    squares = every(drawn, "rect")
    assert [each.get("x") for each in squares] == ["180", "180"]
    assert [each.get("y") for each in squares] == ["18", "36"]
    assert picture(heat([])).tag == "svg"


@pytest.mark.parametrize(
    "drawn",
    [
        charts.sparkline([1], NASTY),
        charts.sawtooth([], 1.0, NOW - HOUR, NOW, NASTY),
        heat([cell(1, CellState.FAILED)], NASTY, NASTY),
        charts.heat_map([cell(1, CellState.FAILED)], "x", link=lambda _: NASTY, words={}, day=lambda _: NASTY),
    ],
)
def test_no_text_of_a_picture_is_markup_and_no_style_is_written_in_it(drawn: str) -> None:
    assert "<script" not in drawn
    assert every(drawn, "script") == []
    assert all(each.get("style") is None for each in picture(drawn).iter())
    assert NASTY in [value for each in picture(drawn).iter() for value in (each.text, *each.attrib.values())] or any(
        NASTY in (each.text or "") for each in picture(drawn).iter()
    )
