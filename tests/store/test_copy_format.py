"""Values of every kind go through COPY and come back the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orders_sync.store import copy_format

AWKWARD = ["\\", "\t", "\n", "\r", "\x01", "N", ".", '"', "{", ",", "'", "中", "😀", "\x1e"]
awkward = st.text(st.sampled_from(AWKWARD), min_size=1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1) | awkward
moments = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


class Row(msgspec.Struct):
    a: str | None
    b: int | None
    c: bool | None
    d: Decimal | None
    e: datetime | None
    g: list[str] | None
    h: dict[str, str] | None


rows = st.builds(
    Row,
    st.none() | texts,
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.booleans(),
    st.none() | st.decimals(-(10**9), 10**9, places=2),
    st.none() | moments,
    st.none() | st.lists(texts | st.just(""), max_size=3),
    st.none() | st.dictionaries(texts, texts | st.just(""), max_size=2),
)


EACH_ALONE = [Row(text, 1, True, None, None, [text], {text: text}) for text in AWKWARD]


@pytest.fixture(scope="module")
def session(server: str) -> Any:
    with psycopg.connect(server, autocommit=True, options="-c timezone=UTC") as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE t (a text, b int, c bool, d numeric, e timestamptz, g text[], h jsonb)"
        )
        yield connection


def copy_in(session: Any, columns: str, data: bytes) -> None:
    with session.cursor() as cursor, cursor.copy(f"COPY t ({columns}) FROM STDIN {copy_format.FORMAT}") as copy:
        copy.write(data)


@example(EACH_ALONE)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=3))
def test_what_is_copied_is_what_was_given(session: Any, given_rows: list[Row]) -> None:
    session.execute("TRUNCATE t")
    copy_in(
        session,
        "a, b, c, d, e, g, h",
        "".join(copy_format.line(copy_format.fields(row)) for row in given_rows).encode(),
    )
    assert session.execute("SELECT * FROM t").fetchall() == [msgspec.structs.astuple(row) for row in given_rows]


@example("".join(AWKWARD))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(awkward)
def test_a_payload_of_bytes_comes_back_byte_for_byte(session: Any, text: str) -> None:
    session.execute("TRUNCATE t")
    copy_in(session, "b, e, a", copy_format.line_with_payload(("1", ""), text.encode()) * 2)
    assert session.execute("SELECT b, e, a FROM t").fetchall() == [(1, None, text)] * 2


def test_an_empty_text_is_null_and_an_empty_payload_is_not(session: Any) -> None:
    session.execute("TRUNCATE t")
    copy_in(session, "b, a", b"1\t\n")
    copy_in(session, "b, a", copy_format.line_with_payload(["2"], b""))
    assert session.execute("SELECT b, a FROM t").fetchall() == [(1, None), (2, "")]


def test_times_keep_their_offset() -> None:
    at = datetime(2017, 9, 13, 23, 17, 8, tzinfo=timezone(timedelta(hours=-7)))
    assert copy_format.fields(Row(None, None, None, None, at, None, None))[4] == "2017-09-13T23:17:08-07:00"
