"""`orders-sync run`, `scheduler`, `worker`, `console`: what is left running."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orders_sync.cli import product

if TYPE_CHECKING:
    from orders_sync.service.process import Parts

Listen = Annotated[
    str | None,
    typer.Option("--listen", metavar="ADDRESS:PORT", help="Else [service] listen of the settings.", show_default=False),
]
ListenIf = Annotated[
    str | None,
    typer.Option("--listen", metavar="ADDRESS:PORT", help="Serve health and metrics there.", show_default=False),
]


def run(listen: Listen = None, config: product.Config = None) -> None:
    """Keep everything current: scheduler, worker and the HTTP side in one process. SIGTERM ends it within 10 s."""
    settings = product.load(config)
    from orders_sync.service.process import Parts
    from orders_sync.service.web import bound

    _run(config, Parts(schedules=True, works=True, web=bound(listen or settings.service.listen), hooks=True))


def scheduler(listen: ListenIf = None, config: product.Config = None) -> None:
    """Only the clock: plans what is due for workers elsewhere. Any number may run."""
    from orders_sync.service.process import Parts
    from orders_sync.service.web import bound

    _run(config, Parts(schedules=True, web=bound(listen) if listen else None))


def worker(listen: ListenIf = None, config: product.Config = None) -> None:
    """Only a worker: reads what is planned. Any number may run, on any number of machines."""
    from orders_sync.service.process import Parts
    from orders_sync.service.web import bound

    _run(config, Parts(works=True, web=bound(listen) if listen else None))


def console(listen: Listen = None, config: product.Config = None) -> None:
    """Only the HTTP side: messages of the platforms, health, metrics. Any number may run."""
    settings = product.load(config)
    from orders_sync.service.process import Parts
    from orders_sync.service.web import bound

    _run(config, Parts(web=bound(listen or settings.service.listen), hooks=True))


def _run(config: Path | None, parts: Parts) -> None:
    from orders_sync.service import logs
    from orders_sync.service.hush import secrets_of
    from orders_sync.service.process import Process

    settings = product.load(config)
    feeders = product.feeders(settings)
    logs.configure(settings.log, secrets_of(settings))
    logs.catch_unhandled()
    limits, http = product.limits(settings), product.http_client(settings)
    with product.hosted(settings) as host:
        product.run(Process(host.url, settings, feeders, limits, http, parts, host.revive).run())
