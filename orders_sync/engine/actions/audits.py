"""Actions on audits: run one here or have one run, repair and acknowledge what one found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.requests import RequestKind
from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Window
from orders_sync.engine.actions.accounts import must_be_readable
from orders_sync.engine.audit import audit
from orders_sync.engine.audit_ranges import to_compare
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.run_context import RunContext
from orders_sync.engine.sources import AccountSource
from orders_sync.store import activity, audit_reports, audits, requests
from orders_sync.store.database import Connection


async def run(
    run_context: RunContext,
    actor: Actor,
    sources: Sequence[AccountSource],
    start: datetime | None,
    end: datetime | None,
    *,
    repair: bool,
) -> list[Audited]:
    """Audit these accounts in this process, as `engine/audit.py` does; with `repair` read what is missing."""
    async with run_context.pool.connection() as connection:
        await activity.record(
            connection,
            actor,
            Action.AUDIT_RUN,
            accounts=[each.account.name for each in sources],
            details=_details(start, end, repair=repair),
        )
    return await audit(run_context, sources, start, end, repair=repair)


async def request(
    connection: Connection,
    actor: Actor,
    account: str,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    repair: bool = False,
) -> int:
    """Have a worker of the running service audit an account now; with `repair` read what is missing.

    `start`, `end`: the range of creation time; None: as far as there is anything. Return the number of the request in
    `sync.requests`. Raises as `accounts.sync_now` does, and `UsageError` for a range of which nothing can be compared.
    """
    details = _details(start, end, repair=repair)
    return await _requested(connection, actor, Action.AUDIT_RUN, account, start, end, details, repair=repair)


async def repair(connection: Connection, actor: Actor, number: int) -> int:
    """Have the range of an audit compared again and what is missing read, which settles its open differences.

    Return the number of the request. Raises `NotFoundError` for an unknown audit, `UsageError` where nothing of it is
    open, and as `request` does.
    """
    found = await audit_reports.report(connection, number)
    if found is None:
        raise unknown(number)
    audited, _ = found
    if not audited.open + audited.acknowledged:
        raise UsageError(
            Sentence("audit %(number)s has no difference that is open: there is nothing to repair", number=number)
        )
    start, end = audited.starts_at, audited.ends_at
    details = _details(start, end)
    return await _requested(connection, actor, Action.AUDIT_REPAIR, audited.account, start, end, details, repair=True)


async def acknowledge(connection: Connection, actor: Actor, number: int, because: str) -> int:
    """Acknowledge the open differences of an audit, and return how many there were; none is not recorded.

    Raises `NotFoundError` for an unknown audit, `UsageError` without a reason.
    """
    because = because.strip()
    if not because:
        raise UsageError(Sentence("a reason must be given: it is kept with the differences"), argument="because")
    async with connection.transaction():
        account = await audit_reports.account_of(connection, number)
        if account is None:
            raise unknown(number)
        count = await audit_reports.acknowledge(connection, number, because, actor.name)
        if count:
            await activity.record(
                connection,
                actor,
                Action.AUDIT_ACKNOWLEDGE,
                account=account,
                subject=f"audit {number}",
                details={"differences": count, "reason": because},
            )
    return count


async def _requested(
    connection: Connection,
    actor: Actor,
    action: Action,
    account: str,
    start: datetime | None,
    end: datetime | None,
    details: Mapping[str, object],
    *,
    repair: bool,
) -> int:
    async with connection.transaction():
        await must_be_readable(connection, account)
        window = to_compare(account, await audits.synced(connection, account), start, end)
        if not isinstance(window, Window):
            raise UsageError(window, argument="from")
        number = await requests.add(connection, account, RequestKind.AUDIT, actor.name, start, end, repair=repair)
        await activity.record(connection, actor, action, account=account, details=details)
    return number


def _details(start: datetime | None, end: datetime | None, *, repair: bool = False) -> dict[str, object]:
    asked = {"from": start, "to": end, "repair": repair or None}
    return {key: value for key, value in asked.items() if value is not None}


def unknown(number: int) -> NotFoundError:
    """Return the error for a number that no audit has."""
    return NotFoundError(Sentence("there is no audit %(number)s: `orders-sync audit list` lists them", number=number))
