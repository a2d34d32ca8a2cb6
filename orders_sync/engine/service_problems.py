"""The problems of the service's processes. Those of accounts: `engine/account_problems.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders_sync.domain.problems import Problem, ProblemKind, Severity, without_name
from orders_sync.domain.sentences import Sentence
from orders_sync.store.overview import AccountStatus, ProcessStatus

NEEDED = {  # parts of the service, and what is wrong without each
    "scheduler": Sentence("no scheduler is running: nothing new is planned"),
    "worker": Sentence("no worker is running: nothing is read"),
}


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of the service that run. `since`: all of `NEEDED` have run from then on; None where one is missing."""

    parts: frozenset[str]
    since: datetime | None

    @classmethod
    def of(cls, processes: Sequence[ProcessStatus]) -> Running:
        """Return the parts of the processes that report."""
        begun: dict[str, datetime] = {}
        for each in processes:
            for part in each.parts if each.is_alive else ():
                begun[part] = min(each.started_at, begun.get(part, each.started_at))
        is_complete = begun.keys() >= NEEDED.keys()
        return cls(frozenset(begun), max(begun[part] for part in NEEDED) if is_complete else None)


def of_processes(processes: Sequence[ProcessStatus], running: Running, is_late: bool) -> Iterator[Problem]:
    """Yield what is wrong with the processes. `is_late`: accounts are not current."""
    if not processes:
        if is_late:
            yield Problem(
                ProblemKind.SERVICE,
                Severity.BROKEN,
                Sentence("no process of the service is running and accounts are not current"),
                advice="start `orders-sync run`, or `orders-sync sync` for one pass",
            )
        return
    for part, found in NEEDED.items():
        if part not in running.parts:
            last = max((each.seen_at for each in processes if part in each.parts), default=None)
            yield Problem(
                ProblemKind.SERVICE,
                Severity.BROKEN,
                Sentence("%(found)s; the last one reported at %(time)s", found=found, time=last) if last else found,
                advice=f"Start `orders-sync run` or `{part}`",
            )
    for each in processes:
        if not each.is_alive:
            yield Problem(
                ProblemKind.SERVICE,
                Severity.ATTENTION,
                Sentence(
                    "process %(pid)s on %(host)s (%(parts)s) has not reported since %(time)s: it was killed, hangs or "
                    "has lost the database",
                    pid=each.pid,
                    host=each.host,
                    parts=", ".join(each.parts),
                    time=each.seen_at,
                ),
                advice="See its log",
            )
    if len({(each.version, each.tables) for each in processes if each.is_alive}) > 1:
        those = "; ".join(
            f"{each.version} ({each.tables}): {each.pid} @ {each.host} ({', '.join(each.parts)})"
            for each in processes
            if each.is_alive
        )
        yield Problem(
            ProblemKind.SERVICE,
            Severity.ATTENTION,
            Sentence("processes of different versions (and of their tables) run: %(those)s", those=those),
            advice="Update or stop the older",
        )


def of_planning(processes: Sequence[ProcessStatus], accounts: Sequence[AccountStatus]) -> Iterator[Problem]:
    """Yield what keeps processes from planning accounts, each reason once, unless it is the account's `last_error`.

    A process may know an account by a name that is in no table.
    """
    reported = {each.last_error for each in accounts}
    names = {each.name for each in accounts}
    for process in processes:
        for name, reason in process.failing.items() if process.is_alive else ():
            if reason not in reported:
                reported.add(reason)
                account = name if name in names else None
                found = Sentence(
                    "%(reason)s (process %(pid)s on %(host)s)",
                    reason=without_name(reason, account),
                    pid=process.pid,
                    host=process.host,
                )
                yield Problem(ProblemKind.FAILING, Severity.ATTENTION, found, account)


def of_missing_settings(name: str, processes: Sequence[ProcessStatus]) -> Iterator[Problem]:
    """Yield a problem if processes run that schedule or read, and none of them has an account that these settings have.

    That lasts from a change of the settings, such as a new name, until the service reads them again.
    """
    running = {
        part: [each for each in processes if each.is_alive and part in each.parts and each.accounts] for part in NEEDED
    }
    lacking = [part for part, those in running.items() if those and all(name not in each.accounts for each in those)]
    if lacking:
        to_reload = {each.id: f"process {each.pid} on {each.host}" for part in lacking for each in running[part]}
        yield Problem(
            ProblemKind.SERVICE,
            Severity.ATTENTION,
            Sentence(
                "in these settings, but no running process (%(parts)s) has it in those it reads: %(what)s",
                parts=", ".join(lacking),
                what=Sentence("nothing new is planned for it")
                if "scheduler" in lacking
                else Sentence("nothing is read for it"),
            ),
            name,
            f"Reload (SIGHUP) or restart {', '.join(to_reload.values())}",
        )
