"""Which of two looks at the same order is newer (P2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.versions import Version

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
instants = st.integers(0, 5).map(lambda seconds: NOON + timedelta(seconds=seconds))
versions = st.builds(Version, st.none() | instants, instants)


def version(modified: int | None, read: int) -> Version:
    return Version(None if modified is None else NOON + timedelta(seconds=modified), NOON + timedelta(seconds=read))


@pytest.mark.parametrize(
    ("candidate", "stored", "is_newer"),
    [
        pytest.param((6, 1), (5, 9), True, id="the later modify time, however early it was read"),
        pytest.param((4, 9), (5, 1), False, id="an older modify time, however late it was read"),
        pytest.param((5, 2), (5, 1), True, id="equal modify times: the later read"),
        pytest.param((5, 1), (5, 2), False, id="equal modify times: the earlier read"),
        pytest.param((5, 1), (5, 1), False, id="the same look"),
        pytest.param((None, 2), (None, 1), True, id="no modify times: the later read"),
        pytest.param((None, 1), (None, 2), False, id="no modify times: the earlier read"),
        pytest.param((None, 2), (5, 1), True, id="one modify time says nothing: the later read"),
        pytest.param((5, 1), (None, 2), False, id="one modify time says nothing: the earlier read"),
    ],
)
def test_newer_is_the_later_modify_time_then_the_later_read_P2(
    candidate: tuple[int | None, int], stored: tuple[int | None, int], is_newer: bool
) -> None:
    assert version(*candidate).is_newer_than(version(*stored)) is is_newer


@given(versions, versions)
def test_of_two_looks_at_most_one_is_newer_P2(one: Version, other: Version) -> None:
    assert not (one.is_newer_than(other) and other.is_newer_than(one))
    assert one.is_newer_than(other) or other.is_newer_than(one) or one.read_at == other.read_at


@given(st.lists(st.builds(Version, instants, instants), min_size=1).flatmap(lambda v: st.permutations(v)))
def test_in_whatever_order_looks_arrive_the_newest_stays_P2(arriving: list[Version]) -> None:
    stored = arriving[0]
    for candidate in arriving[1:]:
        if candidate.is_newer_than(stored):
            stored = candidate
    assert not any(each.is_newer_than(stored) for each in arriving)
