"""Exports: every format holds the same rows, ids as text, of one moment, and a file is whole or not there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pyarrow.parquet
import pytest
from psycopg import sql

from orders_sync import exports
from orders_sync.domain import local_times, typed_times
from orders_sync.domain.errors import SchemaVersionError, UsageError
from orders_sync.exports import FORMATS, Selection, formats
from orders_sync.exports.formats import CSV_FOR_EXCEL
from orders_sync.exports.source import Column, ColumnKind
from orders_sync.store.database import Session
from tests.support.databases import Tables, made_database

LONG_ID = "123456789012345678901234567890"
PLACED = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)  # 1 November in China
ORDER = """
INSERT INTO orders (platform, account, order_id, order_no, status, status_group, currency, direction, line_count,
    total_amount, created_at, paid_at, close_reason, tracking_numbers)
VALUES ('1688', %s, %s, %s, 'x', 'paid', 'CNY', 'sale', 0, %s, %s, NULL, %s, %s)
"""


ACCOUNT = "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES (%s, '1688', %s, 'updated')"


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of most tests here."""
    return emptied_url


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    with psycopg.connect(url, autocommit=True) as session:
        yield session


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    yield
    local_times.use(local_times.DEFAULT)


def add(
    url: str, order_id: str = LONG_ID, amount: str = "12345678901234.56", placed: datetime = PLACED, **more: Any
) -> None:
    reason = more.get("reason", '=HYPERLINK("http://x"), "quoted"\n换行 😀')
    Tables(url).execute(ORDER, more.get("account", "shop"), order_id, order_id, amount, placed, reason, ["a", "b"])


