"""`orders-sync rejects`: records that could not be read as orders: look at them, try them again, drop them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from orders_sync.cli import context, output
from orders_sync.cli.progress import bars
from orders_sync.domain.display import visible
from orders_sync.domain.errors import DatabaseError
from orders_sync.engine import replay as engine
from orders_sync.engine.replay import Replayed
from orders_sync.store import rejects as store
from orders_sync.store.database import Connection

app = typer.Typer(
    help="List, show, replay and delete records that could not be converted into orders.", no_args_is_help=True
)


@app.command("list")
def list_(
    account: context.Account = None,
    all_: Annotated[bool, typer.Option("--all", help="Also list resolved ones.")] = False,
    config: context.Config = None,
    json: context.Json = False,
) -> None:
    """List open rejects with their reasons."""

    async def ask(connection: Connection) -> list[dict[str, Any]]:
        return await store.listed(connection, account, resolved=all_)

    with context.opened(context.load(config)) as url:
        found = context.run(context.ask(url, ask))
    if json:
        output.print_json(found)
        return
    if not found:
        of = f" of {account}" if account else ""
        output.info(f"no open rejects{of}" if not all_ else f"no rejects{of}")
        return
    columns = ["id", "account", "platform", "order_id", "reason", "first seen", "read"]
    columns += ["resolved"] if all_ else []
    output.table(
        "Rejects" if all_ else "Open rejects",
        columns,
        [
            (
                str(row["id"]),
                row["account"],
                row["platform"],
                row["order_id"],
                row["reason"],
                row["rejected_at"],
                row["read_at"],
                *([row["resolved_at"]] if all_ else []),
            )
            for row in found
        ],
    )
    output.info("`orders-sync rejects show ID` shows a record; `rejects replay` retries them with this version's code")


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID")], config: context.Config = None, json: context.Json = False
) -> None:
    r"""Show a reject and the record as received; bytes that are not text as \xNN."""

    async def ask(connection: Connection) -> dict[str, Any] | None:
        return await store.whole(connection, number)

    with context.opened(context.load(config)) as url:
        found = context.run(context.ask(url, ask))
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
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="[default: all open rejects]", show_default=False)
    ] = None,
    account: context.Account = None,
    config: context.Config = None,
    json: context.Json = False,
) -> None:
    """Normalize rejects again with this version's code and store those that succeed. Makes no API calls.

    Never replaces a newer version. Exit code 1 if a record is still rejected.
    """

    async def run(connection: Connection) -> Replayed:
        if numbers:
            await _must_exist(connection, numbers)
        chosen = await store.open_numbers(connection, numbers or None, account)
        result = Replayed()
        if not chosen:
            output.info("nothing to replay: none of these is open")
        with bars(["rejects"], unit="replayed") as progress:
            progress.counted("rejects", len(chosen))
            for number in chosen:
                await engine.replay(connection, number, result)
                progress.landed("rejects", 1)
        return result

    with context.opened(context.load(config)) as url:
        result = context.run(context.ask(url, run))
    if json:
        output.print_json(asdict(result))
    else:
        _report(result)
    if result.rejected:
        raise typer.Exit(1)


@app.command()
def drop(
    numbers: Annotated[list[int], typer.Argument(metavar="ID...")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    config: context.Config = None,
) -> None:
    """Delete rejects permanently. A record that the platform still lists returns when it is read again."""
    with context.opened(context.load(config)) as url:
        context.run(context.ask(url, lambda connection: _must_exist(connection, numbers)))
        if not yes:
            what = f"reject {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} rejects"
            typer.confirm(f"Delete {what}, including the record as received?", abort=True, err=True)
        dropped = context.run(context.ask(url, lambda connection: store.drop(connection, numbers)))
    output.info(f"{dropped} deleted")


def _shown(value: object) -> object:
    """Format a number that is an id, without separators."""
    return str(value) if isinstance(value, int) else value


async def _must_exist(connection: Connection, numbers: Sequence[int]) -> None:
    unknown = sorted(set(numbers) - set(await store.known_numbers(connection, numbers)))
    if unknown:
        raise _unknown(unknown)


def _unknown(numbers: Sequence[int]) -> DatabaseError:
    return DatabaseError(
        f"there is no reject {', '.join(map(str, numbers))}; nothing was done. `orders-sync rejects list --all` lists "
        "all of them"
    )


def _report(result: Replayed) -> None:
    output.say(
        f"{result.landed} stored, {result.older} older than the stored version, {len(result.rejected)} still rejected"
    )
    if result.rejected:
        columns = ["id", "account", "platform", "order_id", "reason"]
        rows = [(str(each.id), each.account, each.platform, each.order_id, each.reason) for each in result.rejected]
        output.table("Still rejected", columns, rows)
