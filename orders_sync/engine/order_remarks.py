"""Explain why an order is not in the tables, or not as it is at the platform, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from orders_sync.domain.local_times import day
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Window
from orders_sync.engine.service_problems import State
from orders_sync.engine.service_status import Verdict
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.order_traces import FoundByAudit, MessageTrace, RejectTrace
from orders_sync.store.overview import AccountStatus

MOST_ACCOUNTS = 5  # without a problem that have a sentence of their own
MOST_PROBLEMS = 20  # that have one
DAY = timedelta(days=1)


class Reason(StrEnum):
    """The reason why an order is not in the tables, or not as it is at the platform. The likeliest comes first."""

    ROUNDED = "rounded"  # a spreadsheet cut its number
    OTHER_ACCOUNT = "other_account"  # it is here, of an account that was not asked for
    TORN = "torn"  # lines or parcels of it are here, its row in `orders` is not
    REJECTED = "rejected"  # a record of it could not be read
    MISSING = "missing"  # an audit found that the platform lists it
    MESSAGE = "message"  # the platform sent a message about it
    PAUSED = "paused"  # a person has its account not read for a while
    SUSPENDED = "suspended"  # its account makes no calls
    BEHIND = "behind"  # its account is not read up to now
    FAILED = "failed"  # windows of its account failed
    BEFORE_HISTORY = "before_history"  # placed before what is synced
    NOT_LISTED = "not_listed"  # what was read completely does not hold it, or no more
    REMOVED = "removed"  # its account is in no settings, or was retired
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that names no command, and the command that comes next where there is one.

    `reject`: the number of the reject that it is about.
    """

    reason: Reason
    text: Sentence
    command: str | None = None
    account: str | None = None
    reject: int | None = None


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
            Sentence(
                "order %(order)s: no longer listed by the platform: three complete reads of its time of creation did "
                "not return it, the last one at %(at)s. Its rows may be out of date",
                order=key.order_id,
                at=rows["missing_since"],
            ),
        )
    if rows["order"]["unread_version_since"]:
        for each in rejects[:1]:
            yield Remark(
                Reason.REJECTED,
                Sentence(
                    "order %(order)s: a newer version of it, read at %(at)s, could not be converted, so its rows show "
                    "an older one: %(reason)s",
                    order=key.order_id,
                    at=each.read_at,
                    reason=each.reason,
                ),
                f"orders-sync rejects show {each.id}",
                each.account,
                each.id,
            )
    for message in messages:
        if message.handled_at is None:
            yield of_message(message)
    if account is not None:
        yield from _of_account(account, verdict)


def of_rounded(number: str) -> Remark:
    """Explain that a spreadsheet cut a number."""
    return Remark(
        Reason.ROUNDED,
        Sentence("%(number)s was rounded by a spreadsheet: format its column as text and copy it again", number=number),
    )


def of_reject(reject: RejectTrace) -> Remark:
    """Explain a record that was kept as a reject."""
    return Remark(
        Reason.REJECTED,
        Sentence(
            "a record with this number came on %(shop)s and could not be converted into an order: %(reason)s. First "
            "read at %(first)s, last at %(last)s; it is kept as reject %(reject)s, and can be replayed after an update",
            shop=reject.account,
            reason=reject.reason.rstrip("."),
            first=reject.rejected_at,
            last=reject.read_at,
            reject=reject.id,
        ),
        f"orders-sync rejects replay {reject.id}",
        reject.account,
        reject.id,
    )


def of_audit(found: FoundByAudit) -> Remark:
    """Explain that the platform lists an order which the tables lack."""
    return Remark(
        Reason.MISSING,
        Sentence(
            "audit %(audit)s of %(at)s found that the platform lists it on %(shop)s, and no read has brought it since",
            audit=found.audit,
            at=found.began_at,
            shop=found.account,
        ),
        f"orders-sync audit --account {found.account} --from {day(found.starts_at)} "
        f"--to {day(found.ends_at + DAY)} --repair",
        found.account,
    )


