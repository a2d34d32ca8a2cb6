"""Write the rows of a view to a file: CSV, XLSX or Parquet, streamed, in memory that does not grow with the rows.

source     which rows: a view of schema `bi`, a range of time, accounts
formats    how they are written: one writer per format
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orders_sync.exports.formats import FORMATS, Format
from orders_sync.exports.source import Selection, must_be_view, stream, views
from orders_sync.store.database import Session

__all__ = ["FORMATS", "Format", "Selection", "must_be_view", "views", "write"]

PART = ".part"  # a file has its own name once it is whole


def write(
    session: Session, selection: Selection, file: Path, format_: Format, progress: Callable[[int], None]
) -> tuple[int, list[str]]:
    """Write the rows of a selection to a file; return how many, and what a reader of it should know.

    progress: called with the number of rows so far, now and then.

    The rows are those of one moment. The file appears when it is whole: a reader never sees half of it, and a file of
    that name stays as it is when anything goes wrong. Raises OSError and `DatabaseError`.
    """
    part = file.with_name(file.name + PART)
    total = 0
    try:
        with stream(session, selection) as rows, format_.open(part, rows.columns, selection.view) as writer:
            for batch in rows:
                writer.write(batch)
                total += len(batch)
                progress(total)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return total, writer.remarks
