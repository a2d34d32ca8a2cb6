"""A short outage is no news; one that lasts is, until it has been over for a while."""

from __future__ import annotations

from orders_sync.service.troubles import LONG, QUIET, Troubles
from tests.support.clock import Clock


def test_a_part_that_never_failed_is_well() -> None:
    troubles = Troubles(Clock())
    troubles.watch("worker")
    assert troubles.lasting() == {"worker": None}


def test_only_failing_that_lasts_is_told_and_without_the_errors_own_words_P8() -> None:
    clock = Clock()
    troubles = Troubles(clock)
    while clock.now < LONG:
        troubles.note("worker", ValueError("password=hunter2"))
        assert troubles.lasting() == {"worker": None}
        clock.now += QUIET / 2
    [told] = troubles.lasting().values()
    assert told is not None
    assert "ValueError" in told
    assert "hunter2" not in told


def test_failures_far_apart_are_each_a_new_one() -> None:
    clock = Clock()
    troubles = Troubles(clock)
    for _ in range(10):
        troubles.note("worker", ValueError())
        clock.now += QUIET + 1
    assert troubles.lasting() == {"worker": None}


def test_it_is_over_once_there_was_quiet() -> None:
    clock = Clock()
    troubles = Troubles(clock)
    for _ in range(10):
        troubles.note("worker", ValueError())
        clock.now += QUIET / 2
    assert troubles.lasting() != {"worker": None}
    clock.now += QUIET
    assert troubles.lasting() == {"worker": None}
