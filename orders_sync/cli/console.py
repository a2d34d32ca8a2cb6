"""`orders-sync console`: the web page, and the people who may log in to it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from orders_sync.cli import actor, databases, options, output, service, user_settings
from orders_sync.cli.console_people import FIRST
from orders_sync.cli.output import info
from orders_sync.console import passwords
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.store import activity, console_access
from orders_sync.store.console_access import Person
from orders_sync.store.database import Connection

LEAST = 12  # characters of a password

Result = TypeVar("Result")

app = typer.Typer(help="The web page for people in operations, and who may log in to it.")

Name = Annotated[str, typer.Argument(help="The name to log in with.", metavar="NAME", show_default=False)]
Act = Annotated[bool, typer.Option("--act", help="May also start, pause, replay and repair.")]
SeePersons = Annotated[
    bool, typer.Option("--see-persons", help="May also see buyers, receivers and payloads, which is recorded.")
]


@app.callback(invoke_without_command=True)
def console(
    command: typer.Context,
    listen: service.Listen = None,
    address: service.Console = None,
    config: options.Config = None,
) -> None:
    """Run only the HTTP server and the console: web page, platform messages, health and metrics. Any number may run.

    SIGHUP reads the settings again.
    """
    if command.invoked_subcommand is None:
        service.serve_console(listen, address, config)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Of whom.", metavar="[NAME]")] = FIRST, config: options.Config = None
) -> None:
    """Make a new token for a person and print it; the old one and all sessions end.

    The first one, before there is anybody, is that of a person with all rights.
    """

    async def renew(connection: Connection) -> str:
        made = passwords.new_token()
        if found := await console_access.find(connection, name):
            await console_access.set_password(connection, found[0], passwords.hashed(made))
            await activity.record(connection, actor.current(), Action.PERSON_PASSWORD, subject=name)
        elif await console_access.add_first(connection, name, passwords.hashed(made)):
            await activity.record(connection, actor.current(), Action.PERSON_ADD, subject=name)
        else:
            raise await _unknown(connection, name)
        return made

    made = databases.ask(user_settings.load(config), _in_one(renew))
    info(f"token of {name}, shown once:")
    print(made)


@app.command()
def password(name: Name, config: options.Config = None) -> None:
    """Set a person's password, typed twice or read as one line from a pipe; all sessions end."""
    written = (_typed() if sys.stdin.isatty() else sys.stdin.readline()).strip()  # as the log-in reads it
    if not LEAST <= len(written) <= passwords.LONGEST:
        raise UsageError(f"the password must have {LEAST} to {passwords.LONGEST} characters")

    async def change(connection: Connection) -> None:
        if not (found := await console_access.find(connection, name)):
            raise await _unknown(connection, name)
        await console_access.set_password(connection, found[0], passwords.hashed(written))
        await activity.record(connection, actor.current(), Action.PERSON_PASSWORD, subject=name)

    databases.ask(user_settings.load(config), _in_one(change))
    info(f"the password of {name} is set")


@app.command()
def add(
    name: Name,
    act: Act = False,
    see_persons: SeePersons = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only a proxy logs this person in.")] = False,
    config: options.Config = None,
) -> None:
    """Add a person, who may look, and print a token; or change the rights of one who is there, with a new token."""
    if not name.strip() or name != name.strip() or len(name) > 100:
        raise UsageError("the name must have 1 to 100 characters, and no white space around it")
    made = None if no_password else passwords.new_token()

    async def put(connection: Connection) -> Person:
        hash_ = passwords.hashed(made) if made else None
        person = await console_access.put(connection, name, hash_, may_act=act, may_see_personal_data=see_persons)
        details = {"may_act": act, "may_see_persons": see_persons}
        await activity.record(connection, actor.current(), Action.PERSON_ADD, subject=name, details=details)
        return person

    person = databases.ask(user_settings.load(config), _in_one(put))
    info(f"{person.name}: {_rights(person)}")
    if made:
        info(f"token of {name}, shown once:")
        print(made)


@app.command()
def remove(name: Name, config: options.Config = None) -> None:
    """Remove a person: sessions end at once."""

    async def take(connection: Connection) -> None:
        if not await console_access.remove(connection, name):
            raise await _unknown(connection, name)
        await activity.record(connection, actor.current(), Action.PERSON_REMOVE, subject=name)

    databases.ask(user_settings.load(config), _in_one(take))
    info(f"{name} may no longer log in")


@app.command("list")
def list_(config: options.Config = None, json: options.Json = False) -> None:
    """List the people who may log in, and what they may do."""
    people = databases.ask(user_settings.load(config), console_access.people)
    if json:
        rows = [{"name": p.name, "may_act": p.may_act, "may_see_persons": p.may_see_personal_data} for p in people]
        output.print_json(rows)
    elif people:
        for each in people:
            print(f"{each.name}: {_rights(each)}")
    else:
        info("nobody may log in yet: `orders-sync console token` adds the first person")


def _in_one(action: Callable[[Connection], Awaitable[Result]]) -> Callable[[Connection], Awaitable[Result]]:
    """Return the action in one transaction with its record."""

    async def work(connection: Connection) -> Result:
        async with connection.transaction():
            return await action(connection)

    return work


def _typed() -> str:
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise UsageError("the two are not equal; nothing was changed")
    return first


def _rights(person: Person) -> str:
    rights = ["may look"]
    if person.may_act:
        rights.append("act")
    if person.may_see_personal_data:
        rights.append("see personal data")
    return ", ".join(rights)


async def _unknown(connection: Connection, name: str) -> NotFoundError:
    known = ", ".join(each.name for each in await console_access.people(connection)) or "none"
    return NotFoundError(
        f"nobody named {name} may log in; known are: {known}. `orders-sync console add {name}` adds one who may look, "
        "with --act and --see-persons one who may do all"
    )
