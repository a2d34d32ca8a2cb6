"""Baseline for a first load: plain COPY of the rows that landed into the same tables with their indexes.

landed rows --COPY TO--> files, one per table and batch --TRUNCATE--> [ COPY FROM, one transaction per batch ]
                                                                      [ timed                              ]
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from psycopg import sql

from benchmarks.environment import BenchmarkError
from benchmarks.pg_stats import Connection, postgres_cpu_seconds, wal
from orders_sync.store.statements import CHILDREN, HISTORY, ORDERS, RAW, Target

BATCH = 2000  # orders per transaction, as in the product
TABLES = (RAW, ORDERS, *CHILDREN, HISTORY)  # in the order of the product

_ASSIGN_BATCHES = """
CREATE TEMPORARY TABLE landed AS
SELECT platform, order_id, ((row_number() OVER (ORDER BY synced_at, platform, order_id) - 1) / %s)::int AS batch
FROM raw_orders
"""


@dataclass(frozen=True)
class CopyBaseline:
    """Cost of the COPY.

    `wal` is in bytes, `cpu_postgres` in processor seconds of the whole server (None: not a local server).
    """

    orders: int
    seconds: float
    wal: int
    cpu_postgres: float | None

    @property
    def rate(self) -> float:
        """Orders per second."""
        return self.orders / self.seconds


def measure(connection: Connection, folder: Path, postmaster: int | None) -> CopyBaseline:
    """Export all rows and copy them back in the order they landed. Raises `BenchmarkError` if the rows differ."""
    before = _checksums(connection)
    batches = export(connection, folder)
    names = sql.SQL(", ").join(sql.Identifier(table.name) for table in TABLES)
    connection.execute(sql.SQL("TRUNCATE {}").format(names))
    connection.execute("CHECKPOINT")
    wal_before, cpu_before = wal(connection), postgres_cpu_seconds(postmaster)
    seconds = sum(_copy_in(connection, folder, number) for number in range(batches))
    wal_after, cpu_after = wal(connection), postgres_cpu_seconds(postmaster)
    after = _checksums(connection)
    if after != before:
        raise BenchmarkError(f"COPY restored other rows than had landed: {before} became {after}")
    cpu = None if cpu_after is None or cpu_before is None else cpu_after - cpu_before
    return CopyBaseline(before["orders"][0], seconds, wal_after - wal_before, cpu)


def _columns(name: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name, column) for column in columns)


def export(connection: Connection, folder: Path) -> int:
    """Write the rows of every table, in the order they landed, to one file per batch. Return the number of batches."""
    connection.execute("DROP TABLE IF EXISTS landed")
    connection.execute(_ASSIGN_BATCHES, [BATCH])
    connection.execute("CREATE INDEX ON landed (batch)")
    connection.execute("ANALYZE landed")
    row = connection.execute("SELECT max(batch) + 1 FROM landed").fetchone()
    batches = cast(int, row[0]) if row else 0
    for number in range(batches):
        for table in TABLES:
            query = sql.SQL(
                "COPY (SELECT {columns} FROM landed JOIN {table} USING (platform, order_id)"
                " WHERE landed.batch = {number} ORDER BY {key}) TO STDOUT"
            ).format(
                columns=_columns(table.name, table.columns),
                table=sql.Identifier(table.name),
                number=sql.Literal(number),
                key=_columns(table.name, table.key),
            )
            file = file_of(folder, table.name, number)
            with connection.cursor() as cursor, cursor.copy(query) as copy, file.open("wb") as out:
                for part in copy:
                    out.write(part)
    return batches


def _copy_in(connection: Connection, folder: Path, number: int) -> float:
    """Copy one batch in one transaction. Return the seconds it took, without reading its files."""
    batch = [(table, file_of(folder, table.name, number).read_bytes()) for table in TABLES]
    started = time.perf_counter()
    with connection.transaction(), connection.cursor() as cursor:
        for table, rows in batch:
            with cursor.copy(statement_into(table.name, table)) as copy:
                copy.write(rows)
    return time.perf_counter() - started


def statement_into(name: str, target: Target) -> sql.Composed:
    """Return the COPY of a batch of `target` into the table `name`, which has its columns."""
    columns = sql.SQL(", ").join(map(sql.Identifier, target.columns))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), columns)


def file_of(folder: Path, table: str, number: int) -> Path:
    """Return the file that `export` writes a batch of a table to."""
    return folder / f"{table}.{number}.copy"


def _checksums(connection: Connection) -> dict[str, tuple[int, str]]:
    """Return by table the number of rows and the sum of the hashes of their copied columns."""
    found = {}
    for table in TABLES:
        query = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(row::text, 0)::numeric), 0)::text"
            " FROM (SELECT {} FROM {}) AS row"
        ).format(_columns(table.name, table.columns), sql.Identifier(table.name))
        row = connection.execute(query).fetchone()
        assert row is not None
        found[table.name] = (cast(int, row[0]), cast(str, row[1]))
    return found
