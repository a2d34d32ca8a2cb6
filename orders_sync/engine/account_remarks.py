"""Remarks on accounts: what keeps one from being current, and whether an order of a time would be here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from orders_sync.domain.local_times import day
from orders_sync.domain.problems import AccountState
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Window
from orders_sync.engine.remarks import KnownAccounts, Reason, Remark, likeliest_first
from orders_sync.engine.service_status import Verdict
from orders_sync.store.overview import AccountStatus

MOST_ACCOUNTS = 5  # accounts without a problem that have a sentence of their own
MOST_PROBLEMS = 20  # accounts with a problem that have one
DAY = timedelta(days=1)


def of_accounts(known: KnownAccounts, placed: Window | None) -> Iterator[Remark]:
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


def _of_now(known: KnownAccounts) -> Iterator[Remark]:
    """Yield what keeps the accounts from being current, and what was read of those that are."""
    troubled = {each.name: list(of_account(each, known.verdict)) for each in known.accounts}
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


def _of_time(known: KnownAccounts, placed: Window) -> Iterator[Remark]:
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
            f"orders-sync backfill --account {name} --by created --from {first} --to {last} --wait",
            name,
        )
    elif proven and proven[0] <= placed.start and placed.end <= proven[1]:
        yield Remark(
            Reason.NOT_LISTED,
            Sentence(
                "%(shop)s: the time it was placed has been read completely, and it is not here: the platform did not "
                "list it then, or it was deleted here since",
                shop=name,
            ),
            f"orders-sync audit --account {name} --from {first} --to {last} --repair",
            name,
        )
    elif problems := list(of_account(account, verdict)):
        yield from problems
    elif proven:
        text = Sentence("%(shop)s: read from %(first)s to %(last)s so far", shop=name, first=proven[0], last=proven[1])
        yield Remark(Reason.BEHIND, text, f"orders-sync sync --account {name}", name)
    else:
        text = Sentence("%(shop)s: nothing of it was read", shop=name)
        yield Remark(Reason.BEHIND, text, f"orders-sync sync --account {name}", name)


def of_account(account: AccountStatus, verdict: Verdict) -> Iterator[Remark]:
    """Yield what keeps an account from being current, if anything does."""
    name, state = account.name, verdict.states.get(account.name)
    to = Sentence("read up to %(at)s", at=account.read_to) if account.read_to else Sentence("nothing of it was read")
    if state in (AccountState.REMOVED, AccountState.RETIRED):
        since = account.retired_at or account.removed_at
        yield Remark(
            Reason.REMOVED,
            Sentence("%(shop)s: nobody reads it any more since %(at)s; %(to)s", shop=name, at=since, to=to),
            "orders-sync accounts list",
            name,
        )
    elif state is AccountState.PAUSED and account.pause:
        yield Remark(
            Reason.PAUSED,
            Sentence("%(shop)s: %(paused)s; %(to)s", shop=name, paused=account.pause.sentence, to=to),
            f"orders-sync accounts resume {name}",
            name,
        )
    elif state is AccountState.SUSPENDED:
        because = account.suspended_because or Sentence("the platform refused its credentials")
        yield Remark(
            Reason.SUSPENDED,
            Sentence(
                "%(shop)s: suspended since %(at)s, %(to)s: %(because)s. Check its credentials: once the settings have "
                "other ones and were reloaded, it is read again by itself",
                shop=name,
                at=account.suspended_at,
                to=to,
                because=because.rstrip("."),
            ),
            f"orders-sync accounts test {name}",
            name,
        )
    elif state in (AccountState.BEHIND, AccountState.NOT_READ):
        yield Remark(
            Reason.BEHIND,
            Sentence("%(shop)s: %(to)s; what was placed or changed since is not here yet", shop=name, to=to),
            f"orders-sync sync --account {name}",
            name,
        )
    elif state is AccountState.CATCHING_UP:
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
    if account.failed and state not in (AccountState.REMOVED, AccountState.RETIRED, AccountState.SUSPENDED):
        yield Remark(
            Reason.FAILED,
            Sentence("%(shop)s: failed reads that wait to be repeated: %(count)s", shop=name, count=account.failed),
            f"orders-sync sync --retry --account {name}",
            name,
        )
