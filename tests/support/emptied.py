"""A database that the tests of a module share, like a new one before each of them."""

from __future__ import annotations

from tests.support.databases import Tables

_TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'sync', 'sync_jobs') ORDER BY 1
"""
_UNUSED_NUMBERS = """
    SELECT format('%I.%I', schemaname, sequencename), start_value FROM pg_sequences WHERE last_value IS NULL
"""


class EmptiedDatabase:
    """A migrated database whose rows are deleted before each test: a tenth of what a new one costs."""

    def __init__(self, tables: Tables) -> None:
        """`tables`: those of a new database."""
        tables.query("SELECT sync.settle_change_feed()")  # it is a copy
        self.url = tables.url
        names = [str(name) for (name,) in tables.query(_TABLES)]
        self._held = [name for name in names if tables.query(f"SELECT FROM {name} LIMIT 1")]
        self._holding = self._rows_of_new()
        deletes = "; ".join(f"DELETE FROM {name}" for name in names if name not in self._held)
        numbers = ", ".join(f"setval('{name}', {start}, false)" for name, start in tables.query(_UNUSED_NUMBERS))
        # without triggers, which would note what is deleted
        self._statement = f"BEGIN; SET LOCAL session_replication_role = replica; {deletes}; SELECT {numbers}; COMMIT"

    def empty(self) -> None:
        """Delete all rows that a new database does not have, and begin all numbers anew."""
        Tables(self.url).execute(self._statement)

    def check(self) -> None:
        """Raise `AssertionError` if a row that a new database has was changed: that needs a database of its own."""
        assert self._rows_of_new() == self._holding, "a test changed rows that are the same in every database"

    def _rows_of_new(self) -> dict[str, list[str]]:
        return {name: sorted(map(repr, Tables(self.url).query(f"SELECT * FROM {name}"))) for name in self._held}
