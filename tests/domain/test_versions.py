"""The newer of two versions of the same order (P2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.versions import BELIEVED_AFTER, Precedence, Version, precedence

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
        pytest.param((5, 1), (5, 1), False, id="the same read"),
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
def test_of_two_versions_at_most_one_is_newer_P2(one: Version, other: Version) -> None:
    assert not (one.is_newer_than(other) and other.is_newer_than(one))
    assert one.is_newer_than(other) or other.is_newer_than(one) or one.read_at == other.read_at


@given(st.lists(st.builds(Version, instants, instants), min_size=1).flatmap(lambda v: st.permutations(v)))
def test_in_whatever_order_versions_arrive_the_newest_stays_P2(arriving: list[Version]) -> None:
    stored = arriving[0]
    for candidate in arriving[1:]:
        if candidate.is_newer_than(stored):
            stored = candidate
    assert not any(each.is_newer_than(stored) for each in arriving)


HOUR = int(BELIEVED_AFTER.total_seconds())


@pytest.mark.parametrize(
    ("read", "remembered", "went_back", "is_now"),
    [
        # stored: modified at 50, read at 100
        pytest.param((40, 110), None, None, Precedence.OLDER_AT_FIRST, id="an earlier time read later is remembered"),
        pytest.param((40, 100), None, None, Precedence.OLDER, id="not of a read that began no later"),
        pytest.param((40, 110 + HOUR - 1), (40, 110), None, Precedence.OLDER, id="again, but less than an hour later"),
        pytest.param((40, 110 + HOUR), (40, 110), None, Precedence.WENT_BACK, id="again, an hour later"),
        pytest.param((45, 110 + HOUR), (40, 110), None, Precedence.WENT_BACK, id="again, and it moved on meanwhile"),
        pytest.param(
            (30, 110 + HOUR), (40, 110), None, Precedence.OLDER_AT_FIRST, id="earlier still: the hour begins anew"
        ),
        pytest.param((30, 105), (40, 110), None, Precedence.OLDER, id="earlier still, by a slow reader"),
        pytest.param((40, 90), (40, 20), None, Precedence.OLDER, id="two slow readers bring no evidence"),
        pytest.param((60, 99), None, 100, Precedence.OLDER, id="a later time read before one that was believed"),
        pytest.param((60, 101), None, 100, Precedence.NEWER, id="a later time read after one that was believed"),
        pytest.param((None, 110), (40, 105), None, Precedence.NEWER, id="no time: the later read"),
    ],
)
def test_an_earlier_modify_time_is_believed_when_it_was_read_twice_an_hour_apart_P2(
    read: tuple[int | None, int], remembered: tuple[int, int] | None, went_back: int | None, is_now: Precedence
) -> None:
    before = None if remembered is None else version(*remembered)
    since = None if went_back is None else NOON + timedelta(seconds=went_back)
    assert precedence(version(*read), version(50, 100), since, before) is is_now