def of_other_account(number: str, account: str) -> Remark:
    """Explain that an order was asked for with `--account` of another account than its own."""
    return Remark(
        Reason.OTHER_ACCOUNT,
        Sentence("it is an order of %(shop)s", shop=account),
        f"orders-sync order {number} --account {account}",
        account,
    )


def of_torn(key: OrderKey) -> Remark:
    """Explain that an order's row was deleted from `orders` by hand, and its lines or parcels were left."""
    return Remark(
        Reason.TORN,
        Sentence(
            "lines or parcels of order %(order)s are in the tables, but its row in `orders` is not: it was deleted by "
            "hand. It can be built again from the stored payload; without one a backfill of its day does it",
            order=key.order_id,
        ),
        f"orders-sync renormalize --platform {key.platform}",
    )


def of_message(message: MessageTrace) -> Remark:
    """Explain what became of a platform's message about the order."""
    about = {"shop": message.account, "at": message.received_at}
    outcome = message.outcome or Sentence("it was not processed yet")
    if message.handled_at is not None:
        text = Sentence(
            "the platform sent a message about it to %(shop)s at %(at)s: %(outcome)s", **about, outcome=outcome
        )
        return Remark(Reason.MESSAGE, text, None, message.account)
    text = Sentence(
        "the platform sent a message about it to %(shop)s at %(at)s, which still waits: %(outcome)s",
        **about,
        outcome=outcome,
    )
    return Remark(Reason.MESSAGE, text, f"orders-sync sync --account {message.account}", message.account)


def of_accounts(known: Known, placed: Window | None) -> Iterator[Remark]:
    """Yield for every account whether an order of it would be here, the likeliest reason first.

    `placed`: the day or the second in which the order was placed, where that is known.
    """
    if not known.accounts:
        yield Remark(Reason.NO_ACCOUNT, Sentence("no shop has been synced yet"), "orders-sync sync")
        return
    if placed is not None:
        yield from _of_time(known, placed)
        return
    yield from likeliest_first(_of_now(known))


def _of_now(known: Known) -> Iterator[Remark]:
    """Yield what keeps the accounts from being current, and what was read of those that are."""
    troubled = {each.name: list(_of_account(each, known.verdict)) for each in known.accounts}
    problems = [name for name, found in troubled.items() if found]
    for name in problems[:MOST_PROBLEMS]:
        yield from troubled[name]
    if len(problems) > MOST_PROBLEMS:
        yield Remark(
            Reason.BEHIND,
            Sentence("not current, and not named here: %(count)s more shops", count=len(problems) - MOST_PROBLEMS),
            "orders-sync status --problems",
        )
    proven = [each for each in known.accounts if each.name not in problems and _proven(each)]
    for account in proven[:MOST_ACCOUNTS]:
        yield _of_what_was_read(account)
    if len(proven) > MOST_ACCOUNTS:
        yield Remark(
            Reason.NOT_LISTED,
            Sentence("read without a gap too: %(count)s more shops", count=len(proven) - MOST_ACCOUNTS),
        )


def likeliest_first(remarks: Iterable[Remark]) -> list[Remark]:
    """Return remarks in the order of `Reason`."""
    return sorted(remarks, key=lambda each: list(Reason).index(each.reason))


def _proven(account: AccountStatus) -> tuple[datetime, datetime] | None:
    """Return the range of which it is proven that every order the platform lists is here, its end exclusive."""
    if account.read_from is None or account.read_to is None:
        return None
    begins = max(account.read_from, account.proven_from or account.read_from)
    return (begins, account.read_to) if begins < account.read_to else None


def _of_what_was_read(account: AccountStatus) -> Remark:
    first, last = _proven(account) or (None, None)
    return Remark(
        Reason.NOT_LISTED,
        Sentence(
            "%(shop)s: read without a gap from %(first)s to %(last)s; what was placed earlier is not proven",
            shop=account.name,
            first=first,
            last=last,
        ),
        None,
        account.name,
    )


