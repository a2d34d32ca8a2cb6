"""Backfills: a plan of what would be read, its start exactly as it was shown, progress, cancel, and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from starlette.responses import Response, StreamingResponse

from orders_sync.console import fields, rendering, window_words
from orders_sync.console.pages import action, page
from orders_sync.console.visit import Visit
from orders_sync.console.words import days
from orders_sync.domain import pasted
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.ledger import BackfillState
from orders_sync.domain.windows import Feed, Window, whole_second
from orders_sync.engine import backfill, order_fetch
from orders_sync.engine.actions import backfills as actions
from orders_sync.engine.backfill import BackfillPreview
from orders_sync.engine.sources import AccountSource
from orders_sync.store import backfills, pauses
from orders_sync.store.console import backfill_facts
from orders_sync.store.console.backfill_facts import AskedOrder
from orders_sync.store.database import Connection

REQUESTS = 30  # of the list
MOST_ACCOUNTS = 500
WATCH_SECONDS = 1.0  # between two looks at a running request
WATCHED_FOR = 600  # looks; then the page asks again
SUMS = ("done", "waiting", "failed", "cancelled", "beyond", "orders", "new", "changed", "numbers", "calls")
MOST_NAMED = 20  # shops in a sentence
MOST_ORDERS = 100  # of a request that are named
LIVE = {"x-accel-buffering": "no"}  # nginx must not keep events back
OPEN = (BackfillState.REQUESTED, BackfillState.PLANNED)
READING = "reading"  # progress: what was in flight when it was cancelled is read to its end


async def show(visit: Visit) -> Response:
    """Show the newest requests, and a form for another one."""
    async with visit.reading() as connection:
        rows = await backfills.listed(connection, limit=REQUESTS)
        requests = [_sum(list(each)) for _, each in groupby(rows, key=lambda row: row["request_id"])][::-1]
        people = await backfill_facts.who_asked(connection, {each["number"]: each["requested_at"] for each in requests})
        paused = await pauses.read(connection)
    return visit.render(
        "backfills.html",
        requests=requests,
        people=people,
        names=_names(visit),
        by_change=_by_change(visit),
        pauses=paused,
        shown=None,
        **HELPERS,
    )


async def preview(visit: Visit) -> Response:
    """Show what a backfill would read. The plan is kept for an hour. In the URL, `by=created`: days of placing."""
    chosen = list(dict.fromkeys(visit.request.query_params.getlist("account")))
    window = _window(visit)
    sources = _sources(visit, chosen)
    by = Feed.CREATED if visit.query.get("by") == Feed.CREATED else None
    async with visit.planning() as connection:
        shown = await backfill.preview(
            connection, sources, window, by, datetime.now(UTC), everything=bool(visit.query.get("everything"))
        )
        not_read = await backfill_facts.not_read(connection, chosen)
        paused = await pauses.read(connection)
    return visit.render(
        "backfills.html",
        requests=None,
        names=_names(visit),
        pauses=paused,
        by_change=_by_change(visit),
        shown=shown,
        windows=_windows(shown),
        not_read=not_read,
        **HELPERS,
    )


async def preview_orders(visit: Visit) -> Response:
    """Show what reading orders by their numbers would take. The plan is kept for an hour."""
    text = visit.query.get("numbers", "")
    async with visit.planning() as connection:
        shown = await order_fetch.preview(connection, visit.site.sources, [text], datetime.now(UTC))
        not_read = await backfill_facts.not_read(connection, sorted({each.account for each in shown.orders}))
    taken = [each.number for each in shown.orders] + [each.number for each in shown.not_fetched]
    left_out = pasted.left_out(text, taken)
    return visit.render("backfill_orders.html", shown=shown, text=text, not_read=not_read, left_out=left_out)


async def start(visit: Visit) -> Response:
    """Start a plan: exactly what was shown."""
    plan = fields.number(visit.form.get("plan"))
    if plan is None:
        raise UsageError(visit._("Which plan? Preview the backfill again."))
    async with visit.acting() as connection:
        requested = await actions.start(connection, visit.actor, visit.site.sources, plan)
        not_read = await backfill_facts.not_read(connection, requested.accounts)
    text = visit._("The backfill has started.")
    if not_read:
        text = visit._(
            "The backfill waits: %(names)s, paused or suspended, is not read until somebody resumes it.",
            names=visit.words.series(sorted(not_read)),
        )
    return visit.go(f"/backfills/{requested.number}", text)


async def show_one(visit: Visit) -> Response:
    """Show the progress of a request, account by account."""
    number = _number(visit)
    async with visit.reading() as connection:
        rows = await backfills.listed(connection, request_id=number)
        if not rows and (request := await backfills.request_of(connection, number)) is not None:
            return visit.go(f"/backfills/{request}")
        if not rows:
            raise NotFoundError(visit._("There is no backfill %(number)s.", number=number))
        people = await backfill_facts.who_asked(connection, {number: rows[0]["requested_at"]})
        orders = await _orders(connection, number, rows)
        not_read = await backfill_facts.not_read(connection, [row["account"] for row in rows])
    by = people.get(number, rows[0]["requested_by"])
    return visit.render("backfill.html", **_one(number, rows), by=by, orders=orders, not_read=not_read, **HELPERS)


async def watch(visit: Visit) -> Response:
    """Send the progress of a request as server-sent events, until it is over."""
    return StreamingResponse(_events(visit, _number(visit)), media_type="text/event-stream", headers=LIVE)


async def cancel(visit: Visit) -> Response:
    """Cancel what is open of a request."""
    number = _number(visit)
    async with visit.acting() as connection:
        cancelled = await actions.cancel(connection, visit.actor, number, whole_request=True)
    names = cancelled.accounts[:MOST_NAMED] + ["…"] * (len(cancelled.accounts) > MOST_NAMED)
    text = visit._(
        "Stopped: %(names)s. What is being read just now is read to its end.", names=visit.words.series(names)
    )
    return visit.go(f"/backfills/{number}", text)


async def _events(visit: Visit, number: int) -> AsyncIterator[str]:
    last = ""
    for _ in range(WATCHED_FOR):
        async with visit.reading() as connection:
            rows = await backfills.listed(connection, request_id=number)
            orders = await _orders(connection, number, rows)
        values = {"visit": visit, "url": visit.url, **_one(number, rows), "orders": orders, **HELPERS}
        part = rendering.page("backfill_progress.html", visit.words, values)
        if part != last:
            last = part
            yield "event: part\n" + "".join(f"data: {line}\n" for line in part.splitlines()) + "\n"
        if values["is_over"]:
            yield "event: end\ndata: over\n\n"
            return
        await asyncio.sleep(WATCH_SECONDS)


async def _orders(connection: Connection, number: int, rows: Sequence[dict[str, Any]]) -> list[AskedOrder]:
    """Return the orders of a request by numbers, with what came of each."""
    if not any(row["numbers"] for row in rows):
        return []
    return await backfill_facts.asked_orders(connection, number, rows[0]["requested_at"], MOST_ORDERS)


def _one(number: int, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    total = _sum(rows)
    rest, everything = actions.unfinished(rows)
    return {
        "number": number,
        "rows": rows,
        "sum": total,
        "is_open": any(row["state"] in OPEN for row in rows),
        "is_over": not any(row["state"] in OPEN or row["progress"] == READING for row in rows),
        "is_complete": bool(rows) and set(total["states"]) == {BackfillState.DONE} and not total["beyond"],
        "again": {
            "accounts": [row["account"] for row in rest],
            "everything": everything,
            "by": Feed.CREATED if all(row["feed"] == Feed.CREATED for row in rest) else None,
        },
        "written": fields.written(total["starts_at"], total["ends_at"]) if rows else {},
    }


def _sum(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a request in one line: its states with how many accounts are in each, its sums, the longest estimate."""
    if not rows:
        return {}
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in SUMS}
    windows = total["done"] + total["waiting"] + total["failed"] + total["cancelled"]
    left = [row["seconds_left"] for row in rows if row["seconds_left"] is not None]
    return {
        **rows[0],
        **total,
        "number": rows[0]["request_id"],
        "accounts": [row["account"] for row in rows],
        "accounts_by_feed": {
            feed: [row["account"] for row in rows if row["feed"] == feed]
            for feed in sorted({row["feed"] for row in rows})
        },
        "states": Counter(row["progress"] for row in rows),
        "seconds_left": max(left) if left else None,
        "windows": windows,
        "share": total["done"] / max(1, windows),
    }


