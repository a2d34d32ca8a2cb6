"""Actions on audits: run one now, acknowledge what one found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders_sync.domain.activity import Action, Actor
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.engine import audit as engine
from orders_sync.engine.audit_results import Audited
from orders_sync.engine.page_client import AccountSource
from orders_sync.engine.run_context import RunContext
from orders_sync.store import activity, audit_reports
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
    details = {key: value for key, value in (("from", start), ("to", end)) if value is not None}
    async with run_context.pool.connection() as connection:
        await activity.record(
            connection,
            actor,
            Action.AUDIT_REPAIR if repair else Action.AUDIT_RUN,
            accounts=[each.account.name for each in sources],
            details=details,
        )
    return await engine.audit(run_context, sources, start, end, repair=repair)


async def acknowledge(connection: Connection, actor: Actor, number: int, because: str) -> int:
    """Acknowledge the open differences of an audit, and return how many there were; none is not recorded.

    Raises `NotFoundError` for an unknown audit, `UsageError` without a reason.
    """
    because = because.strip()
    if not because:
        raise UsageError("a reason must be given: it is kept with the differences")
    async with connection.transaction():
        account = await audit_reports.account_of(connection, number)
        if account is None:
            raise unknown(number)
        count = await audit_reports.acknowledge(connection, number, because)
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


def unknown(number: int) -> NotFoundError:
    """Return the error for a number that no audit has."""
    return NotFoundError(f"there is no audit {number}: `orders-sync audit list` lists them")
