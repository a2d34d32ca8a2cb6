"""Tables of any values at any width: nothing is cut, nothing is wider than the screen that need not be."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orders_sync.cli import output, tables
from orders_sync.domain.times import SHANGHAI

COLUMNS = ["id", "tracking_no", "title", "amount", "reason"]
RIGHT, TEXT = {"amount"}, {"title", "reason"}
WORD = st.text(st.sampled_from("abc019-._[]跨境"), min_size=1, max_size=30)
PROSE = st.lists(WORD, max_size=12).map(" ".join)
ROWS = st.lists(st.tuples(WORD, WORD, PROSE, st.integers(0, 10**9).map("{:,}".format), PROSE), min_size=1, max_size=4)


def shown(rows: list[tuple[str, ...]], width: int) -> list[str]:
    return [line.plain for line in tables.lines(COLUMNS, rows, width, RIGHT, TEXT)]


@given(ROWS, st.integers(1, 200))
def test_no_id_number_or_amount_is_cut_or_folded_at_any_width(rows: list[tuple[str, ...]], width: int) -> None:
    lines = shown(rows, width)
    for row in rows:
        for solid in (row[0], row[1], row[3]):
            assert any(solid in line for line in lines)
    everything = "".join("".join(lines).split())
    for word in (word for row in rows for text in (row[2], row[4]) for word in re.findall(r"[a-c019._\[\]-]+", text)):
        assert word in everything


@given(ROWS, st.integers(50, 200))
def test_only_a_word_that_is_longer_than_the_screen_runs_over_its_edge(rows: list[tuple[str, ...]], width: int) -> None:
    for line in shown(rows, width):
        assert cell_len(line) <= width or max(map(cell_len, line.split())) > width - 20


def test_text_folds_before_anything_else_changes() -> None:
    lines = shown(
        [("3876532491611498520", "YT763924467125", "加厚半身裙夏季新款厂家直销", "25,760", "id: missing")], 80
    )
    assert lines[0].split() == COLUMNS
    assert lines[1].startswith("3876532491611498520  YT763924467125  加厚半身裙")
    assert len(lines) == 3


def test_a_narrow_screen_gets_records_below_each_other_without_empty_lines_for_what_is_not_there() -> None:
    assert shown([("3876532491611498520", "", "a skirt", "25,760", "one two three four five six seven eight")], 44) == [
        "id           3876532491611498520",
        "title        a skirt",
        "amount       25,760",
        "reason       one two three four five six",
        "             seven eight",
    ]


def test_numbers_stand_to_the_right_and_wide_letters_count_twice() -> None:
    lines = [line.plain for line in tables.lines(["名", "n"], [("跨境", "7"), ("a", "1,000")], 80, {"n"}, set())]
    assert lines == ["名        n", "跨境      7", "a     1,000"]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(60, []), (44, ["tracking_no"]), (30, ["tracking_no", "title"]), (10, ["tracking_no", "title"])],
)
def test_only_as_many_columns_are_left_out_as_give_the_fewest_lines(width: int, left_out: list[str]) -> None:
    rows = [("3876532491611498520", "YT763924467125", "a skirt", "25,760", "")] * 2
    assert list(tables.left_out(COLUMNS, rows, width, 0, TEXT, ["tracking_no", "title"])) == left_out
    assert not tables.left_out(COLUMNS, rows, width, 9, TEXT, ["tracking_no", "title"])  # nine lines are no trouble


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (12345, "12,345"),
        (True, "True"),
        (Decimal("25760.00"), "25760.00"),
        (datetime(2026, 11, 25, 12, 0, 1, 999, tzinfo=SHANGHAI), "2026-11-25 12:00:01"),
        (datetime(2026, 11, 25, 12, 0, 1), "2026-11-25 12:00:01"),  # whoever asked took its zone away
        (["status", "\x1b[2J"], "status, ␛[2J"),
    ],
)
def test_how_a_value_is_written(value: object, cell: str) -> None:
    assert output.cell(value) == cell


def test_a_file_or_a_pipe_gets_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    output.out.cache_clear()
    rows = [("3876532491611498520", "YT763924467125", "skirt " * 60, "25,760", "why " * 60)] * 40
    output.table("Orders", COLUMNS, rows, optional=COLUMNS[1:], see="order ID")
    output.out.cache_clear()
    shown = capsys.readouterr().out
    assert all(name in shown for name in COLUMNS)
    assert "Not shown" not in shown
