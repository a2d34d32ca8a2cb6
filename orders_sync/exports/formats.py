"""One writer per file format. Ids are text in all of them; times are in the zone of the settings.

| format  | times                               | numbers                        | needs (extra `export`) |
|---------|-------------------------------------|--------------------------------|------------------------|
| csv     | ISO 8601 with offset                | exact                          |                        |
| xlsx    | without a zone, as Excel knows none | 15 digits, as Excel knows them | XlsxWriter             |
| parquet | UTC, microseconds                   | exact, decimal(38, 10)         | pyarrow                |
"""

from __future__ import annotations

import csv
import decimal
import math
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from orders_sync.domain import local_times
from orders_sync.domain.errors import UsageError
from orders_sync.exports.source import Column, ColumnKind

EXCEL_ROWS = 1_048_576  # of a sheet, its header included
EXCEL_TEXT = 32_767  # characters of a cell
EXCEL_FIRST_YEAR = 1900
EXCEL_DIGITS = 11  # of a number that Excel shows whole; longer ones become 1.2E+11
_SCALE = Decimal(1).scaleb(-10)
_PLACES = decimal.Context(prec=38)

Batch = Sequence[tuple[Any, ...]]


class Writer(Protocol):
    """A writer of batches of rows. `remarks`: for readers of the file, complete at its end."""

    remarks: list[str]

    def write(self, batch: Batch) -> None:
        """Write rows, each with a value for every column."""


class Opener(Protocol):
    """A format: opens a file for writing rows of these columns. Closed without an error, the file is whole.

    `name`: of what the rows are, for formats that have a place for it.
    """

    def __call__(self, file: Path, columns: Sequence[Column], name: str) -> AbstractContextManager[Writer]:
        """Open the file."""


@dataclass(frozen=True, slots=True)
class Format:
    """A file format. `package`: the module it needs beyond ours, None for none."""

    name: str
    open: Opener
    package: str | None = None

    def must_be_installed(self) -> None:
        """Raise `UsageError`, with what to install, if the package is missing."""
        if self.package is None:
            return
        try:
            import_module(self.package)
        except ImportError:
            raise UsageError(f"{self.name} needs a package more: pip install 'orders-sync[export]'") from None


class _Csv:
    def __init__(self, file: Any, columns: Sequence[Column]) -> None:
        self.remarks: list[str] = []
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow([column.heading for column in columns])
        self._moments = [number for number, column in enumerate(columns) if column.kind is ColumnKind.MOMENT]
        self._booleans = [number for number, column in enumerate(columns) if column.kind is ColumnKind.BOOLEAN]

    def write(self, batch: Batch) -> None:
        for row in batch:
            values = list(row)
            for number in self._moments:
                if (moment := values[number]) is not None:
                    values[number] = local_times.iso(moment)
            for number in self._booleans:
                if (value := values[number]) is not None:
                    values[number] = "true" if value else "false"
            self._writer.writerow(values)


@contextmanager
def open_csv(file: Path, columns: Sequence[Column], name: str) -> Iterator[Writer]:
    """Write UTF-8 with a header, as RFC 4180 quotes it; NULL is empty."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        yield _Csv(opened, columns)


class _CsvForExcel(_Csv):
    """Writes what Excel, which guesses the type of every value, reads as it is meant."""

    def __init__(self, file: Any, columns: Sequence[Column]) -> None:
        super().__init__(file, columns)
        self._texts = [number for number, column in enumerate(columns) if column.kind is ColumnKind.TEXT]
        self._times, self._moments = self._moments, []

    def write(self, batch: Batch) -> None:
        rows = []
        for row in batch:
            values = list(row)
            for number in self._times:
                if (moment := values[number]) is not None:
                    values[number] = str(local_times.local(moment))
            for number in self._texts:
                if (text := values[number]) is not None:
                    values[number] = _for_excel(text)
            rows.append(tuple(values))
        super().write(rows)


def _for_excel(text: str) -> str:
    """Return a text that Excel takes for a text: a number of orders would be rounded, and `=` begin a formula."""
    if text.isascii() and text.isdecimal() and (len(text) > EXCEL_DIGITS or text.startswith("0")):
        return f'="{text}"'
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@contextmanager
def open_csv_for_excel(file: Path, columns: Sequence[Column], name: str) -> Iterator[Writer]:
    """Write CSV as Excel opens it: with a byte order mark, long numbers as texts, times without a zone."""
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        yield _CsvForExcel(opened, columns)


def _cells(text: str) -> int:
    """Return how wide a text is, in digits: Chinese takes two for a character."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