def _of_time(known: Known, placed: Window) -> Iterator[Remark]:
    """Compare the time in which an order was placed with what was read of each account."""
    yield from likeliest_first(
        remark
        for account in known.accounts[:MOST_PROBLEMS]
        for remark in _of_account_and_time(account, known.verdict, placed)
    )
    if len(known.accounts) > MOST_PROBLEMS:
        yield Remark(
            Reason.NOT_LISTED,
            Sentence(
                "not checked: %(count)s more shops. Name the shop, and the answer is about it",
                count=len(known.accounts) - MOST_PROBLEMS,
            ),
        )


def _of_account_and_time(account: AccountStatus, verdict: Verdict, placed: Window) -> Iterator[Remark]:
    name, begins, proven = account.name, account.proven_from or account.history_from, _proven(account)
    first, last = day(placed.start), day(placed.start + DAY)
    if begins and placed.end <= begins:
        yield Remark(
            Reason.BEFORE_HISTORY,
            Sentence("%(shop)s: it was placed before %(at)s, where what is synced begins", shop=name, at=begins),
            f"orders-sync backfill --account {name} --from {first} --to {last} --wait",
            name,
        )
    elif proven and proven[0] <= placed.start and placed.end <= proven[1]:
        yield Remark(
            Reason.NOT_LISTED,
            Sentence(
                "%(shop)s: the time it was placed has been read completely, and the platform did not list it",
                shop=name,
            ),
            f"orders-sync audit --account {name} --from {first} --to {last} --repair",
            name,
        )
    elif problems := list(_of_account(account, verdict)):
        yield from problems
    elif proven:
        text = Sentence("%(shop)s: read from %(first)s to %(last)s so far", shop=name, first=proven[0], last=proven[1])
        yield Remark(Reason.BEHIND, text, f"orders-sync sync --account {name}", name)
    else:
        text = Sentence("%(shop)s: nothing of it was read", shop=name)
        yield Remark(Reason.BEHIND, text, f"orders-sync sync --account {name}", name)


def _of_account(account: AccountStatus, verdict: Verdict) -> Iterator[Remark]:
    """Yield what keeps an account from being current, if anything does."""
    name, state = account.name, verdict.states.get(account.name)
    to = Sentence("read up to %(at)s", at=account.read_to) if account.read_to else Sentence("nothing of it was read")
    if state in (State.REMOVED, State.RETIRED):
        since = account.retired_at or account.removed_at
        yield Remark(
            Reason.REMOVED,
            Sentence("%(shop)s: nobody reads it any more since %(at)s; %(to)s", shop=name, at=since, to=to),
            "orders-sync accounts list",
            name,
        )
    elif state is State.PAUSED:
        yield Remark(
            Reason.PAUSED,
            Sentence("%(shop)s: paused since %(at)s, %(to)s", shop=name, at=account.paused_at, to=to),
            f"orders-sync accounts resume {name}",
            name,
        )
    elif state is State.SUSPENDED:
        because = account.suspended_because or Sentence("the platform refused its credentials")
        yield Remark(
            Reason.SUSPENDED,
            Sentence(
                "%(shop)s: suspended since %(at)s, %(to)s: %(because)s",
                shop=name,
                at=account.suspended_at,
                to=to,
                because=because,
            ),
            f"orders-sync accounts resume {name}",
            name,
        )
    elif state in (State.BEHIND, State.NOT_READ):
        yield Remark(
            Reason.BEHIND,
            Sentence("%(shop)s: %(to)s; what was placed or changed since is not here yet", shop=name, to=to),
            f"orders-sync sync --account {name}",
            name,
        )
    elif state is State.CATCHING_UP:
        yield Remark(
            Reason.BEHIND,
            Sentence(
                "%(shop)s: older history is still being read, from %(first)s on; %(to)s",
                shop=name,
                first=account.history_from,
                to=to,
            ),
            f"orders-sync status --account {name}",
            name,
        )
    if account.failed and state not in (State.REMOVED, State.RETIRED, State.SUSPENDED):
        yield Remark(
            Reason.FAILED,
            Sentence("%(shop)s: failed reads that wait to be repeated: %(count)s", shop=name, count=account.failed),
            f"orders-sync sync --retry --account {name}",
            name,
        )
