"""A process counts as alive by the time at which it last planned or finished something."""

from __future__ import annotations

import pytest

from orders_sync.service.liveness import FINISH_LIMIT, PLANNING_LIMIT, TAKE_LIMIT, Liveness
from tests.support.clock import Clock


class Watched(Liveness):
    def __init__(self, *, schedules: bool = True, works: bool = True) -> None:
        self.clock = Clock()
        super().__init__(self.clock)
        self.watch(schedules=schedules, works=works)

    def pass_by(self, seconds: float) -> None:
        self.clock.now += seconds


def test_a_process_that_begins_is_well() -> None:
    assert Watched().overdue() == {"scheduler": None, "worker": None}
    assert Watched(works=False).overdue() == {"scheduler": None}
    assert Watched(schedules=False).overdue() == {"worker": None}


def test_a_clock_that_comes_to_no_end_is_late_until_it_does() -> None:
    process = Watched()
    process.pass_by(PLANNING_LIMIT + 1)
    assert "nothing was planned" in str(process.overdue()["scheduler"])
    process.tick_ended()
    assert process.overdue()["scheduler"] is None


def test_planning_is_late_when_it_raises_for_all_that_are_tried_not_for_one() -> None:
    process = Watched()
    process.account_planned("well")
    process.planning_failed("ill", "why")
    for _ in range(10):
        process.pass_by(PLANNING_LIMIT)
        process.planning_failed("ill", "why")
        process.tick_ended()
    assert process.overdue()["scheduler"] is None
    assert process.failing_accounts == ["ill"]
    assert process.planning_errors == {"ill": "why"}
    process.planning_failed("well", "why")
    process.pass_by(PLANNING_LIMIT + 1)
    process.tick_ended()
    assert "no account can be planned" in str(process.overdue()["scheduler"])
    process.account_planned("well")
    assert process.overdue()["scheduler"] is None


def test_a_worker_that_takes_no_job_is_late_only_while_one_waits() -> None:
    process = Watched()
    process.pass_by(10 * FINISH_LIMIT)
    assert process.overdue()["worker"] is None
    process.set_longest_wait(TAKE_LIMIT + 1)
    assert "no job was taken" in str(process.overdue()["worker"])
    process.job_started()
    assert process.overdue()["worker"] is None


def test_a_worker_with_its_hands_full_has_longer() -> None:
    process = Watched()
    process.job_started()
    process.set_longest_wait(FINISH_LIMIT)
    process.pass_by(FINISH_LIMIT - 1)
    assert process.overdue()["worker"] is None
    process.pass_by(2)
    assert "nothing was finished" in str(process.overdue()["worker"])
    process.window_ended()
    assert process.overdue()["worker"] is None


@pytest.mark.parametrize("seconds", [PLANNING_LIMIT, 10 * FINISH_LIMIT])
def test_an_outage_of_the_database_is_no_reason_to_restart_a_process(seconds: float) -> None:
    process = Watched()
    process.planning_failed("shop", "why")
    process.set_longest_wait(10 * FINISH_LIMIT)
    process.pass_by(seconds)
    process.restart_timers()
    assert process.overdue() == {"scheduler": None, "worker": None}
