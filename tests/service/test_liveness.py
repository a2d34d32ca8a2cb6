"""What was planned and finished last says whether a process still does its work."""

from __future__ import annotations

import pytest

from orders_sync.service.liveness import FINISHED, PLANNED, TAKEN, Liveness
from tests.support.clock import Clock


class Watched(Liveness):
    def __init__(self, *, schedules: bool = True, works: bool = True) -> None:
        self.clock = Clock()
        super().__init__(self.clock)
        self.watch(schedules=schedules, works=works)

    def pass_by(self, seconds: float) -> None:
        self.clock.now += seconds


def test_a_process_that_begins_is_well() -> None:
    assert Watched().late() == {"scheduler": None, "worker": None}
    assert Watched(works=False).late() == {"scheduler": None}
    assert Watched(schedules=False).late() == {"worker": None}


def test_a_clock_that_comes_to_no_end_is_late_until_it_does() -> None:
    process = Watched()
    process.pass_by(PLANNED + 1)
    assert "nothing was planned" in str(process.late()["scheduler"])
    process.ticked()
    assert process.late()["scheduler"] is None


def test_planning_is_late_when_it_raises_for_all_that_are_tried_not_for_one() -> None:
    process = Watched()
    process.planned("well")
    process.not_planned("ill")
    for _ in range(10):
        process.pass_by(PLANNED)
        process.not_planned("ill")
        process.ticked()
    assert process.late()["scheduler"] is None
    assert process.failing_accounts == ["ill"]
    process.not_planned("well")
    process.pass_by(PLANNED + 1)
    process.ticked()
    assert "no account can be planned" in str(process.late()["scheduler"])
    process.planned("well")
    assert process.late()["scheduler"] is None


def test_a_worker_that_takes_no_job_is_late_only_while_one_waits() -> None:
    process = Watched()
    process.pass_by(10 * FINISHED)
    assert process.late()["worker"] is None
    process.job_waits(TAKEN + 1)
    assert "no job was taken" in str(process.late()["worker"])
    process.took()
    assert process.late()["worker"] is None


def test_a_worker_with_its_hands_full_has_longer() -> None:
    process = Watched()
    process.took()
    process.job_waits(FINISHED)
    process.pass_by(FINISHED - 1)
    assert process.late()["worker"] is None
    process.pass_by(2)
    assert "nothing was finished" in str(process.late()["worker"])
    process.finished()
    assert process.late()["worker"] is None


@pytest.mark.parametrize("seconds", [PLANNED, 10 * FINISHED])
def test_an_outage_of_the_database_is_no_reason_to_restart_a_process(seconds: float) -> None:
    process = Watched()
    process.not_planned("shop")
    process.job_waits(10 * FINISHED)
    process.pass_by(seconds)
    process.excuse()
    assert process.late() == {"scheduler": None, "worker": None}
