"""Rows as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest

from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store import queries
from orders_sync.store.database import Connection

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@dataclass(frozen=True)
class Row:
    kind: WindowKind
    at: datetime | None
    body: bytes


async def test_a_row_is_what_its_fields_say(connection: Connection) -> None:
    query = "SELECT 'hook' AS kind, %s::timestamptz AS at, %s::bytea AS body"
    assert await queries.fetch_rows(connection, query, [NOON, b"x"], Row) == [Row(WindowKind.HOOK, NOON, b"x")]
    found = await queries.fetch_row(connection, query, [None, b""], Row)
    assert found is not None
    assert found.kind is WindowKind.HOOK
    assert await queries.fetch_row(connection, query + " WHERE false", [None, b""], Row) is None


@pytest.mark.parametrize("columns", ["'another' AS kind, now() AS at, ''::bytea AS body", "'hook' AS kind"])
async def test_a_row_of_another_shape_is_an_error(connection: Connection, columns: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        await queries.fetch_rows(connection, f"SELECT {columns}", None, Row)


async def test_a_value_is_there_or_an_error(connection: Connection) -> None:
    assert await queries.fetch_value(connection, "SELECT 'created'", None, Feed) is Feed.CREATED
    assert await queries.fetch_optional(connection, "SELECT NULL", None, int) is None
    assert await queries.fetch_optional(connection, "SELECT 1 WHERE false", None, int) is None
    for query in ("SELECT NULL", "SELECT 1 WHERE false"):
        with pytest.raises(LookupError):
            await queries.fetch_value(connection, query, None, int)
    with pytest.raises(msgspec.ValidationError):
        await queries.fetch_value(connection, "SELECT '1'", None, int)
    with pytest.raises(LookupError):
        await queries.fetch_values(connection, "SELECT x FROM unnest(ARRAY[1, NULL]) AS x", None, int)


async def test_pairs_become_windows_and_dictionaries(connection: Connection) -> None:
    query = "SELECT %(at)s::timestamptz, %(at)s::timestamptz + interval '1 h'"
    [window] = await queries.fetch_windows(connection, query, {"at": NOON})
    assert window == Window(NOON, NOON.replace(hour=13))
    query = "SELECT * FROM (VALUES ('a', 1), ('b', NULL)) AS v"
    found = await queries.fetch_dict(connection, query, None, dict[str, int | None])
    assert found == {"a": 1, "b": None}