class _Xlsx:
    def __init__(self, book: Any, columns: Sequence[Column], name: str) -> None:
        self._name = name
        self.remarks: list[str] = []
        self._book = book
        self._columns = columns
        self._bold = book.add_format({"bold": True})
        patterns = {ColumnKind.DAY: "yyyy-mm-dd", ColumnKind.MOMENT: "yyyy-mm-dd hh:mm:ss", ColumnKind.TEXT: "@"}
        self._styles = [
            book.add_format({"num_format": patterns[column.kind]}) if column.kind in patterns else None
            for column in columns
        ]
        self._cut = 0
        self._row = EXCEL_ROWS
        self._sheets = 0
        self._begin_sheet()

    def write(self, batch: Batch) -> None:
        for row in batch:
            if self._row == EXCEL_ROWS:
                self._begin_sheet()
            for number, value in enumerate(row):
                if value is not None:
                    self._write_cell(number, value)
            self._row += 1

    def end(self) -> None:
        if any(column.kind is ColumnKind.MOMENT for column in self._columns):
            self.remarks.append(f"times are in {local_times.zone_name()}")
        if self._sheets > 1:
            self.remarks.append(f"{self._sheets} sheets, each as long as Excel allows")
        if self._cut:
            self.remarks.append(f"{self._cut} texts are cut after {EXCEL_TEXT} characters, as long as Excel allows")

    def _begin_sheet(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(self._name if self._sheets == 1 else f"{self._name} {self._sheets}")
        self._sheet.freeze_panes(1, 0)
        widths = {ColumnKind.MOMENT: 19, ColumnKind.DAY: 11, ColumnKind.TEXT: 20}
        for number, column in enumerate(self._columns):
            self._sheet.set_column(number, number, max(_cells(column.heading) + 2, widths.get(column.kind, 10)))
            self._sheet.write_string(0, number, column.heading, self._bold)
        self._row = 1

    def _write_cell(self, number: int, value: Any) -> None:
        kind, style, sheet = self._columns[number].kind, self._styles[number], self._sheet
        if kind is ColumnKind.BOOLEAN:
            sheet.write_boolean(self._row, number, value)
        elif kind in (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT) and math.isfinite(value):
            sheet.write_number(self._row, number, float(value))
        elif kind is ColumnKind.MOMENT and (local := local_times.local(value)).year >= EXCEL_FIRST_YEAR:
            sheet.write_datetime(self._row, number, local, style)
        elif kind is ColumnKind.DAY and value.year >= EXCEL_FIRST_YEAR:
            sheet.write_datetime(self._row, number, value, style)
        else:
            self._write_text(number, local_times.iso(value) if isinstance(value, datetime) else str(value))

    def _write_text(self, number: int, text: str) -> None:
        if len(text) > EXCEL_TEXT:
            self._cut += 1
            text = text[: EXCEL_TEXT - 1] + "…"
        self._sheet.write_string(self._row, number, text, self._styles[number])


@contextmanager
def open_xlsx(file: Path, columns: Sequence[Column], name: str) -> Iterator[Writer]:
    """Write a workbook row by row; a text is never a formula or a link. More rows than fit go to further sheets."""
    xlsxwriter = import_module("xlsxwriter")
    book = xlsxwriter.Workbook(str(file), {"constant_memory": True})
    try:
        writer = _Xlsx(book, columns, name)
        yield writer
        writer.end()
    finally:
        book.close()


class _Parquet:
    def __init__(self, arrow: Any, writer: Any, schema: Any, columns: Sequence[Column]) -> None:
        self.remarks: list[str] = []
        self._arrow, self._writer, self._schema = arrow, writer, schema
        self._columns = columns

    def write(self, batch: Batch) -> None:
        values = [
            [_exact(value) for value in series] if column.kind is ColumnKind.DECIMAL else list(series)
            for column, series in zip(self._columns, zip(*batch, strict=True), strict=True)
        ]
        self._writer.write_table(self._arrow.table(values, schema=self._schema))


def _exact(value: Decimal | None) -> Decimal | None:
    """Return a number with ten places; NULL for one that is none, as Postgres's NaN."""
    return None if value is None or not value.is_finite() else value.quantize(_SCALE, context=_PLACES)


@contextmanager
def open_parquet(file: Path, columns: Sequence[Column], name: str) -> Iterator[Writer]:
    """Write a group of rows per batch, compressed."""
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    types = {
        ColumnKind.TEXT: arrow.string(),
        ColumnKind.INTEGER: arrow.int64(),
        ColumnKind.DECIMAL: arrow.decimal128(38, 10),
        ColumnKind.FLOAT: arrow.float64(),
        ColumnKind.BOOLEAN: arrow.bool_(),
        ColumnKind.DAY: arrow.date32(),
        ColumnKind.MOMENT: arrow.timestamp("us", tz="UTC"),
    }
    schema = arrow.schema([(column.name, types[column.kind]) for column in columns])
    with parquet.ParquetWriter(str(file), schema, compression="zstd") as writer:
        yield _Parquet(arrow, writer, schema, columns)


CSV_FOR_EXCEL = Format("csv", open_csv_for_excel)
FORMATS = {
    each.name: each
    for each in (
        Format("csv", open_csv),
        Format("xlsx", open_xlsx, "xlsxwriter"),
        Format("parquet", open_parquet, "pyarrow"),
    )
}
