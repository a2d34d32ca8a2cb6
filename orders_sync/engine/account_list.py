"""The accounts as a list, the worst first: ranked, searched, filtered, in pages; and one sum over all of them. Pure.

accounts, verdict --ranked--> rows, the worst first --page--> those of one page
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain.problems import AccountState, Problem, ProblemKind, Severity
from orders_sync.engine.service_status import Verdict
from orders_sync.store import progress
from orders_sync.store.overview import AccountStatus

PAGE = 50  # rows
MOST_NAMED = 3  # accounts in the sum
_RANKS = (Severity.BROKEN, Severity.ATTENTION, None)
UNREAD = (  # nobody reads them
    AccountState.PAUSED,
    AccountState.SUSPENDED,
    AccountState.MISCONFIGURED,
    AccountState.REMOVED,
    AccountState.RETIRED,
)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account with its state and its problems, the worst first. `severity`: of the worst, None for none."""

    account: AccountStatus
    state: AccountState
    problems: list[Problem]

    @property
    def severity(self) -> Severity | None:
        """The severity of the worst problem; None where there is none."""
        return self.problems[0].severity if self.problems else None

    @property
    def is_wanted(self) -> bool:
        """True where its orders are to be here: it is not retired, and not removed without orders."""
        return self.state is not AccountState.RETIRED and (
            self.state is not AccountState.REMOVED or self.account.may_hold_orders
        )

    @property
    def is_unread(self) -> bool:
        """True where nobody reads it though its orders are to be here, so that they stop at some moment."""
        return self.state in UNREAD and self.is_wanted


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Rows of one page. `matching`: how many fit in all; `after`: begins the next page, None on the last one."""

    rows: list[AccountRow]
    matching: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum over all accounts, for one sentence.

    `states`: how many are in each; `well`: how many of these have no problem. `broken`, `attention`: how many have such
    a problem as their worst, the first of them in `worst`. `reading`: how many are being read; every one of them is
    read from `complete_from` to `read_to` without a gap, as far as the platforms list orders; None where one was not
    read yet, or there is none. `unread`: those that nobody reads though their orders are to be here. `rejects`:
    open ones of the accounts that are read. `audit_missing`: orders of those whose orders are to be here that audits
    found missing and no read has brought; `open_audits`: the newest audit of each such account.
    """

    accounts: int
    states: dict[AccountState, int]
    well: dict[AccountState, int]
    broken: int
    attention: int
    worst: list[str]
    reading: int
    complete_from: datetime | None
    read_to: datetime | None
    unread: list[AccountRow]
    audit_missing: int
    open_audits: list[int]
    rejects: int


def ranked(accounts: Sequence[AccountStatus], verdict: Verdict) -> list[AccountRow]:
    """Return the accounts, the worst first: by severity, then those that nobody reads, then by how far behind they are.

    Retired ones come last.
    """
    problems: dict[str, list[Problem]] = {}
    for each in verdict.problems:
        if each.account is not None:
            problems.setdefault(each.account, []).append(each)
    rows = [AccountRow(each, verdict.states[each.name], problems.get(each.name, [])) for each in accounts]
    return sorted(rows, key=_badness)


def page(
    rows: Sequence[AccountRow],
    *,
    text: str = "",
    states: Collection[AccountState] = (),
    severities: Collection[Severity | None] = (),
    kinds: Collection[ProblemKind] = (),
    after: str | None = None,
    size: int = PAGE,
) -> AccountPage:
    """Return the rows of a page.

    `text`: parts of a name or platform, in any case and order; `states`, `severities` of the worst problem (None: it
    has none), `kinds` of problem: any of them, all where empty. `after`: the name of the last row of the page before.
    One that no longer matches begins at the top.
    """
    words = text.casefold().split()
    found = [
        row
        for row in rows
        if (not states or row.state in states)
        and (not severities or row.severity in severities)
        and (not kinds or any(each.kind in kinds for each in row.problems))
        and all(word in f"{row.account.name} {row.account.platform}".casefold() for word in words)
    ]
    first = next((place + 1 for place, row in enumerate(found) if row.account.name == after), 0)
    shown = found[first : first + size]
    is_last = first + size >= len(found)
    return AccountPage(shown, len(found), None if is_last or not shown else shown[-1].account.name)


def total(rows: Sequence[AccountRow]) -> Sum:
    """Return the sum over ranked rows."""
    severities = Counter(row.severity for row in rows)
    reading = [row.account for row in rows if row.state not in UNREAD]
    ends = [each.read_to for each in reading if each.read_to]
    lacking = [row.account for row in rows if row.is_wanted and row.account.audit_missing]
    begins = [each for account in reading if (each := progress.complete_from(account.progress))]
    return Sum(
        accounts=len(rows),
        states=dict(Counter(row.state for row in rows)),
        well=dict(Counter(row.state for row in rows if not row.problems)),
        broken=severities[Severity.BROKEN],
        attention=severities[Severity.ATTENTION],
        worst=[row.account.name for row in rows if row.problems][:MOST_NAMED],
        reading=len(reading),
        complete_from=max(begins) if begins and len(begins) == len(reading) else None,
        read_to=min(ends) if ends and len(ends) == len(reading) else None,
        unread=[row for row in rows if row.is_unread],
        audit_missing=sum(account.audit_missing for account in lacking),
        open_audits=[account.open_audit for account in lacking if account.open_audit is not None],
        rejects=sum(each.rejects for each in reading),
    )


def _badness(row: AccountRow) -> tuple[int, bool, bool, float, str]:
    behind = (row.account.behind or 0.0) if row.problems or row.is_unread else 0.0
    return (
        _RANKS.index(row.severity),
        row.state is AccountState.RETIRED,
        not row.problems and not row.is_unread,
        -behind,
        row.account.name,
    )
