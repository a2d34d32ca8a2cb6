"""Print the tables of `orders-sync backfill`: the cost of a range, and the requests there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from orders_sync.cli import output
from orders_sync.domain.times import duration
from orders_sync.engine.backfill import Preview, Requested
from orders_sync.engine.results import AccountResult

SUMS = ("done", "waiting", "failed", "orders")


def plain(previews: Sequence[Preview], requested: Requested | None, outcomes: Sequence[AccountResult]) -> Any:
    """Return what was shown and what was requested, for a machine."""
    return {
        "request": requested and requested.number,
        "backfills": [] if requested is None else requested.backfills,
        "preview": [
            {
                "account": each.account,
                "feed": each.feed,
                "start": each.window.start,
                "end": each.window.end,
                "complete": each.standing.complete,
                "failed": each.standing.failed,
                "waiting": each.standing.waiting,
                "windows": each.windows,
                "calls": each.calls,
                "seconds": round(each.seconds, 1),
                "notices": each.notices,
            }
            for each in previews
        ],
        "outcomes": [asdict(outcome) for outcome in outcomes],
    }


def show_preview(previews: Sequence[Preview]) -> None:
    """Print what reading a range would cost."""
    columns = ["account", "from", "to", "complete", "failed", "waiting", "to read", "calls", "time"]
    output.table(
        "Windows of the range in the ledger, and the cost of reading the rest",
        columns,
        [
            (
                each.account,
                each.window.start,
                each.window.end,
                each.standing.complete,
                each.standing.failed,
                each.standing.waiting,
                each.windows,
                f"about {each.calls}",
                f"about {duration(int(each.seconds) + 1)}",
            )
            for each in previews
        ],
        columns[3:],
    )


def show_list(rows: list[dict[str, Any]], *, one_by_one: bool) -> None:
    """Print backfills one by one, or by request; then what there is to know about them."""
    columns = ["request", "account", "by", "from", "to", "state", "done", "waiting", "failed", "orders", "left"]
    if one_by_one:
        columns.insert(1, "id")
        cells = [_cells(row["request_id"], [row], [str(row["id"])]) for row in rows]
    else:
        cells = [_cells(number, list(group), []) for number, group in groupby(rows, lambda row: row["request_id"])]
    output.table("Backfills" if one_by_one else "Requested backfills", columns, cells, columns[-5:])
    for row in rows:
        if row["error"]:
            output.error(f"backfill {row['id']} of {row['account']}: {row['error']}")
        elif row["notice"] and one_by_one:
            output.info(f"backfill {row['id']} of {row['account']}: {row['notice']}")
    if not one_by_one:
        output.info("`backfill list --request N` shows its accounts, `backfill cancel --request N` ends it")


def _cells(number: int, rows: list[dict[str, Any]], ids: list[str]) -> list[object]:
    """One line for a request. Its states with how many accounts are in each, its sums, the longest estimate."""
    first, left = rows[0], [row["seconds_left"] for row in rows if row["seconds_left"] is not None]
    states = Counter(row["progress"] for row in rows)
    return [
        str(number),
        *ids,
        first["account"] if len(rows) == 1 else f"{len(rows)} accounts",
        first["feed"],
        first["starts_at"],
        first["ends_at"],
        first["progress"] if len(rows) == 1 else ", ".join(f"{count} {state}" for state, count in states.items()),
        *(sum(row[name] for row in rows) for name in SUMS),
        duration(max(left)) if left else "",
    ]