HELPERS: dict[str, Any] = {"days": days, "fetched": window_words.FETCHED, "feeds": window_words.ASKED}


def _names(visit: Visit) -> list[str]:
    return sorted(each.account.name for each in visit.site.sources)[:MOST_ACCOUNTS]


def _by_change(visit: Visit) -> list[str]:
    """Return the shops whose own list goes by the time of change."""
    return sorted(each.account.name for each in visit.site.sources if each.platform.feed is Feed.UPDATED)


def _sources(visit: Visit, chosen: Sequence[str]) -> list[AccountSource]:
    known = {each.account.name: each for each in visit.site.sources}
    if not chosen:
        raise UsageError(visit._("Choose at least one shop."), argument="account")
    if gone := [name for name in chosen if name not in known]:
        raise NotFoundError(
            visit._("Not in the settings, or misconfigured: %(names)s.", names=visit.words.series(gone))
        )
    return [known[name] for name in chosen]


def _window(visit: Visit) -> Window:
    """Return the range of the form: days, or times to the second; the last day is included."""
    now = whole_second(datetime.now(UTC))
    start, end = fields.days(visit.query, visit.words)
    if start is None:
        raise UsageError(visit._("From which day?"), argument="from")
    end = min(end or now, now)
    if start >= end:
        raise UsageError(visit._("The range is empty, or lies in the future."), argument="from")
    return Window(start, end)


def _windows(shown: BackfillPreview) -> list[tuple[str, str, Window]]:
    """Return the ranges that are not complete, of every account."""
    return [
        (each.account, kind, window)
        for each in shown.previews
        for kind, windows in each.state.by_kind().items()
        if kind != "complete"
        for window in windows
    ]


def _number(visit: Visit) -> int:
    text: str = visit.request.path_params["number"]
    number = fields.number(text)
    if number is None:
        raise NotFoundError(visit._("There is no backfill %(number)s.", number=text))
    return number


PAGES = [
    page("/backfills", show),
    page("/backfills/new", preview, form="/backfills"),
    page("/backfills/orders", preview_orders, form="/backfills"),
    action("/backfills/start", start, form="/backfills/new"),
    action("/backfills/orders/start", start, form="/backfills/orders"),
    page("/backfills/{number}", show_one),
    page("/backfills/{number}/events", watch),
    action("/backfills/{number}/cancel", cancel, form="/backfills/{number}"),
]
