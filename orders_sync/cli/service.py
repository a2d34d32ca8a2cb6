"""`orders-sync run`, `scheduler`, `worker`, and the processes of `console`: what is left running."""

from __future__ import annotations

import os
import socket
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import typer

from orders_sync.cli import (
    account_selection,
    actor,
    console_people,
    databases,
    event_loop,
    options,
    output,
    signals,
    user_settings,
)
from orders_sync.cli.databases import Host
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import AddressError, SchemaVersionError
from orders_sync.service import logs
from orders_sync.service.app import Service
from orders_sync.service.components import Components
from orders_sync.service.redaction import collect_secrets
from orders_sync.service.reload import Configuration, Reload
from orders_sync.service.web import listening_socket
from orders_sync.settings import Settings
from orders_sync.store import activity, schema

log = structlog.get_logger(__name__)

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


Console = Annotated[
    str | None,
    typer.Option(
        "--console",
        metavar="ADDRESS:PORT|off",
        help="Address of the web page. [default: [console] listen of the settings]",
        show_default=False,
    ),
]


def run(listen: Listen = None, console: Console = None, config: options.Config = None) -> None:
    """Keep all accounts current: scheduler, worker, HTTP server and console. Stops within 10 s of SIGTERM.

    SIGHUP reads the settings again.
    """
    _run(config, listen, console, schedules=True, works=True, hooks=True)


def scheduler(listen: ListenIf = None, config: options.Config = None) -> None:
    """Run only the scheduler, which plans work for workers elsewhere. Any number may run.

    SIGHUP reads the settings again.
    """
    _run(config, listen, schedules=True)


def worker(listen: ListenIf = None, config: options.Config = None) -> None:
    """Run only a worker, which reads what is planned. Any number may run, on any number of machines.

    SIGHUP reads the settings again.
    """
    _run(config, listen, works=True)


def serve_console(listen: str | None, console: str | None, config: Path | None) -> None:
    """Run only the HTTP server and the console. Raises `AddressError` where the console's address is taken."""
    _run(config, listen, console, must_show=True, hooks=True)


def _run(
    config: Path | None, listen: str | None, console: str | None = "off", *, must_show: bool = False, **parts: bool
) -> None:
    """Run until a signal, with other settings each time they are read again.

    `must_show`: an address of the console that is taken is an error; else only that is logged, and orders go on.
    `parts`: as `Components` has them.
    """
    first = _configuration(config)
    if parts.get("hooks"):
        listen = listen or first.settings.service.listen
    web = listening_socket(listen) if listen else None
    console_socket = _console_socket(console or first.settings.console.listen, must_show)
    secrets = collect_secrets(first.settings)
    logs.configure(first.settings.log, secrets)
    logs.catch_unhandled()
    configuration: Configuration | None = first
    reload = Reload(lambda: _reloaded(config, host, configuration or first))
    with signals.reloading(reload.request), databases.hosted(first.settings, _waiting) as host:
        with host.session() as session:
            databases.refuse_demo(first.settings, session)
            for remark in databases.remarks(session):
                log.warning("the database lacks what readers use; orders are read all the same", advice=remark)
        if console_socket:
            console_people.welcome(host, first.settings, console_socket)
        while configuration is not None:
            secrets |= collect_secrets(configuration.settings)
            logs.configure(configuration.settings.log, secrets)
            _register(host, configuration.settings)
            host.close()
            components = Components(
                web=web.dup() if web else None, console=console_socket.dup() if console_socket else None, **parts
            )
            service = Service(
                host.url,
                configuration.settings,
                configuration.sources,
                configuration.limits,
                configuration.http,
                components,
                host.revive,
                reload,
                partial(_register, host, configuration.settings, renames=False),
            )
            configuration = event_loop.run(service.run())


def _console_socket(listen: str, must_show: bool) -> socket.socket | None:
    """Return the listening socket of the console; None where it is off or another process has the address."""
    if listen == "off":
        return None
    try:
        return listening_socket(listen, "--console or [console] listen")
    except AddressError as error:
        if must_show:
            raise
        output.info(f"no console: {error}")
        return None


def _waiting(text: str) -> None:
    log.info("waiting for the embedded database", reason=text)


def _register(host: Host, settings: Settings, *, renames: bool = True) -> None:
    with host.session() as session:
        account_selection.register(settings, session, _changed, renames=renames)


def _changed(text: str) -> None:
    log.info("accounts of the settings changed", change=text)


def _configuration(config: options.Config) -> Configuration:
    settings = user_settings.load_with_secrets(config, warns=False)  # they are logged
    return Configuration(
        settings,
        account_selection.sources(settings),
        user_settings.limits(settings),
        user_settings.http_client(settings),
    )


def _reloaded(config: options.Config, host: Host, before: Configuration) -> Configuration:
    """Read the settings again, and record that this process uses them, with the accounts that came, went and changed.

    Raises `DatabaseError` where nothing can start with them: in an outage, say.
    """
    configuration = _configuration(config)
    with host.session() as session:
        if difference := schema.difference(session):
            raise SchemaVersionError(difference)
        which = f"process {os.getpid()} on {socket.gethostname()}"
        old, new = ({each.name: each for each in its.settings.accounts} for its in (before, configuration))
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        pairs = {"added": new.keys() - old.keys(), "removed": old.keys() - new.keys(), "changed": changed}
        details = {key: sorted(names) for key, names in pairs.items() if names}
        activity.record_blocking(session, actor.current(), Action.SETTINGS_RELOAD, subject=which, details=details)
    return configuration
