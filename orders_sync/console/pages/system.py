"""The system: processes, queues, database, disk, versions, people."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

from starlette.responses import Response

from orders_sync.console.pages import page
from orders_sync.console.visit import Visit
from orders_sync.store import console_access, overview, schema
from orders_sync.store.console import backfill_facts, system


async def show(visit: Visit) -> Response:
    """Show the state of the service and its database."""
    home = visit.site.settings.home
    async with visit.reading() as connection:
        found = await system.read(connection)
        processes = await overview.read_processes(connection)
        revision = await schema.revision_of(connection)
        unread = await backfill_facts.waiting_unread(connection)
    async with visit.site.working() as connection:  # no role that reads may read people
        people = await console_access.people(connection)
    disk = await asyncio.to_thread(system.disk, home) if home else None
    return visit.render(
        "system.html",
        system=found,
        processes=processes,
        unread=unread,
        revision=revision,
        version=version("orders-sync"),
        people=people,
        disk=disk,
    )


PAGES = [page("/system", show)]
