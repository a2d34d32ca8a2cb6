"""`orders-sync status`: one verdict on all accounts and processes, what is wrong and what to do, then each account."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Annotated, Any

import typer

from orders_sync.cli import databases, histories, options, output, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.domain.errors import DatabaseError, NotFoundError, SchemaVersionError
from orders_sync.domain.problems import AccountState, Problem, ProblemKind, Severity
from orders_sync.domain.times import duration
from orders_sync.domain.windows import OPEN_WINDOWS
from orders_sync.engine import account_list, service_status
from orders_sync.engine.service_status import Verdict
from orders_sync.settings import Settings
from orders_sync.store import database_mark, identities, overview, progress, schema
from orders_sync.store.database import Session
from orders_sync.store.overview import AccountStatus

SIGNS = {Severity.BROKEN: ("✗", "bold red"), Severity.ATTENTION: ("!", "yellow")}
MOST = 20  # problems shown above the table of all accounts
NOTHING = "no account has been synced yet: run `orders-sync sync`, or `orders-sync demo` to try it"
OPTIONAL = ("current to", "platform", "audited", "history")  # columns, in the order a narrow screen leaves them out
_OPEN = (*OPEN_WINDOWS, "rejects")  # windows by state, and rejects


@dataclass(frozen=True)
class View:
    """The content of the screen: the selected accounts, the worst first, and the verdict on them and the processes.

    `orders`: by account; None where they were not to be counted. `most`: problems that are shown; None for all.
    `in_full`: every account is shown with all there is, as accounts asked for by name are. `renames`: sentences on
    accounts that the settings name otherwise than the tables.
    """

    accounts: list[AccountStatus]
    verdict: Verdict
    orders: dict[str, int] | None
    most: int | None
    in_full: bool = False
    renames: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """The verdict in one sentence."""
        return service_status.summary(self.verdict, version("orders-sync"), schema.HEAD)


def status(
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit with 3 when something needs attention, 4 when a person has to act, else 0."),
    ] = False,
    problems: Annotated[bool, typer.Option("--problems", help="Only accounts with problems.")] = False,
    account: options.Accounts = None,
    orders: Annotated[
        bool, typer.Option("--orders", help="Count the orders of each account, which takes time on a large database.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often --watch asks.")] = 5.0,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """One verdict on all accounts and processes, the problems with what to do, and how current every account is.

    Exit codes with --check; without it 0, whatever is found:
    0 all is well
    3 something needs attention: an account is behind, windows failed,
    there is no account yet, ...
    4 a person has to act: an account is suspended, no scheduler or worker
    is running, the tables are of another version
    Any other: no verdict; 69 because the database does not answer.

    With --json a list of the accounts; with --check --json one object of verdict, problems, processes and accounts.
    """
    if watch and (json or check):
        raise typer.BadParameter("goes with neither --json nor --check", param_hint="--watch")
    settings = user_settings.load(config)
    with _exit_code_of_other_tables(check), databases.opened(settings) as host:

        def look() -> View:
            with host.session() as session:
                return view(settings, session, account, problems, orders)

        found = look()
        if watch:
            host.close()
        while watch:
            _redraw(found)
            time.sleep(every)
            try:
                found = look()
            except DatabaseError as error:
                output.error(str(error))
    if json:
        output.print_json(_object(found) if check else [_row(each, found) for each in _by_name(found)])
    elif found.verdict.states:
        _show(found)
        for each in histories.explained([account.progress for account in found.accounts], in_full=found.in_full):
            output.say(each)
    else:
        output.say(NOTHING)
    if check:
        raise typer.Exit(_exit_code(found))


@contextmanager
def _exit_code_of_other_tables(check: bool) -> Iterator[None]:
    try:
        yield
    except SchemaVersionError as error:
        if not check:
            raise
        output.error(str(error))
        raise typer.Exit(ExitCode.BROKEN) from error


def _exit_code(found: View) -> int:
    if not found.verdict.states:
        return ExitCode.ATTENTION
    return {
        None: ExitCode.DONE,
        Severity.ATTENTION: ExitCode.ATTENTION,
        Severity.BROKEN: ExitCode.BROKEN,
    }[found.verdict.severity]


def view(
    settings: Settings,
    session: Session,
    names: list[str] | None = None,
    only_problems: bool = False,
    counted: bool = False,
) -> View:
    """Ask the database. Raises `NotFoundError` for a name that neither it nor the settings know."""
    accounts = overview.accounts(session)
    processes = overview.processes(session)
    orders = overview.orders_by_account(session) if counted else None
    mark = database_mark.read(session)
    renames = list(identities.awaited_renames(session, settings.listed).values())
    accounts = service_status.with_unread(settings, accounts, processes)
    for name in names or []:
        if name not in {each.name for each in accounts}:
            raise NotFoundError(f"no account is named {name}: `orders-sync accounts list` shows every account")
    accounts = [each for each in accounts if not names or each.name in names]
    verdict = service_status.assess_all(settings, accounts, processes)
    if mark is not None:
        found = Problem(ProblemKind.SERVICE, Severity.BROKEN, mark.found, advice=mark.advice)
        verdict.problems[:] = [found, *(each for each in verdict.problems if each.kind is not ProblemKind.SERVICE)]
    rows = account_list.ranked(accounts, verdict)
    chosen = [row.account for row in rows if row.problems or not only_problems]
    return View(chosen, verdict, orders, None if only_problems else MOST, bool(names), renames)


def _by_name(found: View) -> list[AccountStatus]:
    return sorted(found.accounts, key=lambda each: each.name)


def _redraw(found: View) -> None:
    """Show it in place of what was shown before: as much as a terminal holds, from the top."""
    console = output.out()
    with console.capture() as captured:
        _show(found)
    lines = captured.get().splitlines()
    if console.is_terminal:
        room = console.height - 1
        console.clear()
        if len(lines) > room:
            lines = [*lines[: room - 1], f"... {len(lines) - room + 1} more lines; --account shows fewer"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _show(found: View) -> None:
    output.say(found.summary)
    for sentence in found.renames:
        output.say(sentence, SIGNS[Severity.ATTENTION])
    problems = found.verdict.problems
    for each in problems[: found.most]:
        output.say(each.text, SIGNS[each.severity])
    if found.most and len(problems) > found.most:
        output.say(
            f"... {len(problems) - found.most:,} more problems: `orders-sync status --problems` shows all of them"
        )
    for remark in found.verdict.remarks:
        output.say(remark, ("-", ""))
    if not found.accounts:
        return
    columns = ["account", "platform", "state", "history", "current to", "behind", "audited", "open"]
    numbers = ["behind", "audited"]
    if found.orders is not None:
        columns.insert(-1, "orders")
        numbers.append("orders")
    output.say("")
    rows = [_cells(each, found) for each in found.accounts]
    output.table("Accounts", columns, rows, numbers, () if found.in_full else OPTIONAL, see="status --account NAME")


def _cells(account: AccountStatus, found: View) -> list[object]:
    state = found.verdict.states[account.name]
    history = "" if state in (AccountState.REMOVED, AccountState.RETIRED) else progress.state(account.progress)
    orders = [] if found.orders is None else [found.orders.get(account.name, 0)]
    audited = account.now - account.audited_at if account.now and account.audited_at else None
    open_ = [(account.audit_missing, "missing"), *((getattr(account, what), what) for what in _OPEN)]
    return [
        account.name,
        account.platform,
        str(state),
        history.removeprefix("complete ") or history,
        account.read_to or "never",
        "" if account.behind is None else duration(int(account.behind)),
        "never" if audited is None else f"{duration(int(audited.total_seconds()))} ago",
        *orders,
        ", ".join(f"{count:,} {what}" for count, what in open_ if count),
    ]


def _row(account: AccountStatus, found: View) -> dict[str, Any]:
    """One account for a machine."""
    row = asdict(account)
    del row["now"], row["may_hold_orders"]
    late_by = row.pop("late_by")
    return {
        "account": row.pop("name"),
        "state": str(found.verdict.states[account.name]),
        "problems": [_problem(e) for e in found.verdict.of_account(account.name)],
        "behind_seconds": None if (behind := row.pop("behind")) is None else int(behind),
        "late_seconds": late_by.total_seconds() if late_by else None,
        "orders": None if found.orders is None else found.orders.get(account.name, 0),
        **row,
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"kind": str(problem.kind), "severity": str(problem.severity), "text": problem.text}


def _object(found: View) -> dict[str, Any]:
    """Everything for a machine."""
    return {
        "severity": None if found.verdict.severity is None else str(found.verdict.severity),
        "summary": found.summary,
        "version": version("orders-sync"),
        "tables": schema.HEAD,
        "problems": [{**_problem(each), "account": each.account} for each in found.verdict.problems],
        "notes": found.verdict.remarks,
        "processes": [asdict(each) for each in found.verdict.processes],
        "accounts": [_row(each, found) for each in _by_name(found)],
    }
