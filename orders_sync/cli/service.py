"""`orders-sync run`, `scheduler`, `worker`, `console`: what is left running."""

from __future__ import annotations

from typing import Annotated

import typer

from orders_sync.cli import context
from orders_sync.service import logs
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.service.redaction import collect_secrets
from orders_sync.service.web import listening_socket
from orders_sync.settings import Settings

Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="ADDRESS:PORT",
        help="Address to listen on. [default: [service] listen of the settings]",
        show_default=False,
    ),
]
ListenIf = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="ADDRESS:PORT", help="Serve health and metrics at this address.", show_default=False
    ),
]


def run(listen: Listen = None, config: context.Config = None) -> None:
    """Keep all accounts current: scheduler, worker and HTTP server in one process. Stops within 10 s of SIGTERM."""
    settings = context.load_with_secrets(config)
    _run(settings, listen or settings.service.listen, schedules=True, works=True, hooks=True)


def scheduler(listen: ListenIf = None, config: context.Config = None) -> None:
    """Run only the scheduler, which plans work for workers elsewhere. Any number may run."""
    _run(context.load_with_secrets(config), listen, schedules=True)


def worker(listen: ListenIf = None, config: context.Config = None) -> None:
    """Run only a worker, which reads what is planned. Any number may run, on any number of machines."""
    _run(context.load_with_secrets(config), listen, works=True)


def console(listen: Listen = None, config: context.Config = None) -> None:
    """Run only the HTTP server: platform messages, health and metrics. Any number may run."""
    settings = context.load_with_secrets(config)
    _run(settings, listen or settings.service.listen, hooks=True)


def _run(settings: Settings, listen: str | None, **parts: bool) -> None:
    """`parts`: as `Components` has them."""
    sources = context.sources(settings)
    web = listening_socket(listen) if listen else None
    logs.configure(settings.log, collect_secrets(settings))
    logs.catch_unhandled()
    limits, http = context.limits(settings), context.http_client(settings)
    with context.hosted(settings) as host:
        context.refuse_demo(settings, host.url)
        context.settle(settings, host.url)
        service = Service(host.url, settings, sources, limits, http, Components(web=web, **parts), host.revive)
        context.run(service.run())
