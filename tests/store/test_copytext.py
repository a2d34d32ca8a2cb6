"""Whatever a row holds goes through COPY and comes back the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_sync.store import copytext

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\x1d\x1e\x1f")) | st.text(
    st.sampled_from(["\\", "\t", "\n", "\r", "N", ".", '"', "{", ",", "中", "😀"])
)
moments = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
rows = st.tuples(
    st.none() | texts,
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.booleans(),
    st.none() | st.decimals(-(10**9), 10**9, places=2),
    st.none() | moments,
    st.none() | st.binary(),
    st.none() | st.lists(texts),
    st.none() | st.dictionaries(texts, texts),
)


@pytest.fixture(scope="module")
def session(server: str) -> Any:
    with psycopg.connect(server, autocommit=True, options="-c timezone=UTC") as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE t (a text, b int, c bool, d numeric, e timestamptz, f bytea, g text[], h jsonb)"
        )
        yield connection


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=5))
def test_what_is_copied_is_what_was_given(session: Any, given_rows: list[Any]) -> None:
    session.execute("TRUNCATE t")
    with session.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        copy.write(copytext.escaped("".join(map(copytext.row, given_rows))))
    assert session.execute("SELECT * FROM t").fetchall() == given_rows


def test_a_payload_of_bytes_comes_back_byte_for_byte(session: Any) -> None:
    payload = '{"a": "\\u0000\\ud800 \\\\ \\t", "b": "中😀"}\n\t\r\\N'.encode()
    with session.cursor() as cursor, cursor.copy("COPY t (b, e, a) FROM STDIN") as copy:
        copy.write(copytext.row_with_payload((1, None), payload) * 2)
    assert session.execute("SELECT b, e, a FROM t").fetchall()[-2:] == [(1, None, payload.decode())] * 2


def test_times_keep_their_offset(session: Any) -> None:
    at = datetime(2017, 9, 13, 23, 17, 8, tzinfo=timezone(timedelta(hours=-7)))
    assert copytext.escaped(copytext.row((at,))) == b"2017-09-13T23:17:08-07:00\n"
