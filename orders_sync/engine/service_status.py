"""The verdict on the whole service: the state of every account, every problem with what to do, one sentence in sum.

    accounts, processes --assess--> Verdict: problems, the worst first; the state of each account

A problem is *broken* when it stays until a person acts, and needs *attention* when it may pass, or holds up nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.local_times import stamp
from orders_sync.domain.times import duration
from orders_sync.store import lateness, missing, progress
from orders_sync.store.overview import AccountStatus, ProcessStatus
from orders_sync.store.suspensions import Suspension

LEAST_SLACK = timedelta(minutes=5)  # an account may be late by, for reading takes time
OLDEST_MESSAGE = timedelta(minutes=10)  # that waits, before it is a problem
NEEDED = {"scheduler": "nothing new is planned", "worker": "nothing is read"}


class State(StrEnum):
    """The state of an account: how current it is. Declared in the order in which the summary names them."""

    CURRENT = "current"
    CATCHING_UP = "catching up"  # its newest orders are current, older history is still being read
    BEHIND = "behind"  # longer than its settings promise
    NOT_READ = "not read yet"
    PAUSED = "paused"  # by a person
    SUSPENDED = "suspended"
    MISCONFIGURED = "misconfigured"
    REMOVED = "removed"  # not in the settings
    RETIRED = "retired"


class Severity(StrEnum):
    """The severity of a problem: orders are late or missing (`BROKEN`), or may become so."""

    ATTENTION = "attention"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence that says what is wrong and what to do. `account` is None where it concerns all of them."""

    severity: Severity
    text: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict. `problems`: broken ones first, those of processes before those of accounts. `states`: by account.

    `notes`: sentences on what is as a person wants it, which is no problem.
    """

    problems: list[Problem]
    states: dict[str, State]
    processes: list[ProcessStatus]
    notes: list[str] = field(default_factory=list)

    @property
    def severity(self) -> Severity | None:
        """The worst of all problems; None when all is well."""
        return self.problems[0].severity if self.problems else None

    def of_account(self, name: str) -> list[Problem]:
        """The problems of one account, the worst first."""
        return [each for each in self.problems if each.account == name]


class Paced(Protocol):
    """The interval at which changes are read, and the lag: how long before now a window ends."""

    @property
    def interval(self) -> timedelta:
        """The time between two queries for changes."""

    @property
    def lag(self) -> timedelta:
        """The time before now at which a window ends."""


def allowed_delay(pace: Paced) -> timedelta:
    """Return how far behind an account may be before that is a problem.

    Its interval and lag, and once more the interval or five minutes for reading.
    """
    return pace.interval + pace.lag + max(pace.interval, LEAST_SLACK)


def assess(
    accounts: Sequence[AccountStatus],
    processes: Sequence[ProcessStatus],
    paces: Mapping[str, SyncPolicy],
    default_pace: Paced,
    audit_every: timedelta,
    misconfigured: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    """Judge the accounts and processes. Pure.

    `paces`: of the accounts of the settings; `default_pace`: of any other account; `audit_every`: how often the service
    audits an account; `misconfigured`: by account, why it cannot be used.
    """
    delays = {each.name: allowed_delay(paces.get(each.name, default_pace)) for each in accounts}
    states = {
        each.name: State.MISCONFIGURED if each.name in misconfigured else _state(each, delays[each.name])
        for each in accounts
    }
    alive = {part for each in processes if each.is_alive for part in each.parts}
    is_late = not {State.BEHIND, State.NOT_READ}.isdisjoint(states.values())
    problems = list(_of_processes(processes, alive, is_late))
    for each in accounts:
        if states[each.name] in (State.RETIRED, State.PAUSED):
            continue
        if each.name in misconfigured:
            problems.append(Problem(Severity.BROKEN, _of_mistake(each.name, misconfigured[each.name]), each.name))
        problems += _of_account(each, states[each.name], delays[each.name], alive)
        if each.name in paces:
            problems += _of_lateness(each, paces[each.name])
        if alive.issuperset(NEEDED):
            problems += _of_old_audit(each, audit_every)
    problems.sort(key=lambda each: (each.severity is not Severity.BROKEN, each.account is not None))
    notes = [str(each.pause) for each in accounts if states[each.name] is State.PAUSED]
    return Verdict(problems, states, list(processes), notes)


def process_problems(processes: Sequence[ProcessStatus]) -> list[Problem]:
    """Return what is wrong with the processes of the service, whatever the state of its accounts. Pure."""
    alive = {part for each in processes if each.is_alive for part in each.parts}
    return list(_of_processes(processes, alive, is_late=False))


def summary(verdict: Verdict, version: str, tables: str) -> str:
    """Say in one line how many accounts are in which state, which processes run, and which version this is. Pure."""
    states = Counter(verdict.states.values())
    counted = ", ".join(f"{states[state]} {state}" for state in State if states[state]) or "none in the settings"
    alive = Counter(part for each in verdict.processes if each.is_alive for part in each.parts)
    running = [_number(alive[part], part) for part in NEEDED]
    if alive["console"]:
        running.append(_number(alive["console"], "console"))
    total = len(verdict.states)
    return (
        f"{total} {'account' if total == 1 else 'accounts'}: {counted}; {', '.join(running)}; "
        f"orders-sync {version}, tables {tables}"
    )


def _number(count: int, part: str) -> str:
    return f"no {part}" if count == 0 else f"{count} {part}{'' if count == 1 else 's'}"


def _state(account: AccountStatus, delay: timedelta) -> State:
    if account.retired_at is not None:
        return State.RETIRED
    if account.removed_at is not None:
        return State.REMOVED
    if account.pause is not None:
        return State.PAUSED
    if account.suspended_at is not None:
        return State.SUSPENDED
    if account.read_to is None or account.behind is None:
        return State.NOT_READ
    if account.behind > delay.total_seconds():
        return State.BEHIND
    is_read = progress.is_current(account.progress) or (account.history_share or 0) >= 1
    return State.CURRENT if is_read else State.CATCHING_UP


def _of_processes(processes: Sequence[ProcessStatus], alive: set[str], is_late: bool) -> Iterator[Problem]:
    if not processes:
        if is_late:
            yield Problem(
                Severity.BROKEN,
                "no process of the service is running and accounts are not current: start `orders-sync run`, or "
                "`orders-sync sync` for one pass",
            )
        return
    for part, consequence in NEEDED.items():
        if part not in alive:
            last = max((each.seen_at for each in processes if part in each.parts), default=None)
            seen = f"; the last one reported at {stamp(last)}" if last else ""
            yield Problem(
                Severity.BROKEN, f"no {part} is running: {consequence}{seen}. Start `orders-sync run` or `{part}`"
            )
    for each in processes:
        if not each.is_alive:
            yield Problem(
                Severity.ATTENTION,
                f"process {each.pid} on {each.host} ({', '.join(each.parts)}) has not reported since "
                f"{stamp(each.seen_at)}: it was killed, hangs or has lost the database. See its log",
            )
    versions = {(each.version, each.tables) for each in processes if each.is_alive}
    if len(versions) > 1:
        those = "; ".join(
            f"{each.version} for tables {each.tables}: process {each.pid} on {each.host} ({', '.join(each.parts)})"
            for each in processes
            if each.is_alive
        )
        yield Problem(Severity.ATTENTION, f"processes of different versions run: {those}. Update or stop the older")


def _of_mistake(name: str, mistake: str) -> str:
    return (
        f"{name}: misconfigured, nothing is read for it: {mistake}. Correct the settings, test them with "
        "`orders-sync config check`, then reload or restart the service"
    )


def _of_account(account: AccountStatus, state: State, delay: timedelta, alive: set[str]) -> Iterator[Problem]:
    def attention(text: str) -> Problem:
        return Problem(Severity.ATTENTION, f"{account.name}: {text}", account.name)

    if state is State.REMOVED:
        if account.may_hold_orders and account.removed_at:
            yield attention(
                f"not in the settings since {stamp(account.removed_at)}: nobody refreshes its orders. Put it back, or "
                f"`orders-sync accounts retire {account.name}`"
            )
        return
    if state is State.SUSPENDED and account.suspended_at:
        because = account.suspended_because or "the platform refused its credentials"
        text = str(Suspension(account.name, account.suspended_at, because))
        yield Problem(Severity.BROKEN, text, account.name)
    elif account.last_error:
        yield Problem(Severity.ATTENTION, account.last_error, account.name)
    if account.rests_until:
        yield attention(
            f"no call is made until {stamp(account.rests_until)}, because several of its windows failed in a row"
        )
    if state is State.NOT_READ:
        yield attention(f"nothing has been read yet: {_remedy(account, alive)}")
    if state is State.BEHIND and account.read_to and account.behind is not None:
        yield attention(
            f"{_span(timedelta(seconds=account.behind))} behind (current to {stamp(account.read_to)}), "
            f"allowed are {_span(delay)}: {_remedy(account, alive)}"
        )
    if account.failed:
        yield attention(
            f"{_windows(account.failed)} failed, {_retry(account)}; "
            f"`orders-sync sync --retry --account {account.name}` reads them at once"
        )
    if account.rejects:
        records = "1 record" if account.rejects == 1 else f"{account.rejects:,} records"
        yield attention(
            f"{records} could not be converted into orders: `orders-sync rejects list --account {account.name}`"
        )
    if account.missing:
        yield Problem(Severity.ATTENTION, missing.remark(account.missing), account.name)
    if account.differences and account.audited_at:
        ranges = "1 range" if account.differences == 1 else f"{account.differences:,} ranges"
        yield attention(
            f"the audit of {stamp(account.audited_at)} found {ranges} in which the platform's list differs from the "
            f"tables: `orders-sync audit --account {account.name} --repair`, then `orders-sync audit list --open`"
        )
    if account.oldest_message_at and account.now and account.now - account.oldest_message_at > OLDEST_MESSAGE:
        yield attention(
            f"messages of the platform wait for a read ({account.messages:,}), the oldest since "
            f"{stamp(account.oldest_message_at)}: {_remedy(account, alive)}"
        )


def _remedy(account: AccountStatus, alive: set[str]) -> str:
    """Say why an account waits, as far as the ledger shows it, and what to do."""
    if account.suspended_at:
        return "it is suspended"
    if not alive.issuperset(NEEDED):
        return "`orders-sync sync` reads it, `orders-sync run` keeps it current"
    if account.running:
        return f"{_windows(account.running)} being read now"
    if account.failed:
        return "failed windows are retried, see there"
    if account.planned:
        return f"{_windows(account.planned)} planned and none being read; add workers or raise its rate if that stays"
    return "nothing is planned; the log of the scheduler says why"


def _retry(account: AccountStatus) -> str:
    if account.retry_at is None or account.now is None or account.retry_at <= account.now:
        return "read again by the next pass"
    return f"the first is read again at {stamp(account.retry_at)}"


def _of_lateness(account: AccountStatus, pace: SyncPolicy) -> Iterator[Problem]:
    """Report that orders are listed so late that the passes over the newest time may soon miss them, if they are."""
    if account.late_by is None or not lateness.is_near(account.late_by, pace.overlap, pace.confirm):
        return
    found = lateness.found_by_passes(pace.overlap, pace.confirm)
    yield Problem(
        Severity.ATTENTION,
        f"{account.name}: in the last seven days an order was listed at least {_span(account.late_by)} after its own "
        f"time. The confirming pass finds orders up to {_span(found)} late; later ones are found only by sweeps and "
        f"audits: raise `confirm` of the account, now {_span(pace.confirm)}",
        account.name,
    )


def _of_old_audit(account: AccountStatus, every: timedelta) -> Iterator[Problem]:
    if account.removed_at or account.suspended_at or not account.audited_at or not account.now:
        return
    if account.now - account.audited_at > 2 * every:
        yield Problem(
            Severity.ATTENTION,
            f"{account.name}: no audit has ended since {stamp(account.audited_at)}: `orders-sync audit --account "
            f"{account.name}` says what stops it",
            account.name,
        )


def _windows(count: int) -> str:
    return "1 window" if count == 1 else f"{count:,} windows"


def _span(span: timedelta) -> str:
    return duration(int(span.total_seconds()))
