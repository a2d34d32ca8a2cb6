"""Words for the state of a shop and for its problems, and the page where a person goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orders_sync.console.words import later
from orders_sync.domain.problems import AccountState, Problem, ProblemKind, Severity
from orders_sync.domain.sentences import Sentence

SIGNS = {  # class of the colour, and the sign before the word
    AccountState.CURRENT: ("good", "✓"),
    AccountState.CATCHING_UP: ("run", "…"),
    AccountState.BEHIND: ("warn", "!"),
    AccountState.NOT_READ: ("warn", "!"),
    AccountState.PAUSED: ("warn", "‖"),
    AccountState.SUSPENDED: ("bad", "✗"),
    AccountState.MISCONFIGURED: ("bad", "✗"),
    AccountState.REMOVED: ("warn", "–"),
    AccountState.RETIRED: ("", "–"),
}
MOST_SHOWN = 3  # of a group


@dataclass(frozen=True)
class KindWords:
    """A kind of problem in words. `path`: the page where it is looked at, None for the shop's own.

    `here`: the advice on the shop's own page, where that is another one; `link`: what the link to `path` says there.
    """

    title: str
    advice: str
    path: str | None = None
    here: str = ""
    link: str = later("Look at it")


KINDS = {
    ProblemKind.SUSPENDED: KindWords(
        later("The platform refused the credentials"),
        later("Correct the credentials in the settings; with the same ones, resume the shop on its page."),
        here=later("Correct the credentials in the settings; with the same ones, press Resume above."),
    ),
    ProblemKind.MISCONFIGURED: KindWords(
        later("Mistake in the settings"),
        later("An administrator corrects the settings file and reloads the service. Nothing is read until then."),
    ),
    ProblemKind.SERVICE: KindWords(
        later("The service itself"),
        later("Look at the system page, then restart what is missing or update what is older."),
        "/system",
        link=later("Open the system page"),
    ),
    ProblemKind.BEHIND: KindWords(
        later("Later than promised"),
        later("The page of the shop shows what is being read and what failed, and reads it at once."),
        here=later("Below: what is being read, what failed. Sync now reads it at once."),
    ),
    ProblemKind.FAILING: KindWords(
        later("Reading fails"),
        later("It is tried again by itself. The page of the shop has the platform's words and reads it again at once."),
        here=later("It is tried again by itself. Below: the windows that failed, which can be read again at once."),
    ),
    ProblemKind.AUDIT: KindWords(
        later("Audit found a difference"),
        later("Open the audit: it has what is missing read; acknowledge there what the platform no longer lists."),
        "/audits",
        link=later("Open the audit"),
    ),
    ProblemKind.REJECTS: KindWords(
        later("Records that are no orders yet"),
        later("Open the rejects: replay what can be read now, ignore what never can."),
        "/rejects",
        link=later("Open the rejects"),
    ),
    ProblemKind.LATE: KindWords(
        later("The platform lists orders late"),
        later("An administrator raises `confirm` of the shop in the settings."),
    ),
    ProblemKind.DATABASE: KindWords(
        later("The database does not answer"),
        later("An administrator looks at the database; the service goes on by itself once it answers."),
        "/system",
        link=later("Open the system page"),
    ),
    ProblemKind.BACKFILL: KindWords(
        later("A backfill failed"),
        later("Open the backfill: read again what is not complete."),
        "/backfills",
        link=later("Open the backfills"),
    ),
    ProblemKind.REMOVED: KindWords(
        later("Not in the settings any more"),
        later("An administrator puts it back into the settings, or retires it for good."),
    ),
}


def exception(rejects: int) -> Sentence:
    """Say what is not among the orders that are here: the number of open rejects."""
    if rejects == 1:
        return Sentence("Not among them: 1 record that is no order yet.")
    return Sentence("Not among them: %(count)s records that are no orders yet.", count=f"{rejects:,}")


@dataclass(frozen=True)
class Group:
    """Problems of one kind. `shops`: those that have one; `first`: the first of them, and `more` beside."""

    kind: ProblemKind
    severity: Severity
    shops: list[str]
    first: list[Problem]
    more: int

    @property
    def words(self) -> KindWords:
        """The kind in words."""
        return KINDS[self.kind]


def groups(problems: Sequence[Problem]) -> list[Group]:
    """Return the problems by kind, the worst first as they are given. Pure."""
    by_kind: dict[ProblemKind, list[Problem]] = {}
    for each in problems:
        by_kind.setdefault(each.kind, []).append(each)
    return [
        Group(
            kind,
            found[0].severity,
            list(dict.fromkeys(each.account for each in found if each.account is not None)),
            found[:MOST_SHOWN],
            len(found) - len(found[:MOST_SHOWN]),
        )
        for kind, found in by_kind.items()
    ]
