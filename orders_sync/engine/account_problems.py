"""Problems of accounts: sentences that say what is wrong, and what to do about it in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from orders_sync.domain.accounts import SyncPolicy, resume_advice
from orders_sync.domain.problems import AccountState, Problem, ProblemKind, Severity, without_name
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.times import duration
from orders_sync.engine.service_problems import Running
from orders_sync.store import lateness
from orders_sync.store.overview import AccountStatus

OLDEST_MESSAGE = timedelta(minutes=10)  # for which a message may wait before that is a problem


def of_mistake(name: str, mistake: str) -> Problem:
    """Report a mistake in the settings of an account."""
    return Problem(
        ProblemKind.MISCONFIGURED,
        Severity.BROKEN,
        Sentence("misconfigured, nothing is read for it: %(mistake)s", mistake=mistake),
        name,
        "Correct the settings, test them with `orders-sync config check`, then reload or restart the service",
    )


def of_account(account: AccountStatus, state: AccountState, delay: timedelta, running: Running) -> Iterator[Problem]:
    """Yield what is wrong with an account. `delay`: how far it may be behind."""
    if state is AccountState.REMOVED:
        yield from _removed(account)
        return
    yield from _errors(account, state)
    yield from _delays(account, state, delay, running)
    yield from _failed_reads(account)
    yield from of_rejects(account)
    yield from _unlisted_orders(account)
    yield from of_differences(account)
    yield from _waiting_messages(account, running)


def _attention(account: AccountStatus, kind: ProblemKind, found: str, advice: str = "") -> Problem:
    return Problem(kind, Severity.ATTENTION, found, account.name, advice)


def _removed(account: AccountStatus) -> Iterator[Problem]:
    if account.may_hold_orders and account.removed_at:
        yield _attention(
            account,
            ProblemKind.REMOVED,
            Sentence("not in the settings since %(time)s: nobody refreshes its orders", time=account.removed_at),
            f"Put it back, or `orders-sync accounts retire {account.name}`",
        )
        yield from of_rejects(account)
        yield from of_differences(account)


def _errors(account: AccountStatus, state: AccountState) -> Iterator[Problem]:
    """Yield why calls are refused, fail, get no answer, or are not made for a while."""
    if state is AccountState.SUSPENDED and account.suspended_at:
        because = account.suspended_because or Sentence("the platform refused its credentials")
        found = Sentence(
            "suspended since %(time)s, no call is made: %(because)s", time=account.suspended_at, because=because
        )
        yield Problem(ProblemKind.SUSPENDED, Severity.BROKEN, found, account.name, resume_advice(account.name))
    elif account.rests_until and state is not AccountState.SUSPENDED:
        yield _attention(account, ProblemKind.FAILING, _rest(account.rests_until, account))
    elif account.last_error:
        yield _attention(account, ProblemKind.FAILING, without_name(account.last_error, account.name))
    if account.unanswered and state not in (AccountState.BEHIND, AccountState.NOT_READ):
        yield _attention(account, ProblemKind.FAILING, _unanswered(account.unanswered))


def _rest(until: datetime, account: AccountStatus) -> Sentence:
    """Say how long an account rests, and why: its last error is what the rest began with."""
    if not account.last_error:
        return Sentence("no call is made until %(time)s", time=until)
    reason = without_name(account.last_error, account.name)
    return Sentence("no call is made until %(time)s: %(reason)s", time=until, reason=reason)


def _delays(account: AccountStatus, state: AccountState, delay: timedelta, running: Running) -> Iterator[Problem]:
    reason, advice = _reason(account, running)
    if state is AccountState.NOT_READ:
        found = Sentence("nothing has been read yet: %(reason)s", reason=reason)
        yield _attention(account, ProblemKind.BEHIND, found, advice)
    if state is AccountState.BEHIND and account.read_to and account.behind is not None:
        found = Sentence(
            "%(behind)s behind (current to %(time)s), late from %(delay)s on: %(reason)s",
            behind=timedelta(seconds=account.behind),
            time=account.read_to,
            delay=delay,
            reason=reason,
        )
        yield _attention(account, ProblemKind.BEHIND, found, advice)


def _failed_reads(account: AccountStatus) -> Iterator[Problem]:
    if account.failed:
        retry, those = _retry(account), "it" if account.failed == 1 else "them"
        yield _attention(
            account,
            ProblemKind.FAILING,
            Sentence("1 read failed, %(retry)s", retry=retry)
            if account.failed == 1
            else Sentence("%(count)s reads failed, %(retry)s", count=_count(account.failed), retry=retry),
            f"`orders-sync sync --retry --account {account.name}` reads {those} at once",
        )


def of_rejects(account: AccountStatus) -> Iterator[Problem]:
    """Report open rejects, if there are any: to replay or to ignore them needs no read of the account."""
    if account.rejects:
        yield _attention(
            account,
            ProblemKind.REJECTS,
            Sentence("1 record could not be converted into an order")
            if account.rejects == 1
            else Sentence("%(count)s records could not be converted into orders", count=_count(account.rejects)),
            f"`orders-sync rejects list --account {account.name}`",
        )


def _unlisted_orders(account: AccountStatus) -> Iterator[Problem]:
    if unlisted := account.unlisted:
        those = (
            Sentence("1 order that can change is in the tables and no longer listed by the platform")
            if unlisted.orders == 1
            else Sentence(
                "%(count)s orders that can change are in the tables and no longer listed by the platform",
                count=_count(unlisted.orders),
            )
        )
        yield _attention(
            account,
            ProblemKind.AUDIT,
            Sentence(
                "%(those)s, such as %(order)s (since %(time)s): what the tables say of them may be out of date",
                those=those,
                order=unlisted.order_id,
                time=unlisted.since,
            ),
            f"See `orders-sync order {unlisted.order_id}`, and all of them in sync.missing_orders",
        )


def _waiting_messages(account: AccountStatus, running: Running) -> Iterator[Problem]:
    if account.oldest_message_at and account.now and account.now - account.oldest_message_at > OLDEST_MESSAGE:
        reason, advice = _reason(account, running)
        yield _attention(
            account,
            ProblemKind.BEHIND,
            Sentence(
                "messages of the platform wait for a read (%(count)s), the oldest since %(time)s: %(reason)s",
                count=_count(account.messages),
                time=account.oldest_message_at,
                reason=reason,
            ),
            advice,
        )


def of_differences(account: AccountStatus) -> Iterator[Problem]:
    """Report what audits found and is still so, if anything: orders that are missing here, else ranges that differ.

    It concerns the orders that are here, whether the account is being read or not.
    """
    if not account.differences or account.audited_at is None:
        return
    number, name = account.open_audit, account.name
    if not account.audit_missing:
        found = Sentence(
            "the audit of %(time)s found that the platform's list differs from the tables (ranges: %(count)s)",
            time=account.audited_at,
            count=_count(account.differences),
        )
    elif account.audit_missing == 1 and account.audit_missing_id:
        found = Sentence(
            "1 order is missing: audit %(audit)s found %(order)s at the platform, and no read has brought it since",
            audit=number,
            order=account.audit_missing_id,
        )
    elif account.audit_missing_id:
        found = Sentence(
            "%(count)s orders are missing: audit %(audit)s found them at the platform, such as %(order)s, and no read "
            "has brought them since",
            count=_count(account.audit_missing),
            audit=number,
            order=account.audit_missing_id,
        )
    else:
        found = Sentence(
            "audit %(audit)s counted more orders at the platform than are here, and no audit since says otherwise "
            "(missing: %(count)s)",
            count=_count(account.audit_missing),
            audit=number,
        )
    advice = f"`orders-sync audit --account {name} --repair` reads what is missing; `orders-sync audit show {number}`"
    yield _attention(account, ProblemKind.AUDIT, found, advice)


def of_lateness(account: AccountStatus, policy: SyncPolicy) -> Iterator[Problem]:
    """Report that orders are listed so late that the passes over the newest time may soon miss them, if they are."""
    if account.late_by is None or not lateness.is_near(account.late_by, policy.overlap, policy.confirm):
        return
    yield Problem(
        ProblemKind.LATE,
        Severity.ATTENTION,
        Sentence(
            "in the last seven days an order was listed at least %(late)s after its own time. The confirming pass "
            "finds orders up to %(found)s late; later ones are found only by sweeps and audits",
            late=account.late_by,
            found=lateness.found_by_passes(policy.overlap, policy.confirm),
        ),
        account.name,
        f"raise `confirm` of the account, now {duration(int(policy.confirm.total_seconds()))}",
    )


def of_old_audit(account: AccountStatus, every: timedelta) -> Iterator[Problem]:
    """Yield a problem if no audit of the account has ended in twice the time between audits (`every`)."""
    if account.removed_at or account.suspended_at or not account.audited_at or not account.now:
        return
    if account.now - account.audited_at > 2 * every:
        yield Problem(
            ProblemKind.AUDIT,
            Severity.ATTENTION,
            Sentence("no audit has ended since %(time)s", time=account.audited_at),
            account.name,
            f"`orders-sync audit --account {account.name}` says what stops it",
        )


def _reason(account: AccountStatus, running: Running) -> tuple[Sentence, str]:
    """Return why an account waits, as far as the ledger shows it, and what to do."""
    reason, advice = _present_reason(account, running)
    if account.read_to is None or account.suspended_at or account.unanswered:
        return reason, advice
    if account.pause_ended_at and account.read_to <= account.pause_ended_at:
        reason = Sentence("it was paused until %(time)s; %(reason)s", time=account.pause_ended_at, reason=reason)
    elif running.since and account.read_to <= running.since:
        reason = Sentence("the service runs only since %(time)s; %(reason)s", time=running.since, reason=reason)
    return reason, advice


def _present_reason(account: AccountStatus, running: Running) -> tuple[Sentence, str]:
    if account.suspended_at:
        return Sentence("it is suspended"), ""
    if running.since is None:
        return Sentence("the service does not run"), "`orders-sync sync` reads it, `orders-sync run` keeps it current"
    if account.unanswered:
        return _unanswered(account.unanswered), "The calls are repeated by themselves"
    if account.running:
        return Sentence("it is being read now"), ""
    if account.failed:
        return Sentence("reads failed and are tried again"), ""
    if account.planned:
        advice = "if that stays, raise [sync] workers, run another `orders-sync worker`, or raise its rate"
        return Sentence("it waits for its turn to be read"), advice
    return Sentence("no read of it is planned"), "the log of the scheduler says why"


def _unanswered(text: str) -> Sentence:
    return Sentence("it is being read, and calls get no answer: %(error)s", error=text)


def _retry(account: AccountStatus) -> Sentence:
    if account.retry_at is None or account.now is None or account.retry_at <= account.now:
        return Sentence("tried again with the next reads")
    return Sentence("the first is tried again at %(time)s", time=account.retry_at)


def _count(number: int) -> str:
    return f"{number:,}"
