"""Explain why an order is not in the tables, or not as it is at the platform, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from orders_sync.domain.local_times import day, stamp
from orders_sync.engine.service_problems import State
from orders_sync.engine.service_status import Verdict
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.order_traces import FoundByAudit, MessageTrace, RejectTrace
from orders_sync.store.overview import AccountStatus

MOST_ACCOUNTS = 5  # named in one sentence
MOST_PROBLEMS = 20  # accounts that have a sentence of their own
DAY = timedelta(days=1)


class Reason(StrEnum):
    """The reason why an order is not in the tables, or not as it is at the platform."""

    ROUNDED = "rounded"  # a spreadsheet cut its number
    OTHER_ACCOUNT = "other_account"  # it is here, of an account that was not asked for
    REJECTED = "rejected"  # a record of it could not be read
    MISSING = "missing"  # an audit found that the platform lists it
    MESSAGE = "message"  # the platform sent a message about it
    SUSPENDED = "suspended"  # its account makes no calls
    REMOVED = "removed"  # its account is in no settings, or was retired
    BEHIND = "behind"  # its account is not read up to now
    FAILED = "failed"  # windows of its account failed
    BEFORE_HISTORY = "before_history"  # placed before what is synced
    NOT_LISTED = "not_listed"  # what was read completely does not hold it, or no more
    NO_ACCOUNT = "no_account"
    TORN = "torn"  # lines or parcels of it are here, its row in `orders` is not


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, and the command that comes next where there is one."""

    reason: Reason
    text: str
    command: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The accounts that may hold an order, and how current each is."""

    accounts: Sequence[AccountStatus]
    verdict: Verdict

    def of(self, name: str) -> AccountStatus | None:
        """Return the state of an account; None for one that the tables do not know."""
        return next((each for each in self.accounts if each.name == name), None)


def of_order(
    key: OrderKey,
    rows: dict[str, Any],
    rejects: list[RejectTrace],
    messages: list[MessageTrace],
    account: AccountStatus | None,
    verdict: Verdict,
) -> Iterator[Remark]:
    """Yield the reasons why an order's rows may not be what the platform shows."""
    if rows["missing_since"]:
        yield Remark(
            Reason.NOT_LISTED,
            f"order {key.order_id}: no longer listed by the platform: three complete reads of its time of creation "
            f"did not return it, the last one at {_at(rows['missing_since'])}. Its rows may be out of date",
        )
    if rows["order"]["unread_version_since"]:
        for each in rejects[:1]:
            yield Remark(
                Reason.REJECTED,
                f"order {key.order_id}: a newer version of it, read at {_at(each.read_at)}, could not be converted, "
                f"so its rows show an older one: {each.reason}",
                f"orders-sync rejects show {each.id}",
                each.account,
            )
    for message in messages:
        if message.handled_at is None:
            yield of_message(message)
    if account is not None:
        yield from _of_account(account, verdict)


def of_reject(reject: RejectTrace) -> Remark:
    """Explain a record that was kept as a reject."""
    return Remark(
        Reason.REJECTED,
        f"a record with this number came on {reject.account} and could not be converted into an order: "
        f"{reject.reason.rstrip('.')}. First read at {_at(reject.rejected_at)}, last at {_at(reject.read_at)}; it is "
        f"kept as reject {reject.id}, and `orders-sync rejects replay {reject.id}` converts it after an update",
        f"orders-sync rejects show {reject.id}",
        reject.account,
    )


def of_audit(found: FoundByAudit) -> Remark:
    """Explain that the platform lists an order which the tables lack."""
    return Remark(
        Reason.MISSING,
        f"audit {found.audit} of {_at(found.began_at)} found that the platform lists it on {found.account}, and no "
        "read has brought it since; this reads it",
        f"orders-sync audit --account {found.account} --from {day(found.starts_at)} "
        f"--to {day(found.ends_at + DAY)} --repair",
        found.account,
    )


def of_other_account(number: str, account: str) -> Remark:
    """Explain that an order was asked for with `--account` of another account than its own."""
    return Remark(
        Reason.OTHER_ACCOUNT, f"it is an order of {account}", f"orders-sync order {number} --account {account}", account
    )


def of_torn(key: OrderKey) -> Remark:
    """Explain that an order's row was deleted from `orders` by hand, and its lines or parcels were left."""
    return Remark(
        Reason.TORN,
        f"lines or parcels of order {key.order_id} are in the tables, but its row in `orders` is not: it was deleted "
        "by hand. This builds it again from the stored payload; without one a backfill of its day does",
        f"orders-sync renormalize --platform {key.platform}",
    )


def of_message(message: MessageTrace) -> Remark:
    """Explain what became of a platform's message about the order."""
    state = message.outcome or "it was not processed yet"
    is_waiting = message.handled_at is None
    return Remark(
        Reason.MESSAGE,
        f"the platform sent a message about it to {message.account} at {_at(message.received_at)}"
        f"{', which still waits' if is_waiting else ''}: {state}",
        f"orders-sync sync --account {message.account}" if is_waiting else None,
        message.account,
    )


