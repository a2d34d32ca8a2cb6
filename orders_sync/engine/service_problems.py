"""Problems of processes and accounts: sentences that say what is wrong and what to do.

A problem is *broken* when it stays until a person acts, and needs *attention* when it may pass, or holds up nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.local_times import stamp
from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.times import duration
from orders_sync.store import lateness, missing
from orders_sync.store.overview import AccountStatus, ProcessStatus
from orders_sync.store.suspensions import Suspension

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

    kind: ProblemKind
    severity: Severity
    text: str
    account: str | None = None


def of_processes(processes: Sequence[ProcessStatus], alive: set[str], is_late: bool) -> Iterator[Problem]:
    """Yield what is wrong with the processes. `alive`: their parts; `is_late`: accounts are not current."""
    if not processes:
        if is_late:
            yield Problem(
                ProblemKind.SERVICE,
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
                ProblemKind.SERVICE,
                Severity.BROKEN,
                f"no {part} is running: {consequence}{seen}. Start `orders-sync run` or `{part}`",
            )
    for each in processes:
        if not each.is_alive:
            yield Problem(
                ProblemKind.SERVICE,
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
        yield Problem(
            ProblemKind.SERVICE,
            Severity.ATTENTION,
            f"processes of different versions run: {those}. Update or stop the older",
        )


def of_planning(processes: Sequence[ProcessStatus], accounts: Sequence[AccountStatus]) -> Iterator[Problem]:
    """Yield what keeps processes from planning accounts, each reason once, unless it is the account's `last_error`.

    A process may know an account by a name that is in no table.
    """
    said = {each.last_error for each in accounts}
    names = {each.name for each in accounts}
    for process in processes:
        for name, reason in process.failing.items() if process.is_alive else ():
            if reason not in said:
                said.add(reason)
                text = f"{reason} (process {process.pid} on {process.host})"
                yield Problem(ProblemKind.FAILING, Severity.ATTENTION, text, name if name in names else None)


def of_missing_settings(name: str, processes: Sequence[ProcessStatus]) -> Iterator[Problem]:
    """Yield a problem if processes run that schedule or read, and none of them has an account that these settings have.

    So it is from a change of the settings, a new name among them, until the service reads them again.
    """
    running = {
        part: [each for each in processes if each.is_alive and part in each.parts and each.accounts] for part in NEEDED
    }
    lacking = [part for part, those in running.items() if those and all(name not in each.accounts for each in those)]
    if lacking:
        stale = {each.id: f"process {each.pid} on {each.host}" for part in lacking for each in running[part]}
        yield Problem(
            ProblemKind.SERVICE,
            Severity.ATTENTION,
            f"{name}: in these settings, but no running {' and no running '.join(lacking)} has it in the settings it "
            f"reads: {NEEDED[lacking[0]]} for it. Reload (SIGHUP) or restart {', '.join(stale.values())}",
            name,
        )


def of_mistake(name: str, mistake: str) -> str:
    """Describe a mistake in the settings of an account."""
    return (
        f"{name}: misconfigured, nothing is read for it: {mistake}. Correct the settings, test them with "
        "`orders-sync config check`, then reload or restart the service"
    )


def of_account(account: AccountStatus, state: State, delay: timedelta, alive: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with an account. `delay`: how far it may be behind; `alive`: parts that run."""

    def attention(kind: ProblemKind, text: str) -> Problem:
        return Problem(kind, Severity.ATTENTION, f"{account.name}: {text}", account.name)

    if state is State.REMOVED:
        if account.may_hold_orders and account.removed_at:
            yield attention(
                ProblemKind.REMOVED,
                f"not in the settings since {stamp(account.removed_at)}: nobody refreshes its orders. Put it back, or "
                f"`orders-sync accounts retire {account.name}`",
            )
        return
    if state is State.SUSPENDED and account.suspended_at:
        because = account.suspended_because or "the platform refused its credentials"
        text = str(Suspension(account.name, account.suspended_at, because))
        yield Problem(ProblemKind.SUSPENDED, Severity.BROKEN, text, account.name)
    elif account.last_error:
        yield Problem(ProblemKind.FAILING, Severity.ATTENTION, account.last_error, account.name)
    if account.rests_until:
        yield attention(
            ProblemKind.FAILING,
            f"no call is made until {stamp(account.rests_until)}, because several of its windows failed in a row",
        )
    if state is State.NOT_READ:
        yield attention(ProblemKind.BEHIND, f"nothing has been read yet: {_remedy(account, alive)}")
    if state is State.BEHIND and account.read_to and account.behind is not None:
        yield attention(
            ProblemKind.BEHIND,
            f"{_span(timedelta(seconds=account.behind))} behind (current to {stamp(account.read_to)}), "
            f"allowed are {_span(delay)}: {_remedy(account, alive)}",
        )
    if account.failed:
        yield attention(
            ProblemKind.FAILING,
            f"{_windows(account.failed)} failed, {_retry(account)}; "
            f"`orders-sync sync --retry --account {account.name}` reads them at once",
        )
    if account.rejects:
        records = "1 record" if account.rejects == 1 else f"{account.rejects:,} records"
        yield attention(
            ProblemKind.REJECTS,
            f"{records} could not be converted into orders: `orders-sync rejects list --account {account.name}`",
        )
    if account.missing:
        yield Problem(ProblemKind.AUDIT, Severity.ATTENTION, missing.remark(account.missing), account.name)
    if account.differences and account.audited_at:
        ranges = "1 range" if account.differences == 1 else f"{account.differences:,} ranges"
        yield attention(
            ProblemKind.AUDIT,
            f"the audit of {stamp(account.audited_at)} found {ranges} in which the platform's list differs from the "
            f"tables: `orders-sync audit --account {account.name} --repair`, then `orders-sync audit list --open`",
        )
    if account.oldest_message_at and account.now and account.now - account.oldest_message_at > OLDEST_MESSAGE:
        yield attention(
            ProblemKind.BEHIND,
            f"messages of the platform wait for a read ({account.messages:,}), the oldest since "
            f"{stamp(account.oldest_message_at)}: {_remedy(account, alive)}",
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


def of_lateness(account: AccountStatus, pace: SyncPolicy) -> Iterator[Problem]:
    """Report that orders are listed so late that the passes over the newest time may soon miss them, if they are."""
    if account.late_by is None or not lateness.is_near(account.late_by, pace.overlap, pace.confirm):
        return
    found = lateness.found_by_passes(pace.overlap, pace.confirm)
    yield Problem(
        ProblemKind.LATE,
        Severity.ATTENTION,
        f"{account.name}: in the last seven days an order was listed at least {_span(account.late_by)} after its own "
        f"time. The confirming pass finds orders up to {_span(found)} late; later ones are found only by sweeps and "
        f"audits: raise `confirm` of the account, now {_span(pace.confirm)}",
        account.name,
    )


def of_old_audit(account: AccountStatus, every: timedelta) -> Iterator[Problem]:
    """Yield a problem if no audit of the account has ended in twice the time between audits (`every`)."""
    if account.removed_at or account.suspended_at or not account.audited_at or not account.now:
        return
    if account.now - account.audited_at > 2 * every:
        yield Problem(
            ProblemKind.AUDIT,
            Severity.ATTENTION,
            f"{account.name}: no audit has ended since {stamp(account.audited_at)}: `orders-sync audit --account "
            f"{account.name}` says what stops it",
            account.name,
        )


def _windows(count: int) -> str:
    return "1 window" if count == 1 else f"{count:,} windows"


def _span(span: timedelta) -> str:
    return duration(int(span.total_seconds()))
