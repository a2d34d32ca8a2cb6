"""People get one notice of a problem that lasts, one when it is over, and none of what comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.problems import AccountState, Problem, ProblemKind, Severity
from orders_sync.engine import notices
from orders_sync.engine.notices import FoundProblem, Item, Stage
from orders_sync.engine.service_status import Verdict
from orders_sync.store.notices import KnownProblem
from orders_sync.store.overview import AccountStatus

START = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
DELAY = timedelta(minutes=5)
BEHIND = FoundProblem(ProblemKind.BEHIND, "shop", 600)


@dataclass
class Passes:
    """Passes a minute apart, each with what is found then; `said`: by minute, what a notice says of each problem."""

    delay: timedelta = DELAY
    known: list[KnownProblem] = field(default_factory=list)
    said: dict[int, list[str]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    minute: int = 0

    def see(
        self, minutes: int, *problems: FoundProblem, quiet: bool = False, unknown: Sequence[FoundProblem] = ()
    ) -> Passes:
        keys = {(each.kind, each.subject) for each in unknown}
        for _ in range(minutes):
            now = START + timedelta(minutes=self.minute)
            decision = notices.decide_notices(self.known, problems, now, self.delay, is_quiet=quiet, unknown=keys)
            self.known = decision.known
            if decision.items:
                self.said[self.minute] = [f"{each.stage} {each.kind} {each.subject}".strip() for each in decision.items]
                self.items += decision.items
            self.minute += 1
        return self


def test_a_problem_that_lasts_is_one_notice_and_its_end_another() -> None:
    passes = Passes().see(60, BEHIND).see(30)
    assert passes.said == {5: ["begun behind shop"], 65: ["over behind shop"]}
    assert passes.items[1].lasted == timedelta(hours=1)


@pytest.mark.parametrize("minutes", [1, 3, 5])
def test_a_problem_that_vanishes_before_the_delay_is_no_notice(minutes: int) -> None:
    assert Passes().see(minutes, BEHIND).see(20).said == {}


def test_what_comes_and_goes_within_minutes_is_never_a_notice() -> None:
    passes = Passes()
    for _ in range(20):
        passes.see(3, BEHIND).see(2)
    assert passes.said == {}
    assert passes.known == []


def test_a_problem_that_is_gone_for_a_moment_is_still_the_same() -> None:
    passes = Passes().see(10, BEHIND).see(3).see(60, BEHIND).see(10)
    assert passes.said == {5: ["begun behind shop"], 78: ["over behind shop"]}
    assert passes.items[1].lasted == timedelta(minutes=73)


def test_a_problem_that_returns_must_last_longer_each_time() -> None:
    passes = Passes()
    for _ in range(12):
        passes.see(11, BEHIND).see(10)
    assert passes.said == {
        5: ["begun behind shop"],
        16: ["over behind shop"],
        31: ["begun behind shop"],
        37: ["over behind shop"],
    }
    assert passes.see(40, BEHIND).said[passes.minute - 20] == ["begun behind shop"]


def test_a_day_later_a_problem_is_as_new() -> None:
    passes = Passes().see(10, BEHIND).see(24 * 60 + 6)
    assert passes.known == []
    began = passes.minute
    assert passes.see(6, BEHIND).said[began + 5] == ["begun behind shop"]


def test_shops_that_fall_behind_together_are_one_notice() -> None:
    shops = [replace(BEHIND, subject=f"shop{number}") for number in range(4)]
    passes = Passes().see(1, *shops[:1]).see(1, *shops[:2]).see(1, *shops[:3]).see(12, *shops)
    assert passes.said == {
        5: ["begun behind shop0", "begun behind shop1", "begun behind shop2"],
        8: ["begun behind shop3"],
    }


def test_each_kind_of_an_account_is_a_problem_of_its_own_the_worst_first() -> None:
    suspended = FoundProblem(ProblemKind.SUSPENDED, "shop")
    assert Passes().see(6, BEHIND, suspended).said == {5: ["begun suspended shop", "begun behind shop"]}


def test_without_a_delay_every_change_is_a_notice_at_once() -> None:
    assert Passes(timedelta()).see(3, BEHIND).see(3).said == {0: ["begun behind shop"], 3: ["over behind shop"]}


def test_in_quiet_hours_nothing_is_said_and_in_the_morning_what_is_still_there() -> None:
    night = Passes().see(10, BEHIND).see(60, BEHIND, FoundProblem(ProblemKind.REJECTS, "b", 1), quiet=True)
    passes = night.see(60, FoundProblem(ProblemKind.FAILING, "c", 3), quiet=True).see(
        60, FoundProblem(ProblemKind.AUDIT, "d"), quiet=True
    )
    assert set(passes.said) == {5}
    passes.see(1, FoundProblem(ProblemKind.AUDIT, "d"))
    assert passes.said == {5: ["begun behind shop"], 190: ["begun audit d", "over behind shop"]}


def test_rejects_are_a_notice_again_once_they_are_twice_as_many() -> None:
    passes = Passes()
    for amount in (10, 11, 19, 20, 39, 40, 400, 400):
        passes.see(6, FoundProblem(ProblemKind.REJECTS, "shop", amount))
    assert [(each.stage, each.amount) for each in passes.items] == [
        (Stage.BEGUN, 10),
        (Stage.GREW, 20),
        (Stage.GREW, 40),
        (Stage.GREW, 400),
    ]
    passes.see(1, FoundProblem(ProblemKind.REJECTS, "shop", 3)).see(1, FoundProblem(ProblemKind.REJECTS, "shop", 6))
    assert passes.items[-1].amount == 6
    behind = Passes()
    for amount in (600, 6000, 60000):
        behind.see(6, replace(BEHIND, amount=amount))
    assert len(behind.items) == 1


def test_what_cannot_be_known_is_neither_there_nor_over() -> None:
    passes = Passes().see(10, BEHIND).see(60, unknown=[BEHIND]).see(10, BEHIND).see(6)
    assert passes.said == {5: ["begun behind shop"], 85: ["over behind shop"]}
    assert Passes().see(10, BEHIND).see(60, unknown=[BEHIND]).see(6).said == {
        5: ["begun behind shop"],
        75: ["over behind shop"],
    }


def test_what_nobody_wants_to_hear_of_ends_without_a_notice() -> None:
    known = Passes().see(10, BEHIND).known
    now = START + timedelta(hours=1)
    assert (
        notices.decide_notices(known, [], now, DELAY, forgotten={(ProblemKind.BEHIND, "shop")})
        == notices.NoticeDecision()
    )


@pytest.mark.parametrize(
    ("state", "hidden"),
    [
        (AccountState.CURRENT, set()),
        (AccountState.BEHIND, set()),
        (AccountState.SUSPENDED, {ProblemKind.BEHIND, ProblemKind.FAILING}),
        (AccountState.MISCONFIGURED, {ProblemKind.BEHIND, ProblemKind.FAILING, ProblemKind.SUSPENDED}),
        (AccountState.PAUSED, set(ProblemKind) - {ProblemKind.REJECTS}),
        (AccountState.REMOVED, set(ProblemKind) - {ProblemKind.REMOVED, ProblemKind.REJECTS}),
    ],
)
def test_an_account_that_is_not_read_is_not_said_to_be_current_again(
    state: AccountState, hidden: set[ProblemKind]
) -> None:
    verdict = Verdict([], {"shop": state}, [])
    assert {kind for kind in ProblemKind if notices.is_unknown(verdict, kind, "shop")} == hidden
    assert not notices.is_unknown(verdict, ProblemKind.SERVICE, "")


def test_problems_are_those_of_the_verdict_once_a_kind_and_with_their_amounts() -> None:
    account = AccountStatus(
        "shop",
        "1688",
        behind=961.5,
        read_to=START,
        failed=3,
        rejects=7,
        differences=2,
        audit_missing=2,
        suspended_at=START,
    )
    problems = [Problem(kind, Severity.ATTENTION, "text", "shop") for kind in ProblemKind for _ in range(2)]
    problems += [
        Problem(ProblemKind.SERVICE, Severity.BROKEN, "text"),
        Problem(ProblemKind.BEHIND, Severity.BROKEN, "", "x"),
    ]
    verdict = Verdict(problems, {"shop": AccountState.BEHIND}, [])
    kinds = {ProblemKind.BEHIND, ProblemKind.FAILING, ProblemKind.REJECTS, ProblemKind.AUDIT, ProblemKind.SERVICE}
    assert set(notices.found(verdict, [account], kinds)) == {
        FoundProblem(ProblemKind.BEHIND, "shop", 961),
        FoundProblem(ProblemKind.BEHIND, "x", 0),
        FoundProblem(ProblemKind.FAILING, "shop", 3),
        FoundProblem(ProblemKind.REJECTS, "shop", 7),
        FoundProblem(ProblemKind.AUDIT, "shop", 2),
        FoundProblem(ProblemKind.SERVICE, "shop", 0),
        FoundProblem(ProblemKind.SERVICE, "", 0),
    }
    assert len(notices.found(verdict, [account], kinds)) == 7
