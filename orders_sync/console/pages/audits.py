"""Audits: the platform's own counts against the tables; run one, repair, acknowledge."""

from __future__ import annotations

from starlette.responses import Response

from orders_sync.console import fields
from orders_sync.console.pages import action, page
from orders_sync.console.visit import Visit
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.engine.actions import audits as actions
from orders_sync.store import audit_reports, pauses, requests
from orders_sync.store.console import account_names

PAGE = 50
MOST_DIFFERENCES = 200
MOST_IDS = 100  # of one difference


async def show(visit: Visit) -> Response:
    """Show the newest audits, of one shop or all, and those with open differences alone."""
    async with visit.reading() as connection:
        accounts = await account_names.read(connection)
        paused = await pauses.read(connection)
        audits = await audit_reports.listed(
            connection,
            visit.query.get("account") or None,
            PAGE + 1,
            only_open=bool(visit.query.get("open")),
            before=fields.number(visit.query.get("before")),
        )
        asked = await requests.audits_asked(connection, visit.query.get("account") or None)
    after = audits[PAGE - 1] if len(audits) > PAGE else None
    return visit.render("audits.html", accounts=accounts, pauses=paused, audits=audits[:PAGE], asked=asked, after=after)


async def show_one(visit: Visit) -> Response:
    """Show one audit with every range that differed."""
    number = _number(visit)
    async with visit.reading() as connection:
        found = await audit_reports.report(connection, number, MOST_DIFFERENCES + 1)
    if found is None:
        raise NotFoundError(visit._("There is no audit %(number)s.", number=number))
    audit, differences = found
    return visit.render(
        "audit.html",
        audit=audit,
        differences=differences[:MOST_DIFFERENCES],
        has_more=len(differences) > MOST_DIFFERENCES,
        most_ids=MOST_IDS,
    )


async def run(visit: Visit) -> Response:
    """Have the running service audit a shop."""
    account = visit.form.get("account", "")
    if not account:
        raise UsageError(visit._("Choose a shop."), argument="account")
    start, end = fields.days(visit.form, visit.words)
    async with visit.acting() as connection:
        await actions.request(connection, visit.actor, account, start, end, repair=bool(visit.form.get("repair")))
    return visit.go("/audits", visit._("The audit of %(name)s begins in a moment.", name=account), account=account)


async def repair(visit: Visit) -> Response:
    """Have the running service read what an audit found missing."""
    number = _number(visit)
    async with visit.acting() as connection:
        await actions.repair(connection, visit.actor, number)
    return visit.go(f"/audits/{number}", visit._("The running service reads what is missing."))


async def acknowledge(visit: Visit) -> Response:
    """Acknowledge the open differences of an audit."""
    number, because = _number(visit), visit.form.get("because", "")
    async with visit.acting() as connection:
        count = await actions.acknowledge(connection, visit.actor, number, because[:1000])
    return visit.go(f"/audits/{number}", visit._("Acknowledged: %(count)s.", count=count))


def _number(visit: Visit) -> int:
    text: str = visit.request.path_params["number"]
    number = fields.number(text)
    if number is None:
        raise NotFoundError(visit._("There is no audit %(number)s.", number=text))
    return number


PAGES = [
    page("/audits", show, form="/audits"),
    action("/audits/run", run, form="/audits"),
    page("/audits/{number}", show_one),
    action("/audits/{number}/repair", repair, form="/audits/{number}"),
    action("/audits/{number}/acknowledge", acknowledge, form="/audits/{number}"),
]
