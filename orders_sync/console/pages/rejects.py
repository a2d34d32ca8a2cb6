"""Rejects: records that could not become orders, by reason; one as received; replay and ignore what was seen."""

from __future__ import annotations

from starlette.responses import Response

from orders_sync.console import fields
from orders_sync.console.pages import action, page
from orders_sync.console.visit import Visit
from orders_sync.console.words import later
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.reject_reasons import RejectReason, RejectState, classify
from orders_sync.engine.actions import rejects as actions
from orders_sync.engine.replay import Replayed
from orders_sync.store import activity
from orders_sync.store.console import account_names, rejects
from orders_sync.store.reject_lists import Chosen

MOST_AT_ONCE = 200  # replayed by one click
REASONS = {
    RejectReason.NO_ORDER_ID: later("no order number where it belongs"),
    RejectReason.DAMAGED_ORDER_ID: later("order number damaged: the last digits may be lost"),
    RejectReason.UNUSABLE_ORDER_ID: later("order number too long, or with characters that none has"),
    RejectReason.OTHER_ORDER_ID: later("names another order than it was listed as"),
    RejectReason.NOT_AN_OBJECT: later("is no JSON object"),
    RejectReason.NOT_JSON: later("is no JSON"),
    RejectReason.NOT_UTF8: later("is no readable text"),
    RejectReason.OTHER_HOST: later("an account of another host has an order of this number"),
    RejectReason.DATABASE: later("refused by the database"),
    RejectReason.OTHER: later("another reason"),
}
_SAME_BYTES = later(
    "Replay reads the same bytes: it helps only after an update of the program. Once the platform sends whole records "
    "again, backfill the days, also what is complete: the orders land, and the records are settled by themselves. "
    "Ignore what stays."
)
ADVICE = {
    RejectReason.NO_ORDER_ID: _SAME_BYTES,
    RejectReason.DAMAGED_ORDER_ID: _SAME_BYTES,
    RejectReason.UNUSABLE_ORDER_ID: _SAME_BYTES,
    RejectReason.OTHER_ORDER_ID: _SAME_BYTES,
    RejectReason.NOT_AN_OBJECT: _SAME_BYTES,
    RejectReason.NOT_JSON: _SAME_BYTES,
    RejectReason.NOT_UTF8: _SAME_BYTES,
    RejectReason.OTHER_HOST: later("An administrator decides in the settings whose order it is; then replay."),
    RejectReason.DATABASE: later("Replay once an administrator has ended what the database refused it for."),
    RejectReason.OTHER: _SAME_BYTES,
}


async def show(visit: Visit) -> Response:
    """Show the reasons with their counts, and the records of one reason, shop and state."""
    account, reason, state = visit.query.get("account") or None, _reason(visit.query.get("reason", "")), _state(visit)
    async with visit.reading() as connection:
        accounts = await account_names.read(connection)
        groups = await rejects.groups(connection, account)
        rows = await rejects.listed(
            connection, reason, account, (state,), fields.number(visit.query.get("before")), rejects.PAGE + 1
        )
    matching = sum(
        each.records if state is RejectState.OPEN else each.ignored
        for each in groups
        if reason is None or each.reason_key == reason
    )
    return visit.render(
        "rejects.html",
        accounts=accounts,
        groups=groups,
        rows=rows[: rejects.PAGE],
        after=rows[rejects.PAGE - 1] if len(rows) > rejects.PAGE else None,
        state=state,
        matching=matching,
        most=MOST_AT_ONCE,
        reasons=REASONS,
        advice=ADVICE.get(reason, "") if reason and matching else "",
    )


async def show_one(visit: Visit) -> Response:
    """Show a reject without its record."""
    number = _number(visit)
    async with visit.reading() as connection:
        row = await rejects.row(connection, number)
    if row is None:
        raise NotFoundError(visit._("There is no reject %(number)s.", number=number))
    return visit.render("reject.html", row=row, parts=None, reasons=REASONS, advice=ADVICE)


