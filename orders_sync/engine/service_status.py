"""The verdict on the whole service: the state of every account, every problem with what to do, one sentence in sum.

    accounts, processes --assess--> Verdict: problems, the worst first; the state of each account

The problems themselves: `engine/service_problems.py`, `engine/account_problems.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Protocol

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.problems import AccountState, Problem, Severity
from orders_sync.engine import account_problems, service_problems
from orders_sync.engine.service_problems import NEEDED, Running
from orders_sync.settings import Settings
from orders_sync.store import progress
from orders_sync.store.overview import AccountStatus, ProcessStatus

LEAST_SLACK = timedelta(minutes=5)  # by which an account may be late, for reading takes time


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict. `problems`: broken ones first, those of processes before those of accounts. `states`: by account.

    `remarks`: sentences on what is so because a person wants it, such as a pause: that is no problem.
    """

    problems: list[Problem]
    states: dict[str, AccountState]
    processes: list[ProcessStatus]
    remarks: list[str] = field(default_factory=list)

    @property
    def severity(self) -> Severity | None:
        """The worst of all problems; None when all is well."""
        return self.problems[0].severity if self.problems else None

    def of_account(self, name: str) -> list[Problem]:
        """The problems of one account, the worst first."""
        return [each for each in self.problems if each.account == name]


class ChangePolicy(Protocol):
    """The interval at which changes are read, and the lag: how long before now a window ends."""

    @property
    def interval(self) -> timedelta:
        """The time between two queries for changes."""

    @property
    def lag(self) -> timedelta:
        """The time before now at which a window ends."""


def allowed_delay(policy: ChangePolicy) -> timedelta:
    """Return how far behind an account may be before that is a problem.

    That is its interval and its lag, and for reading the longer of the interval and five minutes.
    """
    return policy.interval + policy.lag + max(policy.interval, LEAST_SLACK)


def assess(
    accounts: Sequence[AccountStatus],
    processes: Sequence[ProcessStatus],
    policies: Mapping[str, SyncPolicy],
    default_policy: ChangePolicy,
    audit_every: timedelta,
    misconfigured: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    """Judge the accounts and processes. Pure.

    `policies`: of the accounts of the settings; `default_policy`: of any other account; `audit_every`: how often the
    service audits an account; `misconfigured`: by account, why it cannot be used.
    """
    delays = {each.name: allowed_delay(policies.get(each.name, default_policy)) for each in accounts}
    states = {
        each.name: AccountState.MISCONFIGURED if each.name in misconfigured else _state(each, delays[each.name])
        for each in accounts
    }
    running = Running.of(processes)
    is_late = not {AccountState.BEHIND, AccountState.NOT_READ}.isdisjoint(states.values())
    problems = list(service_problems.of_processes(processes, running, is_late))
    problems += service_problems.of_planning(processes, accounts)
    for each in accounts:
        if states[each.name] is AccountState.RETIRED:
            continue
        if states[each.name] is AccountState.PAUSED:
            problems += account_problems.of_rejects(each)
            problems += account_problems.of_differences(each)
            continue
        if each.name in misconfigured:
            problems.append(account_problems.of_mistake(each.name, misconfigured[each.name]))
        unknown = list(service_problems.of_missing_settings(each.name, processes)) if each.name in policies else []
        problems += unknown
        if not (unknown and states[each.name] is AccountState.NOT_READ):  # which says the same in other words
            problems += account_problems.of_account(each, states[each.name], delays[each.name], running)
        if each.name in policies:
            problems += account_problems.of_lateness(each, policies[each.name])
        if running.since:
            problems += account_problems.of_old_audit(each, audit_every)
    problems.sort(key=lambda each: (each.severity is not Severity.BROKEN, each.account is not None))
    remarks = [str(each.pause) for each in accounts if states[each.name] is AccountState.PAUSED]
    return Verdict(problems, states, list(processes), remarks)


def misconfigured(settings: Settings, processes: Sequence[ProcessStatus]) -> dict[str, str]:
    """Return by account why it cannot be used, by these settings and by those of the processes that run.

    Only those processes need to be able to read the secrets, so only they know of one that cannot be read.
    """
    found = {each.label: str(each) for each in settings.misconfigured}
    for process in processes:
        if process.is_alive:
            for name, mistake in process.misconfigured.items():
                found.setdefault(name, f"{mistake} (process {process.pid} on {process.host})")
    return found


def with_unread(
    settings: Settings, accounts: Sequence[AccountStatus], processes: Sequence[ProcessStatus]
) -> list[AccountStatus]:
    """Return the accounts of the tables, then those that are only in the settings, for nothing was read of them."""
    listed = {each.name: each.platform for each in settings.accounts}
    platforms = dict.fromkeys(misconfigured(settings, processes), "") | listed
    known = {each.name for each in accounts}
    return [*accounts, *(AccountStatus(name, platform) for name, platform in platforms.items() if name not in known)]


def assess_all(settings: Settings, accounts: Sequence[AccountStatus], processes: Sequence[ProcessStatus]) -> Verdict:
    """Judge accounts and processes by the settings. Pure."""
    return assess(
        accounts,
        processes,
        {each.name: settings.policy(each) for each in settings.accounts},
        settings.sync,
        settings.service.audit,
        misconfigured(settings, processes),
    )


def process_problems(processes: Sequence[ProcessStatus]) -> list[Problem]:
    """Return what is wrong with the processes of the service, whatever the state of its accounts. Pure."""
    return list(service_problems.of_processes(processes, Running.of(processes), is_late=False))


def summary(verdict: Verdict, version: str, tables: str) -> str:
    """Say in one line how many accounts are in which state, which processes run, and which version this is. Pure."""
    states = Counter(verdict.states.values())
    counted = ", ".join(f"{states[state]} {state}" for state in AccountState if states[state]) or "none in the settings"
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


def _state(account: AccountStatus, delay: timedelta) -> AccountState:
    if account.retired_at is not None:
        return AccountState.RETIRED
    if account.removed_at is not None:
        return AccountState.REMOVED
    if account.pause is not None:
        return AccountState.PAUSED
    if account.suspended_at is not None:
        return AccountState.SUSPENDED
    if account.read_to is None or account.behind is None:
        return AccountState.NOT_READ
    if account.behind > delay.total_seconds():
        return AccountState.BEHIND
    is_read = progress.is_current(account.progress) or (account.history_share or 0) >= 1
    return AccountState.CURRENT if is_read else AccountState.CATCHING_UP
