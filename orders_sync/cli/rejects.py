"""`orders-sync rejects`: records that could not be converted into orders: list, replay, ignore or drop them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from orders_sync.cli import actor, databases, options, output, prompt, reject_tables, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.cli.progress import bars
from orders_sync.domain.activity import Actor
from orders_sync.domain.display import visible
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.reject_reasons import UNSETTLED, RejectReason, RejectState
from orders_sync.engine.actions import rejects as actions
from orders_sync.engine.replay import Replayed
from orders_sync.store import reject_lists
from orders_sync.store import rejects as store
from orders_sync.store.database import Connection
from orders_sync.store.reject_lists import Chosen, ReasonGroup

OPEN, IGNORED = (RejectState.OPEN,), (RejectState.IGNORED,)
MOST = 50  # rejects of `list --ids` where --limit says nothing else

app = typer.Typer(
    help="List, show, replay, ignore and delete records that could not be converted into orders.", no_args_is_help=True
)

Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", show_default=False)]
Reason = Annotated[RejectReason | None, typer.Option("--reason", help="Only of this reason.", show_default=False)]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All of them, or all of --reason and --account.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@app.command("list")
def list_(
    account: options.Account = None,
    reason: Reason = None,
    ids: Annotated[bool, typer.Option("--ids", help="One by one, each with its number.")] = False,
    ignored: Annotated[bool, typer.Option("--ignored", help="Only ignored ones.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Also ignored and settled ones.")] = False,
    limit: Limit = None,
    groups: Annotated[bool, typer.Option("--groups", help="With --json: by reason, as on the screen.")] = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """List open rejects by reason, with an example of each; with --ids one by one.

    With --json one by one unless --groups is given.
    """
    states = tuple(RejectState) if all_ else IGNORED if ignored else OPEN
    chosen = Chosen(None, reason, account, states)
    one_by_one = not groups if json else ids
    most = limit or (None if json else MOST)

    async def ask(connection: Connection) -> tuple[list[ReasonGroup], list[dict[str, Any]], int]:
        found = [] if json and one_by_one else await reject_lists.groups(connection, chosen)
        rows = await reject_lists.listed(connection, chosen, most) if one_by_one else []
        return found, rows, await reject_lists.ignored(connection, account)

    found, rows, ignored_now = databases.ask(user_settings.load(config), ask)
    if json:
        output.print_json(rows if one_by_one else list(map(reject_tables.plain, found)))
        return
    if not found:
        of = f" of {account}" if account else ""
        output.info(f"no {'' if all_ else f'{states[0]} '}rejects{of}")
    elif one_by_one:
        reject_tables.show_rows(rows, sum(each.records for each in found), all_)
    else:
        reject_tables.show_groups(found[:limit], all_, only_ignored=ignored and not all_)
    if ignored_now and not (ignored or all_):
        output.info(f"{ignored_now:,} more are ignored: `orders-sync rejects list --ignored`")


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID")], config: options.Config = None, json: options.Json = False
) -> None:
    r"""Show a reject and the record as received; bytes that are not text as \xNN."""

    async def ask(connection: Connection) -> dict[str, Any] | None:
        return await store.whole(connection, number)

    found = databases.ask(user_settings.load(config), ask)
    if found is None:
        raise _unknown([number])
    text = found["payload"].decode("utf-8", "backslashreplace")
    found |= {"payload_hash": found["payload_hash"].hex(), "payload": text}
    if json:
        output.print_json(found)
        return
    output.table(
        f"Reject {number}",
        ["column", "value"],
        [(name, _shown(value)) for name, value in found.items() if name != "payload" and value is not None],
    )
    output.out().print()
    print(visible(text, keep="\n\t"))


@app.command()
def replay(
    numbers: Ids = None,
    account: options.Account = None,
    reason: Reason = None,
    all_: Annotated[bool, typer.Option("--all", help="Also ignored ones.")] = False,
    limit: Limit = None,
    at_most: Annotated[
        int | None,
        typer.Option("--at-most", min=0, help="Replay nothing when more than so many match.", show_default=False),
    ] = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Normalize rejects again with this version's code and store those that succeed. Makes no API calls.

    Without ID all that are open, or those of --reason and --account; ignored ones by ID or with --all. Exactly those
    that were counted are replayed, not what is rejected meanwhile. Never replaces a newer version. What is still
    rejected is shown by reason, with --json one by one; the exit code is 1 then.
    """
    _refuse_all_of(numbers, all_)
    states = UNSETTLED if numbers or all_ else OPEN

    async def run(connection: Connection) -> Replayed:
        chosen = await _numbers(connection, numbers, reason, account, states, limit)
        if at_most is not None:
            actions.refuse_more(len(chosen), at_most)
        if not chosen:
            none = "all of these are settled" if numbers or all_ else "none of these is open"
            output.info(f"nothing to replay: {none}")
            return Replayed()
        output.info(f"replaying {_count(chosen)}")
        with bars(["rejects"], unit="replayed") as progress:
            progress.counted("rejects", len(chosen))
            return await actions.replay(connection, actor.current(), chosen, lambda: progress.landed("rejects", 1))

    result = databases.ask(user_settings.load(config), run)
    if json:
        output.print_json(asdict(result))
    else:
        reject_tables.report(result)
    if result.rejected:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def ignore(
    numbers: Ids = None,
    account: options.Account = None,
    reason: Reason = None,
    all_: All = False,
    yes: Yes = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Ignore rejects for good: they are counted as open no more, and the same record stays ignored when it comes again.

    Their records are kept; `rejects unignore` undoes it. Nothing but what was counted is ignored.
    """
    _decide("ignore", "ignored", OPEN, actions.ignore, numbers, account, reason, all_, yes, config, json)


@app.command()
def unignore(
    numbers: Ids = None,
    account: options.Account = None,
    reason: Reason = None,
    all_: All = False,
    yes: Yes = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Open ignored rejects again."""
    _decide("open again", "open", IGNORED, actions.unignore, numbers, account, reason, all_, yes, config, json)


@app.command()
def drop(
    numbers: Ids = None,
    account: options.Account = None,
    reason: Reason = None,
    all_: All = False,
    yes: Yes = False,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Delete rejects permanently. A record that the platform still lists returns when it is read again."""
    states = tuple(RejectState) if numbers else OPEN
    words = "delete, including the records as received,"
    _decide(words, "deleted", states, actions.drop, numbers, account, reason, all_, yes, config, json)


def _decide(
    do: str,
    done: str,
    states: Sequence[RejectState],
    act: Callable[[Connection, Actor, Sequence[int]], Awaitable[int]],
    numbers: list[int] | None,
    account: str | None,
    reason: RejectReason | None,
    all_: bool,
    yes: bool,
    config: options.Config,
    as_json: bool,
) -> None:
    """Count the rejects that are meant, ask, and do it to exactly these."""
    _refuse_all_of(numbers, all_)
    if not (numbers or account or reason or all_):
        raise UsageError("which rejects? Give their IDs, --reason, --account, or --all")

    async def choose(connection: Connection) -> list[int]:
        return await _numbers(connection, numbers, reason, account, states)

    with databases.opened(user_settings.load(config)) as host:
        chosen = host.ask(choose)
        if chosen and not yes:
            prompt.confirm(f"{do[0].upper()}{do[1:]} {_count(chosen)}?")
        count = 0
        if chosen:
            count = host.ask(lambda connection: act(connection, actor.current(), chosen))
    if as_json:
        output.print_json({done.replace(" ", "_"): count, "ids": chosen})
    else:
        output.info(f"{count:,} {done}")


def _refuse_all_of(numbers: list[int] | None, all_: bool) -> None:
    """Raise `UsageError` for --all beside IDs: one of the two is not meant."""
    if numbers and all_:
        raise UsageError("--all goes with no ID: give one of the two")


def _count(chosen: Sequence[int]) -> str:
    return f"reject {chosen[0]}" if len(chosen) == 1 else f"{len(chosen):,} rejects"


async def _numbers(
    connection: Connection,
    numbers: Sequence[int] | None,
    reason: RejectReason | None,
    account: str | None,
    states: Sequence[RejectState],
    limit: int | None = None,
) -> list[int]:
    """Raise `NotFoundError` for a number that no reject has."""
    if numbers:
        unknown = sorted(set(numbers) - set(await store.known_numbers(connection, numbers)))
        if unknown:
            raise _unknown(unknown)
    return await reject_lists.numbers(connection, Chosen(numbers or None, reason, account, states), limit)


def _shown(value: object) -> object:
    """Format a number that is an id, without separators."""
    return str(value) if isinstance(value, int) else value


def _unknown(numbers: Sequence[int]) -> NotFoundError:
    return NotFoundError(
        f"there is no reject {', '.join(map(str, numbers))}; nothing was done. `orders-sync rejects list --all` lists "
        "all of them"
    )