def write(session: Session, file: Path, view: str = "orders", **selection: Any) -> list[str]:
    rows, notes = exports.write(
        session, Selection(view, **selection), file, FORMATS[file.suffix.removeprefix(".")], lambda _: None
    )
    assert rows >= 0
    return notes


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of a file of any format, by column."""
    if file.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    if file.suffix == ".parquet":
        return pyarrow.parquet.read_table(file).to_pylist()
    rows = []
    for sheet in openpyxl.load_workbook(file).worksheets:
        names, *values = sheet.iter_rows(values_only=True)
        rows += [dict(zip(map(str, names), row, strict=True)) for row in values]
    return rows


EXPECTED: dict[str, dict[str, Any]] = {
    "csv": {
        "order_id": LONG_ID,
        "payable_amount": "12345678901234.56",
        "ordered_at": "2026-11-01T00:30:00+08:00",
        "ordered_day": "2026-11-01",
        "paid_at": "",
        "is_valid": "false",
    },
    "xlsx": {
        "order_id": LONG_ID,
        "payable_amount": 12345678901234.56,
        "ordered_at": datetime(2026, 11, 1, 0, 30),
        "ordered_day": datetime(2026, 11, 1),
        "paid_at": None,
        "is_valid": False,
    },
    "parquet": {
        "order_id": LONG_ID,
        "payable_amount": Decimal("12345678901234.56"),
        "ordered_at": PLACED,
        "ordered_day": date(2026, 11, 1),
        "paid_at": None,
        "is_valid": False,
    },
}


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_holds_ids_as_text_amounts_times_and_days_of_the_shop(
    session: Session, url: str, tmp_path: Path, ending: str
) -> None:
    add(url)
    write(session, tmp_path / f"orders.{ending}")
    [row] = read(tmp_path / f"orders.{ending}")
    assert {name: row[name] for name in EXPECTED[ending]} == EXPECTED[ending]
    assert row["close_reason"] == '=HYPERLINK("http://x"), "quoted"\n换行 😀'


@pytest.fixture(scope="module")
def empty_and_filled(server: str, template: str) -> Iterator[tuple[Session, Session]]:
    """A database without orders and one with an order, for tests that only read."""
    with made_database(server, "exports", template) as empty, made_database(server, "exports", template) as filled:
        add(filled.url)
        with psycopg.connect(empty.url, autocommit=True) as first, psycopg.connect(filled.url, autocommit=True) as last:
            yield first, last


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("view", exports.source.views())
def test_every_view_can_be_exported_empty_and_with_rows(
    empty_and_filled: tuple[Session, Session],
    tmp_path: Path,
    view: str,
    ending: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exports.source, "BATCH", 20)
    file = tmp_path / f"{view}.{ending}"
    first, last = typed_times.parse("2025-12-01"), typed_times.parse("2026-01-01")
    selection = {"start": first, "end": last} if view == "calendar" else {}  # it has forty years: two batches will do
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("bi", view))
    for session in empty_and_filled:
        write(session, file, view, **selection)
        found = len(read(file))
        assert found == (31 if selection else session.execute(query).fetchall()[0][0])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (PLACED, None, ["2", "3"]),
        (None, PLACED, ["1"]),
        (PLACED, PLACED + timedelta(seconds=1), ["2"]),
        (PLACED + timedelta(days=1), None, []),
    ],
)
def test_a_range_holds_its_start_and_not_its_end(
    session: Session, url: str, tmp_path: Path, start: datetime, end: datetime, expected: list[str]
) -> None:
    for number, seconds in enumerate((-1, 0, 1), 1):
        add(url, str(number), placed=PLACED + timedelta(seconds=seconds))
    write(session, tmp_path / "a.csv", start=start, end=end)
    assert sorted(row["order_id"] for row in read(tmp_path / "a.csv")) == expected


def test_a_range_of_days_is_one_of_the_shops_days_and_takes_no_hour(session: Session, url: str, tmp_path: Path) -> None:
    add(url)
    midnight = typed_times.parse("2026-11-01")
    for start, rows in ((midnight, 1), (midnight + timedelta(days=1), 0)):
        write(session, tmp_path / "a.csv", "daily_sales", start=start)
        assert len([row for row in read(tmp_path / "a.csv") if row["orders_by_ordered_day"] != "0"]) == rows
    with pytest.raises(UsageError, match="day holds days: give a date, not 2026-11-01 00:30:00"):
        write(session, tmp_path / "a.csv", "daily_sales", start=PLACED)


def test_only_the_accounts_asked_for(session: Session, url: str, tmp_path: Path) -> None:
    for number, account in enumerate(["a", "b", "it's"]):
        Tables(url).execute(ACCOUNT, account, account)
        add(url, str(number), account=account)
    write(session, tmp_path / "a.csv", accounts=("a", "it's"))
    assert sorted(row["account"] for row in read(tmp_path / "a.csv")) == ["a", "it's"]


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection("order"), "Did you mean orders"),
        (Selection("orders; DROP TABLE orders"), "there is no view"),
        (Selection("changes_since"), "there is no view"),
        (Selection("orders", PLACED, by="status"), "has no time status"),
        (Selection("orders", PLACED, by='x"; DROP'), "has no time"),
        (Selection("shops", PLACED), "does not say by which time"),
        (Selection("orders", accounts=("ship",)), "no account is named ship. There are shop"),
        (Selection("calendar", accounts=("shop",)), "has no accounts"),
    ],
)
def test_what_cannot_be_asked_for_is_said_and_no_file_appears(
    session: Session, url: str, tmp_path: Path, selection: Selection, words: str
) -> None:
    Tables(url).execute(ACCOUNT, "shop", "shop")
    with pytest.raises(UsageError, match=words):
        exports.write(session, selection, tmp_path / "a.csv", FORMATS["csv"], lambda _: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", FORMATS)
def test_an_export_that_fails_leaves_the_file_of_before_and_no_half_one(
    session: Session, url: str, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports.source, "BATCH", 1)
    for number in range(3):
        add(url, str(number))
    file = tmp_path / f"a.{ending}"
    file.write_text("of yesterday")

    def stop(rows: int) -> None:
        if rows == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exports.write(session, Selection("orders"), file, FORMATS[ending], stop)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    assert file.read_text() == "of yesterday"


def test_rows_that_land_meanwhile_are_not_in_it(
    session: Session, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports.source, "BATCH", 1)
    add(url, "1")
    add(url, "2")
    rows, _ = exports.write(
        session, Selection("orders"), tmp_path / "a.csv", FORMATS["csv"], lambda n: add(url, f"later {n}")
    )
    assert rows == len(read(tmp_path / "a.csv")) == 2


def test_more_rows_than_a_sheet_holds_go_to_the_next_and_long_texts_are_cut_with_a_note(
    session: Session, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "EXCEL_ROWS", 3)
    for number in range(5):
        add(url, str(number), reason="x" * (40_000 if number == 4 else 3))
    notes = write(session, tmp_path / "a.xlsx")
    rows = read(tmp_path / "a.xlsx")
    assert sorted(row["order_id"] for row in rows) == ["0", "1", "2", "3", "4"]
    assert max(len(row["close_reason"]) for row in rows) == 32_767
    assert notes == [
        "times are in Asia/Shanghai",
        "3 sheets, each as long as Excel allows",
        "1 texts are cut after 32767 characters, as long as Excel allows",
    ]


def test_a_format_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'orders-sync\[export\]'"):
        FORMATS["parquet"].must_be_installed()


@pytest.mark.parametrize("ending", FORMATS)
def test_a_number_that_is_none_stops_no_export(session: Session, url: str, tmp_path: Path, ending: str) -> None:
    """Postgres knows NaN; Excel and Parquet's decimals do not."""
    add(url, amount="NaN")
    write(session, tmp_path / f"a.{ending}")
    [row] = read(tmp_path / f"a.{ending}")
    assert row["payable_amount"] == (None if ending == "parquet" else "NaN")


def test_views_of_an_older_version_are_refused_with_what_to_do(server: str, template: str, tmp_path: Path) -> None:
    with made_database(server, "older", template) as older, psycopg.connect(older.url, autocommit=True) as session:
        for change in ("UPDATE sync.views SET definition_hash = '' WHERE name = 'is_refund'", "DROP VIEW bi.products"):
            older.execute(change)
            with pytest.raises(SchemaVersionError, match="Run `orders-sync migrate`"):
                write(session, tmp_path / "orders.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("3896000002778299157", '="3896000002778299157"'),
        ("123456789012", '="123456789012"'),
        ("00123", '="00123"'),
        ("12345", "12345"),
        ("=1+1", "'=1+1"),
        ("+86 138", "'+86 138"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-", "'-"),
        ('中文, "x"', '中文, "x"'),
        ("１２３４５６７８９０１２３", "１２３４５６７８９０１２３"),
    ],
)
def test_excel_takes_a_text_of_a_csv_for_a_text(tmp_path: Path, text: str, written: str) -> None:
    columns = [Column("id", ColumnKind.TEXT, sql.SQL("id")), Column("at", ColumnKind.MOMENT, sql.SQL("at"))]
    with CSV_FOR_EXCEL.open(tmp_path / "a.csv", columns, "orders") as writer:
        writer.write([(text, datetime(2026, 11, 30, 23, 30, tzinfo=UTC)), (None, None)])
        writer.write([(text, None)])
    found = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert found == [["id", "at"], [written, "2026-12-01 07:30:00"], ["", ""], [written, ""]]
