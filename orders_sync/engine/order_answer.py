"""Find an order: return what the tables hold of it, or why they do not hold it, and what to do next.

find     pasted text -> the numbers in it, and the orders that have any of them
answer   each order with its rows and what to know about them; of each other number every reason why it is not here
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from orders_sync.domain import pasted
from orders_sync.domain.windows import Window
from orders_sync.engine import account_remarks, order_remarks
from orders_sync.engine.remarks import KnownAccounts, Remark
from orders_sync.store import order_lookup, order_numbers, order_traces
from orders_sync.store.database import Session
from orders_sync.store.order_numbers import Match, OrderKey
from orders_sync.store.order_traces import MessageTrace, RejectTrace, StatusName

LEAST_SEARCHED = 6  # characters of a number that is looked for in the bytes of records


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order in the tables.

    `rows`: as `order_lookup.everything` returns them. `status_name`: None for a status that is not documented.
    `status_names`: of it, its lines and its history, by status.
    `last_read_at`: when the last read began that would have listed it; `read_to`: up to when its account is read.
    """

    key: OrderKey
    matches: list[Match]
    rows: dict[str, Any]
    status_name: StatusName | None
    status_names: dict[str, StatusName]
    last_read_at: datetime | None
    read_to: datetime | None
    rejects: list[RejectTrace]
    messages: list[MessageTrace]
    remarks: list[Remark]


@dataclass(frozen=True, slots=True)
class Absent:
    """A number that no order has, or none of the accounts that were asked for. `kept_by`: the account that has it."""

    number: str
    remarks: list[Remark]
    rejects: list[RejectTrace] = field(default_factory=list)
    messages: list[MessageTrace] = field(default_factory=list)
    kept_by: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The orders that were found, and the numbers that no order has."""

    found: list[FoundOrder]
    absent: list[Absent]


def find(session: Session, texts: Sequence[str]) -> tuple[list[str], list[Match]]:
    """Return the numbers that are meant by pasted text, and the orders that have any of them."""
    pieces = [pasted.parse(text) for text in texts]
    matches = order_numbers.find(session, [each for piece in pieces for each in piece.candidates])
    meant = pasted.resolve(pieces, {match.number for match in matches})
    return meant, [match for match in matches if match.number in meant]


def answer(
    session: Session,
    numbers: Sequence[str],
    matches: Sequence[Match],
    known: KnownAccounts,
    placed: Window | None = None,
    others: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Return the order of every number, or the reasons why it is not here.

    `placed`: the day or the second in which the order was placed, if known: it is compared with the ranges that were
    read. `others`: by number, the account that has it though it was not asked for.
    """
    keys = list(dict.fromkeys(match.key for match in matches))
    present = order_lookup.accounts(session, keys) if keys else {}
    # lines or parcels without a row of `orders`
    torn = {match.number: match.key for match in matches if match.key not in present}
    stored = {match.number for match in matches if match.key in present}
    found = _found_all(session, [match for match in matches if match.key in present], known)
    unknown = [each for each in numbers if each not in stored | others.keys() | torn.keys()]
    traces = _Traces(session, unknown)
    of_accounts = list(account_remarks.of_accounts(known, placed)) if unknown else []
    absent = [
        Absent(number, [order_remarks.of_other_account(number, others[number])], kept_by=others[number])
        if number in others
        else Absent(number, [order_remarks.of_torn(torn[number])])
        if number in torn
        else _absent(traces, number, known, of_accounts)
        for number in numbers
        if number not in stored
    ]
    return Answer(found, absent)


def _found_all(session: Session, matches: Sequence[Match], known: KnownAccounts) -> list[FoundOrder]:
    """Return every order that was found, in a few statements however many there are."""
    if not matches:
        return []
    of_key: dict[OrderKey, list[Match]] = {}
    for match in matches:
        of_key.setdefault(match.key, []).append(match)
    keys = list(of_key)
    names, last_reads = order_traces.status_names(session), order_traces.last_reads(session, keys)
    everything = order_lookup.everything(session, keys)
    ids = {key: _ids(rows["order"]) for key, rows in everything.items()}
    rejects = order_traces.rejects(session, list({key.order_id for key in everything}))
    messages = order_traces.messages(session, list({each for those in ids.values() for each in those}))
    return [
        _found(
            key,
            of_key[key],
            rows,
            names,
            last_reads.get(key),
            known,
            [each for each in rejects.get(key.order_id, []) if each.platform == key.platform],
            _newest([each for number in ids[key] for each in messages.get(number, [])]),
        )
        for key in keys
        if (rows := everything.get(key))
    ]


def _ids(order: dict[str, Any]) -> list[str]:
    """Return the numbers of an order that messages name it by."""
    return list(dict.fromkeys(filter(None, (order[name] for name in ("order_id", "order_no", "purchase_id")))))


def _newest(messages: Sequence[MessageTrace]) -> list[MessageTrace]:
    """Return messages once each, the newest first, `order_traces.MOST_SHOWN` at most."""
    once = {each.id: each for each in messages}.values()
    return sorted(once, key=lambda each: each.received_at, reverse=True)[: order_traces.MOST_SHOWN]


def _found(
    key: OrderKey,
    matches: list[Match],
    rows: dict[str, Any],
    names: dict[tuple[str, str], StatusName],
    last_read_at: datetime | None,
    known: KnownAccounts,
    rejects: list[RejectTrace],
    messages: list[MessageTrace],
) -> FoundOrder:
    order = rows["order"]
    account = known.of(order["account"])
    statuses = {row["status"] for row in [order, *rows["sub_orders"], *rows["history"]] if row["status"]}
    return FoundOrder(
        key,
        matches,
        rows,
        names.get((key.platform, order["status"])),
        {each: names[key.platform, each] for each in statuses if (key.platform, each) in names},
        last_read_at,
        account.read_to if account else None,
        rejects,
        messages,
        list(order_remarks.of_order(key, rows, rejects, messages, account, known.verdict)),
    )


class _Traces:
    """Traces of numbers that no order has, asked in one statement of each kind for all of them."""

    def __init__(self, session: Session, numbers: Sequence[str]) -> None:
        if not numbers:
            return
        self.rejects = order_traces.rejects(session, numbers)
        self.messages = order_traces.messages(session, numbers)
        self.audits = order_traces.found_by_audits(session, numbers)
        # a shorter text stands in every record
        nameless = [each for each in numbers if each not in self.rejects and len(each) >= LEAST_SEARCHED]
        rejects, messages = order_traces.by_text(session, nameless)
        self.rejects |= rejects
        self.messages = messages | self.messages


def _absent(traces: _Traces, number: str, known: KnownAccounts, of_accounts: Sequence[Remark]) -> Absent:
    rejects, messages = traces.rejects.get(number, []), traces.messages.get(number, [])
    remarks = []
    if pasted.is_rounded(number):
        remarks.append(order_remarks.of_rounded(number))
    remarks += [order_remarks.of_reject(each) for each in rejects]
    names = {each.name for each in known.accounts}
    remarks += [order_remarks.of_audit(each) for each in traces.audits.get(number, []) if each.account in names]
    is_explained = bool(remarks)  # then what was read of each account says nothing more, or the contrary
    remarks += [order_remarks.of_message(each) for each in messages]
    if not is_explained:
        remarks += of_accounts
    return Absent(number, remarks, rejects, messages)
