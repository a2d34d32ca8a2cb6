"""Tables that `orders-sync rejects` prints: rejects by reason, one by one, and the results of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orders_sync.cli import output
from orders_sync.domain.reject_reasons import WORDS, RejectReason, classify, field_of
from orders_sync.engine.replay import Replayed, StillRejected
from orders_sync.store.reject_lists import ReasonGroup


def plain(group: ReasonGroup) -> dict[str, Any]:
    """Return a group for a machine."""
    return {
        "reason_key": group.reason_key,
        "words": _words(group.reason_key),
        "platform": group.platform,
        "field": field_of(group.example_reason),
        "records": group.records,
        "ignored": group.ignored,
        "accounts": group.accounts,
        "first": group.first,
        "last": group.last,
        "example": group.example,
        "example_reason": group.example_reason,
    }


def _words(key: str) -> str:
    return WORDS[RejectReason(key)] if key in list(RejectReason) else key


def show_groups(found: Sequence[ReasonGroup], with_all: bool, *, only_ignored: bool = False) -> None:
    """Print rejects by reason, with an example of each."""
    columns = ["--reason", "platform", "records", "accounts", "first seen", "last read", "example", "reason"]
    output.table(
        "All rejects" if with_all else "Rejects by reason",
        columns,
        [
            (
                each.reason_key,
                each.platform,
                each.records,
                each.accounts,
                each.first,
                each.last,
                str(each.example),
                _sentence(each.reason_key, each.example_reason),
            )
            for each in found
        ],
        ["records", "accounts"],
        ["first seen", "accounts", "last read", "platform"],
        see="rejects list --groups --json",
    )
    show = "`orders-sync rejects show EXAMPLE` shows a record"
    if only_ignored:
        output.info(f"{show}; `rejects unignore --reason R` opens them again")
        return
    output.info(
        f"{show}; `rejects replay --reason R` converts them again with this version's code; "
        "`rejects ignore --reason R` takes them off the list"
    )


def _sentence(key: str, reason: str) -> str:
    """Say what is wrong in plain words, then in the words of an example (`reason`), where they say more."""
    if key == RejectReason.OTHER:
        return reason
    place = field_of(reason)
    words = f"{_words(key)}{f', field {place}' if place else ''}"
    return words if place else f"{words}: {reason}"


def show_rows(rows: list[dict[str, Any]], total: int, with_all: bool) -> None:
    """Print rejects one by one. `total`: how many fit, shown or not."""
    columns = ["id", "account", "platform", "order_id", "reason", "first seen", "read"]
    columns += ["state", "resolved"] if with_all else []
    output.table(
        "All rejects" if with_all else "Rejects",
        columns,
        [
            (
                str(row["id"]),
                row["account"],
                row["platform"],
                row["order_id"],
                row["reason"],
                row["rejected_at"],
                row["read_at"],
                *([row["state"], row["resolved_at"]] if with_all else []),
            )
            for row in rows
        ],
        optional=["first seen", "read", "platform"],
        see="rejects show ID",
    )
    if total > len(rows):
        output.info(f"{len(rows):,} of {total:,} are shown: --limit N shows more, --reason and --account fewer")
    output.info("`orders-sync rejects show ID` shows a record; `rejects replay` retries them with this version's code")


def report(result: Replayed) -> None:
    """Print what came of a replay: how many were stored, and the others by reason with an example of each."""
    output.say(
        f"{result.landed} stored, {result.older} older than the stored version, {len(result.rejected)} still rejected"
    )
    if not result.rejected:
        return
    groups: dict[tuple[str, str], list[StillRejected]] = {}
    for each in result.rejected:
        groups.setdefault((classify(each.reason), each.platform), []).append(each)
    columns = ["--reason", "platform", "records", "accounts", "example", "reason"]
    output.table(
        "Still rejected, by reason",
        columns,
        [
            (
                key,
                platform,
                len(group),
                len({each.account for each in group}),
                str(group[-1].id),
                _sentence(key, group[-1].reason),
            )
            for (key, platform), group in sorted(groups.items(), key=lambda item: -len(item[1]))
        ],
        ["records", "accounts"],
        ["accounts", "platform"],
        see="rejects replay --json",
    )
    output.info(
        "`orders-sync rejects show EXAMPLE` shows a record, `rejects list --reason R --ids` lists them one by one"
    )
