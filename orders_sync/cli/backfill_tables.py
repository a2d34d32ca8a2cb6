"""Print the tables of `orders-sync backfill`: the cost of a range, and the requests there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from orders_sync.cli import output
from orders_sync.domain import local_times
from orders_sync.domain.times import duration
from orders_sync.engine.actions.backfills import Requested
from orders_sync.engine.backfill import AccountPreview, BackfillPreview
from orders_sync.engine.results import AccountResult

MOST_RANGES = 40  # that are listed on a screen
SUMS = ("done", "waiting", "failed", "cancelled", "orders")


def plain(shown: BackfillPreview | None, requested: Requested | None, outcomes: Sequence[AccountResult]) -> Any:
    """Return what was shown and what was requested, for a machine."""
    return {
        "plan": shown and shown.plan,
        "seconds": shown and round(shown.seconds, 1),
        "request": requested and requested.number,
        "backfills": [] if requested is None else requested.backfills,
        "preview": [] if shown is None else [_plain_preview(each) for each in shown.previews],
        "outcomes": [outcome.plain() for outcome in outcomes],
    }


def _plain_preview(each: AccountPreview) -> dict[str, Any]:
    state = each.state
    return {
        "account": each.account,
        "feed": each.feed,
        "start": each.window.start,
        "end": each.window.end,
        "complete": state.complete_ranges,
        "missing": state.missing_ranges,
        "failed": state.failed_windows,
        "waiting": state.waiting_windows,
        "windows": each.windows,
        "calls": each.calls,
        "seconds": round(each.seconds, 1),
        "notices": each.remarks,
        "ranges": {
            kind: [[window.start, window.end] for window in windows] for kind, windows in state.by_kind().items()
        },
    }


def show_preview(shown: BackfillPreview) -> None:
    """Print what reading a range would cost, and which parts of it are in which state."""
    columns = ["account", "from", "to", "complete", "missing", "failed", "waiting", "to read", "calls", "time"]
    output.table(
        "Ranges in the ledger, and the cost of reading what is not complete",
        columns,
        [
            (
                each.account,
                each.window.start,
                each.window.end,
                each.state.complete_ranges,
                each.state.missing_ranges,
                each.state.failed_ranges,
                each.state.waiting_ranges,
                each.windows,
                f"about {each.calls}" if each.calls else "0",
                f"about {duration(int(each.seconds) + 1)}" if each.calls else "",
            )
            for each in shown.previews
        ],
        columns[3:],
    )
    listed = [
        (each.account, kind, window.start, window.end)
        for each in shown.previews
        for kind, windows in each.state.by_kind().items()
        if kind != "complete"
        for window in windows
    ]
    if listed:
        output.table("What is not complete", ["account", "state", "from", "to"], listed[:MOST_RANGES])
    if len(listed) > MOST_RANGES:
        output.info("there are more such ranges: --account NAME or a shorter range shows them, --json some of each")
    if len(shown.previews) > 1:
        output.info(f"all accounts together: about {duration(int(shown.seconds) + 1)}")


def show_list(rows: list[dict[str, Any]], *, one_by_one: bool) -> None:
    """Print backfills one by one, or by request; then what there is to know about them."""
    columns = ["request", "account", "feed", "from", "to", "state", *SUMS, "left"]
    if one_by_one:
        columns.insert(1, "id")
        cells = [_cells(row["request_id"], [row], [str(row["id"])]) for row in rows]
    else:
        cells = [_cells(number, list(group), []) for number, group in groupby(rows, lambda row: row["request_id"])]
    numbers = set(columns[-6:])
    empty = {name for number, name in enumerate(columns) if not any(row[number] for row in cells)}
    kept = [number for number, name in enumerate(columns) if name not in empty & {"feed", "cancelled", "left"}]
    output.table(
        "Backfills" if one_by_one else "Requested backfills",
        [columns[number] for number in kept],
        [[row[number] for number in kept] for row in cells],
        numbers,
        ["feed", "left", "orders", "waiting", "done"],
        see="backfill list --json",
        in_zone=True,
    )
    for row in rows:
        if row["error"]:
            output.error(f"backfill {row['id']} of {row['account']}: {row['error']}")
        elif row["notice"] and one_by_one:
            output.info(f"backfill {row['id']} of {row['account']}: {row['notice']}")
    if not one_by_one:
        output.info("`backfill list --request N` shows its accounts, `backfill cancel --request N` ends it")


def _cells(number: int, rows: list[dict[str, Any]], ids: list[str]) -> list[object]:
    """One line for a request. Its states with how many accounts are in each, its sums, the longest estimate.

    A range of whole days is shown as days, its end not included.
    """
    first, left = rows[0], [row["seconds_left"] for row in rows if row["seconds_left"] is not None]
    states = Counter(row["progress"] for row in rows)
    return [
        str(number),
        *ids,
        first["account"] if len(rows) == 1 else f"{len(rows)} accounts",
        ", ".join(sorted({row["feed"] for row in rows})),
        local_times.day_or_time(min(row["starts_at"] for row in rows)),
        local_times.day_or_time(max(row["ends_at"] for row in rows)),
        first["progress"] if len(rows) == 1 else ", ".join(f"{count} {state}" for state, count in states.items()),
        *(sum(row[name] for row in rows) for name in SUMS),
        duration(max(left)) if left else "",
    ]
