"""A short outage is no news; one that lasts is, until it has been over for a while."""

from __future__ import annotations

from orders_sync.service.component_health import FAILING_SECONDS, RECOVERY_SECONDS, ComponentHealth
from tests.support.clock import Clock


def test_a_part_that_never_failed_is_well() -> None:
    health = ComponentHealth(Clock())
    health.watch("worker")
    assert health.lasting_failures() == {"worker": None}


def test_only_failing_that_lasts_is_reported_and_without_the_errors_own_words_P8() -> None:
    clock = Clock()
    health = ComponentHealth(clock)
    while clock.now < FAILING_SECONDS:
        health.record_failure("worker", ValueError("password=hunter2"))
        assert health.lasting_failures() == {"worker": None}
        clock.now += RECOVERY_SECONDS / 2
    [text] = health.lasting_failures().values()
    assert text is not None
    assert "ValueError" in text
    assert "hunter2" not in text


def test_failures_far_apart_are_each_a_new_one() -> None:
    clock = Clock()
    health = ComponentHealth(clock)
    for _ in range(10):
        health.record_failure("worker", ValueError())
        clock.now += RECOVERY_SECONDS + 1
    assert health.lasting_failures() == {"worker": None}


def test_it_is_over_once_there_was_quiet() -> None:
    clock = Clock()
    health = ComponentHealth(clock)
    for _ in range(10):
        health.record_failure("worker", ValueError())
        clock.now += RECOVERY_SECONDS / 2
    assert health.lasting_failures() != {"worker": None}
    clock.now += RECOVERY_SECONDS
    assert health.lasting_failures() == {"worker": None}
