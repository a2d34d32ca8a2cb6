"""`orders-sync order`: everything known of orders by any of their numbers, or why they are not here."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from msgspec import structs

from orders_sync.cli import actor, databases, options, output, user_settings
from orders_sync.cli.databases import Host
from orders_sync.domain import pasted, typed_times
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.local_times import stamp
from orders_sync.domain.windows import Window
from orders_sync.engine import order_answer, service_status
from orders_sync.engine.actions import orders
from orders_sync.engine.order_answer import Absent, Answer, FoundOrder
from orders_sync.engine.remarks import KnownAccounts, Remark
from orders_sync.settings import Settings
from orders_sync.store import order_lookup, overview
from orders_sync.store.database import Connection, Session
from orders_sync.store.order_numbers import Match, OrderKey
from orders_sync.store.order_traces import StatusName

STDIN = "-"
INTERNAL = {"changed_xid"}  # for the change feed, and of no use to a person
REBUILT = "rows were missing, rebuilt"  # a version without changes that is not the first sight of the order
COLUMNS = {
    "sub_orders": ("line_no", "sub_order_id", "status", "refund_status", "amount", "removed_at"),
    "product_items": (
        "sub_order_id",
        "product_id",
        "sku_id",
        "title",
        "sku_text",
        "quantity",
        "unit_price",
        "amount",
    ),
    "order_parcels": ("parcel_id", "tracking_no", "carrier_name", "status", "delivered_at"),
    "history": ("seen_at", "status", "refund_status", "total_amount", "modified_at", "changed"),
}


def order(
    numbers: Annotated[
        list[str],
        typer.Argument(
            metavar="NUMBER...",
            help="Order id or number, the seller's own number, a purchase's, line's, parcel's, tracking, refund or "
            "payment number, as pasted; several at once. - reads them from standard input.",
        ),
    ],
    persons: Annotated[
        bool, typer.Option("--persons", help="Show the persons of each order too, which is recorded.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the payload exactly as received.")] = False,
    account: options.Accounts = None,
    placed: Annotated[
        str | None,
        typer.Option(
            "--placed", metavar="DATE", help="When it was placed: says why it is not here.", show_default=False
        ),
    ] = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Show orders with their lines, products, parcels and history; or why they are not here and what to do.

    Exit code 0 when every number was found, 6 when one was not.
    """
    when = None if placed is None else _placed(placed)
    texts = [sys.stdin.read() if text == STDIN else text for text in numbers]
    settings = user_settings.load(config)
    with databases.opened(settings) as host, host.session() as connection:
        known = _known(settings, connection, account)
        meant, matches = order_answer.find(connection, texts)
        _check(meant)
        others = {}
        if account:
            names = order_lookup.accounts(connection, [match.key for match in matches])
            others = {
                match.number: names[match.key]
                for match in matches
                if match.key in names and names[match.key] not in account
            }
            matches = [match for match in matches if names.get(match.key) in {None, *account}]
        if raw:
            _print_raw(connection, meant, matches, account)
            return
        answer = order_answer.answer(connection, meant, matches, known, when, others)
        of_orders = _personal_data(host, answer) if persons else {}
    if json:
        found = [_plain(each) | ({"persons": of_orders[each.key]} if persons else {}) for each in answer.found]
        output.print_json([*found, *map(_plain_absent, answer.absent)])
    else:
        _show_answer(answer)
        for key, rows in of_orders.items():
            output.out().print()
            output.table(f"Persons of order {key.order_id}", ["column", "value"], list(rows.items()))
    if answer.absent:
        raise NotFoundError(_nothing_has([each.number for each in answer.absent], account))


def _personal_data(host: Host, answer: Answer) -> dict[OrderKey, dict[str, Any]]:
    """Return the personal data of each order, once it is recorded that they were asked for."""

    async def ask(connection: Connection) -> dict[OrderKey, dict[str, Any]]:
        who = actor.current()
        return {each.key: await orders.reveal_personal_data(connection, who, each.key) for each in answer.found}

    return host.ask(ask)


def _placed(text: str) -> Window:
    """Return the day that is meant, or the second."""
    text = typed_times.written_out(text)
    start = options.moment(text, "--placed")
    return Window(start, typed_times.end_of(text, start))


