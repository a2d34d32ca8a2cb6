"""Decide when people get a notice of a problem: when it has lasted, when it has grown, when it is over. Pure.

    verdict --found--> what is wrong now  --.
    what is known of earlier passes  -------+---------> what is known from now on; what a notice is made of

    absent --found--> new --found for `delay`: a notice--> noticed --not found--> gone --for `delay`: a notice--> absent
                       '--not found--> absent                        '--found again--> noticed

Where one problem is due, those that have lasted half as long go with it: accounts that fall behind together are one
notice. A problem that returns within a day must last longer each time, so that one that comes and goes is no stream of
notices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from orders_sync.domain.problems import AccountState, ProblemKind
from orders_sync.engine.service_status import Verdict
from orders_sync.store.notices import KnownProblem
from orders_sync.store.overview import AccountStatus

REMEMBERED = timedelta(days=1)  # for which a problem that is over is known, to count its returns
MOST_RETURNS = 3  # returns that double the delay: eight times the delay is the longest
# nothing is known of these problems while the account is in this state: they are neither there nor over
_UNKNOWN = {
    AccountState.PAUSED: frozenset(ProblemKind) - {ProblemKind.REJECTS},
    AccountState.REMOVED: frozenset(ProblemKind) - {ProblemKind.REMOVED, ProblemKind.REJECTS},
    AccountState.SUSPENDED: frozenset({ProblemKind.BEHIND, ProblemKind.FAILING}),
    AccountState.MISCONFIGURED: frozenset({ProblemKind.BEHIND, ProblemKind.FAILING, ProblemKind.SUSPENDED}),
}


class Stage(StrEnum):
    """The part of a notice that a problem stands in. Declared in the order in which a notice says it."""

    BEGUN = "begun"
    GREW = "grew"  # twice the smallest number since the notice before
    OVER = "over"


@dataclass(frozen=True, slots=True)
class FoundProblem:
    """A problem that is there. `subject`: the account, empty for the service as a whole.

    `amount`: seconds an account is behind, windows that failed, missing orders, records; 0 where there is no number.
    """

    kind: ProblemKind
    subject: str
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One problem as a notice names it. `lasted`: for how long it was there, once it is over."""

    stage: Stage
    kind: ProblemKind
    subject: str
    amount: int = 0
    lasted: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class NoticeDecision:
    """`known`: everything to keep, in place of what was kept before. `items`: of a notice, empty for none."""

    known: list[KnownProblem] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


def found(verdict: Verdict, accounts: Iterable[AccountStatus], kinds: Collection[ProblemKind]) -> list[FoundProblem]:
    """Return the problems of these kinds, once for each kind and account."""
    by_name = {each.name: each for each in accounts}
    pairs = {(each.kind, each.account or "") for each in verdict.problems if each.kind in kinds}
    return [
        FoundProblem(kind, name, _amount(kind, by_name[name]) if name in by_name else 0) for kind, name in sorted(pairs)
    ]


def is_unknown(verdict: Verdict, kind: ProblemKind, account: str) -> bool:
    """Tell whether the account's state hides whether it has a problem of that kind."""
    return kind in _UNKNOWN.get(verdict.states.get(account, AccountState.CURRENT), ())


def decide_notices(
    known: Sequence[KnownProblem],
    problems: Sequence[FoundProblem],
    now: datetime,
    delay: timedelta,
    *,
    is_quiet: bool = False,
    unknown: Collection[tuple[ProblemKind, str]] = (),
    forgotten: Collection[tuple[ProblemKind, str]] = (),
) -> NoticeDecision:
    """Decide what a notice says now, and what to remember.

    `is_quiet`: no notice may be made; what is due waits. `unknown`: problems of which nobody can say whether they are
    there; they stay as they are. `forgotten`: those that nobody wants to hear of any longer.
    """
    there = {(each.kind, each.subject): each for each in problems}
    kept = {(each.kind, each.subject): each for each in known if (each.kind, each.subject) not in forgotten}
    seen = [_seen(kept.get(key), each, now) for key, each in there.items()]
    gone = [_gone(each, now) for key, each in kept.items() if key not in there and key not in unknown]
    waiting = [each for key, each in kept.items() if key not in there and key in unknown]
    result = NoticeDecision(known=waiting)
    is_any_due = any(_is_due(each, now, delay) for each in seen)
    for each in seen:
        problem = there[each.kind, each.subject]
        if not is_quiet and _is_due(each, now, delay / 2 if is_any_due else delay):
            result.items.append(Item(Stage.BEGUN, each.kind, each.subject, problem.amount))
            each = replace(each, noticed_at=now, amount=problem.amount, times=each.times + 1)
        elif not is_quiet and _has_grown(each, problem):
            result.items.append(Item(Stage.GREW, each.kind, each.subject, problem.amount))
            each = replace(each, amount=problem.amount)
        elif each.noticed_at is not None:
            each = replace(each, amount=min(each.amount, problem.amount))
        result.known.append(each)
    for each in gone:
        gone_at = each.gone_at or now
        if each.noticed_at is not None and now - gone_at >= delay and not is_quiet:
            lasted = max(gone_at - each.began_at, timedelta())
            result.items.append(Item(Stage.OVER, each.kind, each.subject, lasted=lasted))
            each = replace(each, noticed_at=None)
        if each.noticed_at is not None or (each.times and now - gone_at < REMEMBERED):
            result.known.append(each)
    result.items.sort(key=lambda each: (list(Stage).index(each.stage), list(ProblemKind).index(each.kind)))
    return result


def _seen(before: KnownProblem | None, problem: FoundProblem, now: datetime) -> KnownProblem:
    if before is None:
        return KnownProblem(problem.kind, problem.subject, began_at=now)
    if before.gone_at is not None:
        return replace(before, gone_at=None, began_at=before.began_at if before.noticed_at else now)
    return before


def _gone(before: KnownProblem, now: datetime) -> KnownProblem:
    return before if before.gone_at is not None else replace(before, gone_at=now)


def _is_due(each: KnownProblem, now: datetime, delay: timedelta) -> bool:
    return each.noticed_at is None and now - each.began_at >= delay * 2 ** min(each.times, MOST_RETURNS)


def _has_grown(each: KnownProblem, problem: FoundProblem) -> bool:
    return (
        each.kind is ProblemKind.REJECTS
        and each.noticed_at is not None
        and each.amount > 0
        and problem.amount >= 2 * each.amount
    )


def _amount(kind: ProblemKind, account: AccountStatus) -> int:
    match kind:
        case ProblemKind.BEHIND:
            return int(account.behind or 0) if account.read_to else 0
        case ProblemKind.FAILING:
            return account.failed
        case ProblemKind.AUDIT:
            return account.audit_missing
        case ProblemKind.REJECTS:
            return account.rejects
    return 0