async def reveal(visit: Visit) -> Response:
    """Show a reject with the record as received, and record who asked: it may hold personal data."""
    number = _number(visit)
    async with visit.site.working() as connection, connection.transaction():
        found = await rejects.record(connection, number)
        if found is None:
            raise NotFoundError(visit._("There is no reject %(number)s.", number=number))
        await activity.record(
            connection, visit.actor, Action.PERSONS_REVEAL, account=found.account, subject=f"reject {number}"
        )
    text, flaw = found.text, found.flaw
    parts = (text, "", "") if flaw is None else (text[: flaw.start], text[flaw.start : flaw.end], text[flaw.end :])
    return visit.render("reject.html", row=found, parts=parts, reasons=REASONS, advice=ADVICE)


async def replay(visit: Visit) -> Response:
    """Replay the chosen rejects, or all that match, as many as were seen at most."""
    async with visit.acting() as connection:
        if visit.form.get("all"):
            chosen = Chosen(reason=_reason(visit.form.get("reason", "")), account=visit.form.get("account") or None)
            shown = fields.number(visit.form.get("shown")) or 0
            if shown > MOST_AT_ONCE:
                raise UsageError(visit._("At most %(most)s at once.", most=MOST_AT_ONCE))
            result = await actions.replay_matching(connection, visit.actor, chosen, shown)
        else:
            result = await actions.replay(connection, visit.actor, _chosen(visit))
    text = _result(visit, result)
    if result.rejected and not visit.form.get("reason"):  # else the page says it
        text += visit.words.space + visit._(ADVICE[classify(result.rejected[0].reason)])
    if "reason" not in visit.form and len(visit.choices.get("number", ())) == 1:  # the page of one record
        return visit.go(f"/rejects/{_chosen(visit)[0]}", text)
    return visit.go("/rejects", text, reason=visit.form.get("reason"), account=visit.form.get("account"))


def _result(visit: Visit, result: Replayed) -> str:
    """Say what became of replayed rejects; what became of none is left out."""
    said = [
        visit._("Became orders: %(count)s.", count=result.landed) if result.landed else "",
        visit._("Older than what is here, and settled: %(count)s.", count=result.older) if result.older else "",
        visit._("Still cannot be read: %(count)s.", count=len(result.rejected)) if result.rejected else "",
    ]
    return visit.words.space.join(filter(None, said)) or visit._("Nothing was replayed: they are settled already.")


async def ignore(visit: Visit) -> Response:
    """Ignore the chosen rejects."""
    async with visit.acting() as connection:
        count = await actions.ignore(connection, visit.actor, _chosen(visit))
    return visit.go("/rejects", visit._("Ignored: %(count)s.", count=count), reason=visit.form.get("reason"))


async def unignore(visit: Visit) -> Response:
    """Open the chosen rejects again."""
    async with visit.acting() as connection:
        count = await actions.unignore(connection, visit.actor, _chosen(visit))
    return visit.go("/rejects", visit._("Open again: %(count)s.", count=count), reason=visit.form.get("reason"))


def _chosen(visit: Visit) -> list[int]:
    numbers = [fields.number(each) for each in visit.choices.get("number", ())]
    found = [each for each in numbers if each is not None]
    if not found:
        raise UsageError(visit._("Choose at least one record."), argument="number")
    if len(found) > MOST_AT_ONCE:
        raise UsageError(visit._("At most %(most)s at once.", most=MOST_AT_ONCE))
    return found


def _reason(text: str) -> RejectReason | None:
    return RejectReason(text) if text in set(RejectReason) else None


def _state(visit: Visit) -> RejectState:
    return RejectState.IGNORED if visit.query.get("state") == RejectState.IGNORED else RejectState.OPEN


def _number(visit: Visit) -> int:
    text: str = visit.request.path_params["number"]
    number = fields.number(text)
    if number is None:
        raise NotFoundError(visit._("There is no reject %(number)s.", number=text))
    return number


PAGES = [
    page("/rejects", show, form="/rejects"),
    action("/rejects/replay", replay, form="/rejects"),
    action("/rejects/ignore", ignore, form="/rejects"),
    action("/rejects/unignore", unignore, form="/rejects"),
    page("/rejects/{number}", show_one),
    action(
        "/rejects/{number}/record", reveal, needs_right_to_act=False, shows_personal_data=True, form="/rejects/{number}"
    ),
]