def of_accounts(known: Known, placed: datetime | None) -> Iterator[Remark]:
    """Yield for every account whether an order of it would be here. Those that are not current come first."""
    if not known.accounts:
        yield Remark(Reason.NO_ACCOUNT, "no account has been synced yet", "orders-sync sync")
        return
    if placed is not None:
        yield from _of_time(known, placed)
        return
    not_current = 0
    current = []
    for account in known.accounts:
        problems = list(_of_account(account, known.verdict))
        not_current += bool(problems)
        if not_current <= MOST_PROBLEMS:
            yield from problems
        if _proven(account) is not None:
            current.append(account)
    if not_current > MOST_PROBLEMS:
        more = not_current - MOST_PROBLEMS
        are = "is" if more == 1 else "are"
        yield Remark(Reason.BEHIND, f"{_more(more)} {are} not current", "orders-sync status --problems")
    if current:
        yield _of_what_was_read(current)


def _proven(account: AccountStatus) -> tuple[datetime, datetime] | None:
    """Return the range of which it is proven that every order the platform lists is here, its end exclusive."""
    if account.read_from is None or account.read_to is None:
        return None
    begins = max(account.read_from, account.proven_from or account.read_from)
    return (begins, account.read_to) if begins < account.read_to else None


def _of_what_was_read(accounts: Sequence[AccountStatus]) -> Remark:
    named = ", ".join(
        f"{each.name} from {_at(begins)} to {_at(ends)}"
        for each in accounts[:MOST_ACCOUNTS]
        for begins, ends in [_proven(each) or (None, None)]
    )
    more = f" and {_more(len(accounts) - MOST_ACCOUNTS)}" if len(accounts) > MOST_ACCOUNTS else ""
    return Remark(
        Reason.NOT_LISTED,
        f"read without a gap: {named}{more}. An order of that time is not listed by the platform, or is of another "
        "shop; of an earlier one nothing is proven. With the day on which it was placed, "
        "`orders-sync order NUMBER --placed DATE` says which, and what to do",
        None,
    )


def _of_time(known: Known, placed: datetime) -> Iterator[Remark]:
    """Compare the time an order was placed with what was read of each account."""
    first, last = day(placed), day(placed + DAY)
    for account in known.accounts[:MOST_PROBLEMS]:
        name, begins = account.name, account.proven_from or account.history_from
        proven = _proven(account)
        if begins and placed < begins:
            yield Remark(
                Reason.BEFORE_HISTORY,
                f"{name}: it was placed before {_at(begins)}, where what is synced begins",
                f"orders-sync backfill --account {name} --from {first} --to {last} --wait",
                name,
            )
        elif proven and proven[0] <= placed < proven[1]:
            yield Remark(
                Reason.NOT_LISTED,
                f"{name}: the time it was placed has been read completely, and the platform did not list it",
                f"orders-sync audit --account {name} --from {first} --to {last} --repair",
                name,
            )
        elif problems := list(_of_account(account, known.verdict)):
            yield from problems
        else:
            to = f"read from {_at(account.read_from)} to {_at(account.read_to)}" if account.read_to else "not read"
            yield Remark(Reason.BEHIND, f"{name}: {to} so far", f"orders-sync sync --account {name}", name)
    if len(known.accounts) > MOST_PROBLEMS:
        more = len(known.accounts) - MOST_PROBLEMS
        were = "was" if more == 1 else "were"
        yield Remark(Reason.NOT_LISTED, f"{_more(more)} {were} not checked: name the shop with --account")


def _of_account(account: AccountStatus, verdict: Verdict) -> Iterator[Remark]:
    """Yield what keeps an account from being current, if anything does."""
    name, state = account.name, verdict.states.get(account.name)
    to = f"read up to {_at(account.read_to)}" if account.read_to else "nothing of it was read"
    if state in (State.REMOVED, State.RETIRED):
        since = account.retired_at or account.removed_at
        yield Remark(
            Reason.REMOVED,
            f"{name}: {state} since {_at(since)}, nobody reads it any more; {to}",
            "orders-sync accounts list",
            name,
        )
    elif state is State.SUSPENDED:
        yield Remark(
            Reason.SUSPENDED,
            f"{name}: suspended since {_at(account.suspended_at)}, {to}: "
            f"{account.suspended_because or 'the platform refused its credentials'}",
            f"orders-sync accounts resume {name}",
            name,
        )
    elif state in (State.BEHIND, State.NOT_READ):
        yield Remark(
            Reason.BEHIND,
            f"{name}: {to}; what was placed or changed since is not here yet",
            f"orders-sync sync --account {name}",
            name,
        )
    elif state is State.CATCHING_UP:
        yield Remark(
            Reason.BEHIND,
            f"{name}: older history is still being read, from {_at(account.history_from)} on; {to}",
            f"orders-sync status --account {name}",
            name,
        )
    if account.failed and state not in (State.REMOVED, State.RETIRED, State.SUSPENDED):
        yield Remark(
            Reason.FAILED,
            f"{name}: {account.failed:,} {'window' if account.failed == 1 else 'windows'} failed, to be read again",
            f"orders-sync sync --retry --account {name}",
            name,
        )


def _more(count: int) -> str:
    return "1 more account" if count == 1 else f"{count} more accounts"


def _at(moment: datetime | None) -> str:
    return stamp(moment) if moment else "an unknown time"
