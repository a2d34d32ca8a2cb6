"""Export: the rows of a view of schema `bi` as a CSV file or a workbook.

The file is written whole before it is sent, so that a browser never keeps half of one; the command `export` writes the
same rows and more of them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from orders_sync import exports
from orders_sync.console import column_titles, fields
from orders_sync.console.pages import page
from orders_sync.console.view_words import TITLES, VIEWS
from orders_sync.console.visit import Visit
from orders_sync.console.words import later
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import UsageError
from orders_sync.domain.statuses import STATES
from orders_sync.exports import formats, source
from orders_sync.exports.source import PERSONAL_VIEW
from orders_sync.store import activity, bi, pauses
from orders_sync.store.console import account_names
from orders_sync.store.database import Session
from orders_sync.store.order_numbers import MOST_ORDERS

XLSX, CSV_FOR_EXCEL, CSV = "xlsx", "csv-excel", "csv"  # as the URL names them, the one for people first
FORMATS = {XLSX: exports.FORMATS["xlsx"], CSV_FOR_EXCEL: formats.CSV_FOR_EXCEL, CSV: exports.FORMATS["csv"]}
WORDS, NAMES = "words", "names"  # headings of columns, as the URL names them
WITH_WORDS = (XLSX, CSV_FOR_EXCEL)  # formats that people open
TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
LABELS = {XLSX: "XLSX", CSV_FOR_EXCEL: later("CSV for Excel"), CSV: "CSV"}
MOST = {XLSX: 100_000, CSV_FOR_EXCEL: 1_000_000, CSV: 1_000_000}  # rows of a file
STATEMENT_SECONDS = 300

_running = 0
_AT_A_TIME = 2


async def show(visit: Visit) -> Response:
    """Show the views, and a form for a file of one."""
    async with visit.reading() as connection:
        accounts = await account_names.read(connection)
        paused = await pauses.read(connection)
    views = [
        each
        for each in sorted(source.views(), key=_rank)
        if each != PERSONAL_VIEW or visit.person.may_see_personal_data
    ]
    about = {each.name: each.comment for each in bi.definitions()}
    return visit.render(
        "export.html",
        headings={WORDS: later("words"), NAMES: later("names in the database")},
        views=views,
        about={name: VIEWS.get(name, comment) for name, comment in about.items()},
        titles=TITLES,
        accounts=accounts,
        pauses=paused,
        most=MOST,
        labels=LABELS,
        states=STATES,
    )


def _rank(view: str) -> int:
    """Return the place of a view in lists: as `TITLES` names them, others behind."""
    return list(TITLES).index(view) if view in TITLES else len(TITLES)


async def send(visit: Visit) -> Response:
    """Send the rows of a view as a file."""
    view, name = visit.query.get("view", ""), visit.query.get("format", CSV)
    if name not in FORMATS:
        raise UsageError(visit._("There is no such format: CSV or XLSX."), argument="format")
    if view == PERSONAL_VIEW:
        visit.must_see_personal_data()
    format_ = FORMATS[name]
    format_.must_be_installed()
    start, end = fields.days(visit.query, visit.words)
    account = visit.query.get("account", "")
    selection = exports.Selection(
        view,
        start,
        end,
        accounts=(account,) if account else (),
        states=(state,) if (state := fields.state(visit)) else (),
        directions=(direction,) if (direction := fields.direction(visit)) else (),
        orders=_orders(visit),
        titles=column_titles.titles(visit.words) if name in WITH_WORDS and _headings(visit) == WORDS else None,
    )
    file, rows = await _write(visit, selection, format_, MOST[name])
    if selection.reveals_personal_data:
        await _record(visit, selection, file, rows)
    first, last = visit.query.get("from"), visit.query.get("to")
    days = [first, last] if first and last else [f"from_{first}" if first else "", f"to_{last}" if last else ""]
    days = list(dict.fromkeys(days))  # one day stands there once
    orders = "found" if selection.orders else ""
    shown = "_".join(each for each in (view, account, state, direction, orders, *days) if each)
    return FileResponse(
        file,
        media_type=TYPES[format_.name],
        filename=f"{shown}{'_excel' if name == CSV_FOR_EXCEL else ''}.{format_.name}",
        background=BackgroundTask(file.unlink, True),
    )


def _headings(visit: Visit) -> str:
    """Return what heads the columns of a file for people, words unless names are asked for. Raises `UsageError`."""
    asked = visit.query.get("headings") or WORDS
    if asked not in (WORDS, NAMES):
        raise UsageError(visit._("There are no such headings: words or names."), argument="headings")
    return asked


def _orders(visit: Visit) -> tuple[tuple[str, str], ...]:
    """Return the orders that are asked for, each written as platform/id; empty for all. Raises `UsageError`."""
    keys = [text.partition("/")[::2] for text in visit.query.get("orders", "").split()]
    if len(keys) > MOST_ORDERS:
        raise UsageError(visit._("More than %(most)s orders.", most=MOST_ORDERS), argument="orders")
    return tuple(keys)


async def _record(visit: Visit, selection: exports.Selection, file: Path, rows: int) -> None:
    """Record that personal data is exported, before they are sent; a file that cannot be recorded is not sent."""
    details = selection.described | {"rows": rows}
    try:
        async with visit.site.working() as connection:
            await activity.record(connection, visit.actor, Action.PERSONS_EXPORT, details=details)
    except BaseException:
        await asyncio.to_thread(file.unlink, True)
        raise


async def _write(visit: Visit, selection: exports.Selection, format_: exports.Format, most: int) -> tuple[Path, int]:
    """Return the file and how many rows it has.

    Raises `UsageError` where it would be too long, or where others are being written.
    """
    global _running
    if _running >= _AT_A_TIME:
        raise UsageError(visit._("Other files are being written: try again in a minute."))
    check = _bounded(visit, most)
    _running += 1
    try:
        return await visit.site.ask(
            lambda session: _written(session, selection, format_, check),
            personal_data=selection.reveals_personal_data,
            seconds=STATEMENT_SECONDS,
        )
    finally:
        _running -= 1


def _written(
    session: Session, selection: exports.Selection, format_: exports.Format, check: Callable[[int], None]
) -> tuple[Path, int]:
    """Return a file with the rows and how many they are; none is left when anything goes wrong."""
    with tempfile.NamedTemporaryFile(prefix="orders-sync-", suffix=f".{format_.name}", delete=False) as made:
        file = Path(made.name)
    try:
        rows, _ = exports.write(session, selection, file, format_, check)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return file, rows


def _bounded(visit: Visit, most: int) -> Callable[[int], None]:
    def check(rows: int) -> None:
        if rows > most:
            raise UsageError(
                visit._("More than %(most)s rows: choose fewer days or one shop.", most=visit.words.number(most))
            )

    return check


PAGES = [page("/export", show), page("/export/file", send, form="/export")]