def _known(settings: Settings, connection: Session, names: list[str] | None) -> KnownAccounts:
    """Raise `NotFoundError` for an account that the tables do not know."""
    accounts = overview.accounts(connection)
    for name in names or []:
        if name not in {each.name for each in accounts}:
            raise NotFoundError(f"no account is named {name}: `orders-sync accounts list` shows every account")
    chosen = [each for each in accounts if not names or each.name in names]
    return KnownAccounts(chosen, service_status.assess_all(settings, chosen, []))


def _check(numbers: list[str]) -> None:
    if not numbers:
        raise UsageError("there is no number in what was given: `orders-sync order NUMBER`")
    if len(numbers) > pasted.MOST:
        raise UsageError(f"{len(numbers)} numbers at once; {pasted.MOST} at most: ask for fewer")


def _nothing_has(numbers: list[str], accounts: list[str] | None) -> str:
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    those = f"the number {numbers[0]}" if len(numbers) == 1 else f"these numbers: {', '.join(numbers[:5])}{more}"
    of = f" of {', '.join(accounts)}" if accounts else ""
    return f"no order, line, parcel, refund or payment{of} has {those}. `orders-sync status` shows what is synced"


def _print_raw(connection: Session, numbers: list[str], matches: list[Match], accounts: list[str] | None) -> None:
    gone = []
    for key in dict.fromkeys(match.key for match in matches):
        payload = order_lookup.payload(connection, key)
        if payload is None:
            gone.append(f"{key.order_id} on {key.platform}")
        else:
            output.print_payload(payload)
    if gone:
        raise NotFoundError(
            f"the payload of {', '.join(gone)} was removed by [retention] raw. Its values are in the tables: omit --raw"
        )
    stored = {match.number for match in matches}
    if absent := [number for number in numbers if number not in stored]:
        raise NotFoundError(_nothing_has(absent, accounts))


def _plain(found: FoundOrder) -> dict[str, Any]:
    name = found.status_name
    return {
        "matches": [{"number": each.number, "fields": each.fields} for each in found.matches],
        **found.rows,
        "status_name": None if name is None else {"zh": name.zh, "en": name.en},
        "asked_at": found.last_read_at,
        "read_to": found.read_to,
        **_plain_traces(found),
    }


def _plain_absent(absent: Absent) -> dict[str, Any]:
    return {
        "matches": [{"number": absent.number, "fields": []}],
        "order": None,
        **_plain_traces(absent),
    }


def _plain_traces(about: FoundOrder | Absent) -> dict[str, Any]:
    return {
        "rejects": [structs.asdict(each) for each in about.rejects],
        "messages": [structs.asdict(each) for each in about.messages],
        "remarks": [asdict(each) for each in about.remarks],
    }


def _show_answer(answer: Answer) -> None:
    for number, found in enumerate(answer.found):
        if number:
            output.out().print()
        _show(found)
    for absent in answer.absent:
        output.say(f"{absent.number}: {f'here, of {absent.kept_by}' if absent.kept_by else 'not here'}")
        for remark in absent.remarks:
            output.say(f"{remark.text}{_next(remark)}", ("-", ""))


def _next(remark: Remark) -> str:
    return f": `{remark.command}`" if remark.command else ""


def _show(found: FoundOrder) -> None:
    head = found.rows["order"]
    shown = {**head, "status": _status(head["status"], found.status_name)}
    shown |= {"asked for at": found.last_read_at, "account read to": found.read_to}
    output.table(
        f"Order {head['order_id']} on {head['platform']}",
        ["column", "value"],
        [(name, value) for name, value in shown.items() if value is not None and name not in INTERNAL],
    )
    for remark in found.remarks:
        output.info(f"{remark.text}{_next(remark)}")
    for message in found.messages[:1]:
        output.info(f"last message of the platform about it: {stamp(message.received_at)}: {message.outcome}")
    for part, columns in COLUMNS.items():
        if rows := found.rows[part]:
            output.out().print()
            output.table(part, columns, [[_cell(part, column, row, found) for column in columns] for row in rows])


def _cell(part: str, column: str, row: dict[str, Any], found: FoundOrder) -> object:
    value = row[column]
    if part == "history" and column == "changed" and value is None and row is not found.rows[part][0]:
        return REBUILT
    if part == "sub_orders" and column == "status" and (name := found.status_names.get(value)):
        return f"{value} ({name.zh})"
    return value


def _status(status: str, name: StatusName | None) -> str:
    return f"{status} ({name.zh}, {name.en})" if name else f"{status} (not a documented status of the platform)"
