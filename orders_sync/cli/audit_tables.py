"""Print the tables of `orders-sync audit`: what was compared, what differs, and the audits there were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orders_sync.cli import output
from orders_sync.domain.local_times import stamp
from orders_sync.domain.windows import Feed
from orders_sync.engine.audit_results import Audited, Updates
from orders_sync.engine.reconcile import Difference, Reconciliation
from orders_sync.store.audit_reports import AuditReport, DifferenceReport
from orders_sync.store.requests import AskedAudit

SHOWN = 20  # ids of each kind in a table


def plain(result: Audited) -> dict[str, Any]:
    """Return the result of an audit as values for JSON."""
    found = result.found
    return {
        "account": result.account,
        "start": result.start,
        "end": result.end,
        "platform_orders": found.platform,
        "table_orders": found.tables,
        "rejects": found.rejects,
        "awaited": found.awaited,
        "updates": None if result.updates is None else _plain_updates(result.updates),
        "differences": [
            {
                "feed": each.feed,
                "start": each.window.start,
                "end": each.window.end,
                "platform_orders": each.counts.platform,
                "table_orders": each.counts.tables,
                "missing": each.missing,
                "missing_ids": each.missing_ids,
                "older_ids": each.older_ids,
                "not_listed": each.not_listed_ids,
                "repaired": each in result.repaired,
                "acknowledged": each in result.acknowledged,
            }
            for each in result.differences
        ],
        "calls": result.calls,
        "beyond": result.beyond,
        "error": result.error,
    }


def _plain_updates(updates: Updates) -> dict[str, Any]:
    return {
        "start": updates.start,
        "end": updates.end,
        "platform_orders": updates.found.platform,
        "table_orders": updates.found.tables,
        "rejects": updates.found.rejects,
        "awaited": updates.found.awaited,
    }


def show(results: list[Audited]) -> None:
    """Print what audits found: the counts, then the ranges that differ with their orders."""
    columns = ["account", "feed", "from", "to", "platform", "tables", "rejects", "awaited", "ranges"]
    output.table(
        "Orders by creation and update time. Tables include rejects; the next sync reads those awaited",
        [*columns, "calls"],
        [row for result in results for row in _rows(result)],
        [*columns[4:], "calls"],
    )
    differing = [(result, each) for result in results for each in result.differences]
    if not differing:
        output.info(summary(results))
        return
    columns = ["account", "feed", "from", "to", "platform", "tables", "missing"]
    output.out().print()
    output.table(
        "Ranges that differ",
        [*columns, "state", "order ids"],
        [
            (
                result.account,
                each.feed,
                each.window.start,
                each.window.end,
                each.counts.platform,
                each.counts.tables,
                each.missing,
                _state(result, each),
                orders(each.missing_ids, each.older_ids, each.not_listed_ids),
            )
            for result, each in differing
        ],
        columns[4:],
    )
    if any(each.not_listed_ids for _, each in differing):
        output.info(
            "not listed: the platform no longer lists these orders, or not at this time; they stay in the tables. "
            "`orders-sync audit acknowledge ID --reason TEXT` says that it may stay so: it is no problem any more"
        )
    if any(each.missing for result in results for each in result.remaining):
        output.info("`orders-sync audit --repair` reads the ranges with missing orders")
    output.info("`orders-sync audit list` and `audit show ID` show them again, with the id of every order")
    output.info(summary(results))


def summary(results: Sequence[Audited]) -> str:
    """Return in a sentence what is missing and what the next sync reads anyway, of the accounts that were compared."""
    compared = [each for each in results if not each.error]
    if results and not compared:
        return f"nothing could be compared ({len(results)} {'account' if len(results) == 1 else 'accounts'})"
    remaining = [each for result in compared for each in result.remaining]
    missing = sum(each.missing for each in remaining)
    not_listed = sum(len(each.not_listed_ids) for each in remaining)
    awaited = sum(each.awaited for each in compared)
    rejects = sum(each.found.rejects for each in compared)
    parts = [f"{missing:,} missing" if missing else "nothing missing"]
    parts += [f"{not_listed:,} not listed"] if not_listed else []
    parts += [f"{rejects:,} not here: rejects (`orders-sync rejects list`)"] if rejects else []
    parts += [f"{awaited:,} awaited (changed lately, the next sync reads them)"] if awaited else []
    failed = len(results) - len(compared)
    parts += [f"{failed} more could not be compared"] if failed else []
    return f"{len(compared)} {'account' if len(compared) == 1 else 'accounts'}: {'; '.join(parts)}"


def _state(result: Audited, difference: Difference) -> str:
    if difference in result.repaired:
        return "repaired"
    return "acknowledged" if difference in result.acknowledged else "open"


def orders(missing: Sequence[str], older: Sequence[str], not_listed: Sequence[str], most: int = SHOWN) -> str:
    """Say which orders differ, `most` of each kind."""
    kinds = (("missing", missing), ("older version", older), ("not listed", not_listed))
    return "; ".join(f"{kind}: {_named(ids, most)}" for kind, ids in kinds if ids)


def _named(ids: Sequence[str], most: int) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most:,} more" if len(ids) > most else "")


def _rows(result: Audited) -> list[tuple[object, ...]]:
    """A row for each list that was compared; the calls of both in the first."""
    rows = [_row(result.account, Feed.CREATED, result.start, result.end, result.found, result.calls)]
    if updates := result.updates:
        rows.append(_row(result.account, Feed.UPDATED, updates.start, updates.end, updates.found, None))
    return rows


def _row(
    account: str, feed: Feed, start: datetime | None, end: datetime | None, found: Reconciliation, calls: int | None
) -> tuple[object, ...]:
    return (
        account,
        feed,
        start,
        end,
        found.platform,
        found.tables,
        found.rejects,
        found.awaited,
        len(found.differences),
        calls,
    )


def show_list(found: list[AuditReport]) -> None:
    """Print audits, the newest first."""
    counts = ["rejects", "differences", "open", "missing", "acknowledged"]
    columns = ["id", "account", "from", "to", "began", "state", *counts]
    output.table(
        "Audits",
        columns,
        [
            (
                str(each.id),
                each.account,
                each.starts_at,
                each.ends_at,
                each.started_at,
                each.state,
                each.rejects,
                each.differences,
                each.open,
                each.missing,
                each.acknowledged,
            )
            for each in found
        ],
        columns[6:],
        ["acknowledged", "from", "to", "began"],
        see="audit show ID",
    )
    for each in found:
        if each.error:
            output.info(f"audit {each.id}: {each.error}")
        elif each.state == "interrupted":
            output.info(f"audit {each.id} of {each.account}: its process was killed; nothing of it counts")


def show_asked(found: list[AskedAudit]) -> None:
    """Say which audits were asked for and are not among those there were, with the reason."""
    for each in found:
        about = f"an audit of {each.account}, asked for by {each.requested_by} at {stamp(each.requested_at)}"
        if each.finished_at is None:
            output.info(f"{about}, {'begins' if each.taken_at else 'waits for the running service'}")
        else:
            output.info(f"{about}, was not done: {each.error}")


def show_report(audit: AuditReport, differences: list[DifferenceReport]) -> None:
    """Print one audit with its differences and the id of every order in them."""
    output.table(
        f"Audit {audit.id} of {audit.account}",
        ["column", "value"],
        [
            ("state", audit.state),
            ("from", audit.starts_at),
            ("to", audit.ends_at),
            ("began", audit.started_at),
            ("ended", audit.finished_at),
            ("platform orders", audit.platform_orders),
            ("table orders", audit.table_orders),
            ("rejects among them", audit.rejects),
            ("missing then", audit.missing_then),
            ("awaited", audit.awaited_then),
            ("no longer listed", audit.not_listed_then),
            ("missing or older by change", audit.changed_then),
            ("read since", audit.read_since),
            ("still missing", audit.missing),
            ("calls", audit.calls),
            ("error", audit.error),
        ],
    )
    if audit.rejects:
        output.info(
            f"{audit.rejects:,} not here: counted with the tables, but rejects, which are no orders yet: "
            f"`orders-sync rejects list --account {audit.account}`"
        )
    if audit.are_awaited_read:
        output.info("the orders that were awaited have been read since")
    elif not audit.differences and audit.platform_orders != audit.table_orders:
        output.info(
            "nothing missing: orders that the platform counts and the tables do not are awaited (changed lately, the "
            "next sync reads them), or stand in the tables at another time or account"
        )
    for each in differences:
        output.out().print()
        output.table(
            f"Difference by {each.feed} time",
            ["column", "value"],
            [
                ("from", each.starts_at),
                ("to", each.ends_at),
                ("platform", each.platform_orders),
                ("tables", each.table_orders),
                ("missing", each.missing),
                ("state", each.state),
                ("acknowledged by", each.acknowledged_by),
                ("because", each.acknowledged_because),
                ("missing ids", ", ".join(each.missing_ids)),
                ("still missing", ", ".join(each.still_missing_ids)),
                ("older versions", ", ".join(each.older_ids)),
                ("not listed", ", ".join(each.not_listed_ids)),
            ],
        )
