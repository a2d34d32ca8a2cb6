"""Orders: a list by shop, day and state; one order by any of its numbers, or why it is not here."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from orders_sync.console import fields, order_words
from orders_sync.console.pages import action, page
from orders_sync.console.pages.export import LABELS, MOST
from orders_sync.console.visit import Visit
from orders_sync.domain import pasted
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.statuses import STATES
from orders_sync.domain.windows import Window
from orders_sync.engine import order_answer, order_fetch, service_status
from orders_sync.engine.actions import orders as actions
from orders_sync.engine.order_answer import Absent, Answer
from orders_sync.engine.remarks import KnownAccounts, Reason, Remark
from orders_sync.settings import Settings
from orders_sync.store import order_lookup, overview, pauses
from orders_sync.store.console import account_names, capped, order_list
from orders_sync.store.console.order_list import LastOrder, OrderFilter
from orders_sync.store.database import Session
from orders_sync.store.order_numbers import OrderKey

READ_BY = (Reason.REJECTED, Reason.MISSING)  # what an order that is not here may be read by


async def show(visit: Visit) -> Response:
    """Show the list, or the orders of the numbers that were typed."""
    if visit.query.get("q", "").strip():
        return await _search(visit)
    wanted = OrderFilter(
        visit.query.get("account") or None,
        *fields.days(visit.query, visit.words),
        state=fields.state(visit),
        direction=fields.direction(visit),
    )
    async with visit.reading() as connection:
        accounts = await account_names.read(connection)
        paused = await pauses.read(connection)
        orders = await order_list.orders(connection, wanted, before=_place(visit), limit=order_list.PAGE + 1)
        count = await order_list.count(connection, wanted)
    return visit.render(
        "orders.html",
        accounts=accounts,
        pauses=paused,
        orders=orders[: order_list.PAGE],
        after=orders[order_list.PAGE - 1] if len(orders) > order_list.PAGE else None,
        states=STATES,
        most=MOST,
        labels=LABELS,
        count=count,
        cap=capped.MOST_COUNTED,
    )


async def show_one(visit: Visit) -> Response:
    """Show an order by its key."""
    key = OrderKey(visit.request.path_params["platform"], visit.request.path_params["order_id"])
    settings = visit.site.settings

    number = visit.query.get("number", "")

    def question(session: Session) -> Answer:
        found = order_answer.find(session, [key.order_id, number])[1]
        matches = [each for each in found if each.key == key]
        if not matches:
            raise NotFoundError(
                visit._("There is no order %(id)s on %(platform)s.", id=key.order_id, platform=key.platform)
            )
        return order_answer.answer(session, [key.order_id], matches, _known(settings, session))

    answer = await visit.site.ask(question)
    return _found(visit, answer, number)


async def fetch(visit: Visit) -> Response:
    """Have an order read now, or the orders of several numbers."""
    asked = visit.form.get("numbers", "").split() or [_key(visit).order_id]
    async with visit.acting() as connection:
        found = await actions.fetch(connection, visit.actor, visit.site.sources, asked, datetime.now(UTC))
    if found.requested is None:
        reasons = dict.fromkeys(visit.words.sentence(each.reason) for each in found.plan.not_fetched)
        raise UsageError(visit.words.clauses(reasons) or visit._("Nothing can be read of it."))
    text = visit._("The order is being read.") if len(asked) == 1 else visit._("The orders are being read.")
    return visit.go(f"/backfills/{found.requested.number}", text)


async def reveal(visit: Visit) -> Response:
    """Show the personal data of an order and its payload, and record who asked."""
    key = _key(visit)
    async with visit.site.working() as connection:
        personal_data = await actions.reveal_personal_data(connection, visit.actor, key)
    payload = await visit.site.ask(lambda session: order_lookup.payload(session, key), personal_data=True)
    return visit.render("order_persons.html", key=key, personal_data=personal_data, payload=payload, ow=order_words)


def _key(visit: Visit) -> OrderKey:
    return OrderKey(visit.form.get("platform", ""), visit.form.get("order_id", ""))


async def _search(visit: Visit) -> Response:
    settings, text = visit.site.settings, visit.query["q"]
    account, placed = visit.query.get("account") or None, _placed(visit)

    def question(session: Session) -> tuple[Answer, list[str]]:
        meant, matches = order_answer.find(session, [text])
        if not meant:
            raise UsageError(visit._("There is no number in what was typed."), argument="q")
        if len(meant) > pasted.MOST:
            mistake = visit._(
                "%(count)s numbers at once; ask for at most %(most)s.", count=len(meant), most=pasted.MOST
            )
            raise UsageError(mistake, argument="q")
        known = _known(settings, session)
        asked = KnownAccounts([each for each in known.accounts if account in (None, each.name)], known.verdict)
        answer = order_answer.answer(session, meant, matches, asked, placed)
        return answer, [each.name for each in known.accounts]

    answer, names = await visit.site.ask(question)
    found = [match.number for each in answer.found for match in each.matches]
    asked = found[0] if found else ""
    left_out = pasted.left_out(text, found + [each.number for each in answer.absent])
    return _found(visit, answer, asked, names, left_out, await _readable(visit, answer))


async def _readable(visit: Visit, answer: Answer) -> set[str]:
    """Return the numbers that are not here but can be read, of those that are known from a reject or an audit."""
    if not visit.person.may_act:
        return set()
    seen = [each.number for each in answer.absent if any(remark.reason in READ_BY for remark in each.remarks)]
    if not seen:
        return set()
    async with visit.site.working() as connection:  # it needs the windows that payloads came by
        return await order_fetch.readable(connection, visit.site.sources, seen)


def _placed(visit: Visit) -> Window | None:
    """Return the day on which the order was placed, None where it is not given. A day that is not over is not read."""
    start, end = fields.days(visit.query, visit.words, "placed", "placed")
    if start is None or end is None:
        return None
    if start > datetime.now(UTC):
        raise UsageError(visit._("The day lies in the future."), argument="placed")
    return Window(start, end)


def _found(
    visit: Visit,
    answer: Answer,
    asked: str,
    accounts: Sequence[str] = (),
    left_out: Sequence[str] = (),
    readable: Set[str] = frozenset(),
) -> Response:
    """Show one order with everything, several as links. `asked`: the number that one was asked for by."""
    found = answer.found[0] if len(answer.found) == 1 else None
    about: dict[str, Any] = {}
    if found:
        order = found.rows["order"]
        versions = order_words.versions(found.rows["history"])
        asked_for = _as_of(visit)
        until = fields.moment({"as_of": asked_for}, visit.words, "as_of", is_end=True)
        own = asked if asked in (order["order_no"], order["order_id"]) else order["order_no"] or order["order_id"]
        about = {
            "own": own,
            "number": asked if asked in {match.number for match in found.matches} else own,
            "versions": versions,
            "then": order_words.at_end(order, versions, until, datetime.now(UTC)) if until else None,
            "as_of": asked_for,
        }
    return visit.render(
        "order.html",
        answer=answer,
        found=found,
        **about,
        ow=order_words,
        left_out=left_out,
        absent=_alike(answer.absent),
        readable=readable,
        accounts=accounts,
        most=MOST,
        labels=LABELS,
    )


def _as_of(visit: Visit) -> str:
    """Return the day, or the day and the time, as of which an order is shown; empty for none."""
    day, time = visit.query.get("as_of", "").strip(), visit.query.get("as_of_time", "").strip()
    return f"{day} {time}" if day and time else day


def _alike(absent: Sequence[Absent]) -> list[tuple[list[str], list[Remark]]]:
    """Return the numbers that are not here with the reasons; numbers of the same reasons stand together."""
    groups: dict[tuple[Remark, ...], list[str]] = {}
    for each in absent:
        groups.setdefault(tuple(each.remarks), []).append(each.number)
    return [(numbers, list(remarks)) for remarks, numbers in groups.items()]


def _known(settings: Settings, session: Session) -> KnownAccounts:
    accounts = overview.accounts(session)
    return KnownAccounts(accounts, service_status.assess_all(settings, accounts, []))


def _place(visit: Visit) -> LastOrder | None:
    if not (text := visit.query.get("before", "")):
        return None
    moment, _, rest = text.partition("|")
    platform, _, order_id = rest.partition("|")
    try:
        return LastOrder(datetime.fromisoformat(moment), platform, order_id)
    except ValueError:
        return None


PAGES = [
    page("/orders", show, form="/orders"),
    action("/orders/fetch", fetch, form="/orders"),
    action("/orders/persons", reveal, needs_right_to_act=False, shows_personal_data=True, form="/orders"),
    page("/orders/{platform}/{order_id:path}", show_one),
]
