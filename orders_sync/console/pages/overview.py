"""The overview: one sentence over all shops, what needs somebody, then every shop with trouble on top."""

from __future__ import annotations

from importlib.metadata import version

from starlette.responses import Response

from orders_sync.console.pages import page
from orders_sync.console.visit import Visit
from orders_sync.engine import service_status
from orders_sync.store import overview, schema


async def show(visit: Visit) -> Response:
    """Show the overview."""
    settings = visit.site.settings
    async with visit.reading() as connection:
        accounts = await overview.read_accounts(connection)
        processes = await overview.read_processes(connection)
    paces = {each.name: settings.policy(each) for each in settings.accounts}
    misconfigured = {each.label: str(each) for each in settings.misconfigured}
    verdict = service_status.assess(accounts, processes, paces, settings.sync, settings.service.audit, misconfigured)
    return visit.render(
        "overview.html",
        accounts=accounts,
        verdict=verdict,
        summary=service_status.summary(verdict, version("orders-sync"), schema.HEAD),
    )


PAGES = [page("/", show)]
