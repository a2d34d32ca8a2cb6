"""What an event does to an order: states, money, parcels. Which event comes when: lives.py."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from orders_sync.sandbox.births import haggle
from orders_sync.sandbox.catalogue import CARRIERS
from orders_sync.sandbox.chance import pick
from orders_sync.sandbox.orders import Line, Order, Parcel
from orders_sync.sandbox.states import GONE, LEFT, PENDING, Refund, State

Event = Callable[[Order, int, Random], None]


def advance(order: Order, event: str, at: int, rng: Random) -> None:
    """Let an event happen to an order in this second; its modify time follows."""
    order.modified = max(at, order.modified)
    EVENTS[event](order, at, rng)


def _move(order: Order, state: State) -> None:
    """The order and all its lines that are still part of it."""
    order.state = state
    for line in order.lines:
        if line.state not in GONE:
            line.state = state


def _place(order: Order, at: int, rng: Random) -> None:
    _move(order, State.UNPAID)


def _pay(order: Order, at: int, rng: Random) -> None:
    # seed 1688: the pay time is one second after the modify time
    order.paid = order.modified + (rng.random() < 0.3)
    _move(order, State.TO_SHIP if order.platform == "1688" else State.PAID)


def _finance_pass(order: Order, at: int, rng: Random) -> None:
    _move(order, State.FINANCE_OK)


def _finance_wait(order: Order, at: int, rng: Random) -> None:
    _move(order, State.FINANCE_WAIT)


def _finance_refuse(order: Order, at: int, rng: Random) -> None:
    _move(order, State.FINANCE_NO)


def _order_goods(order: Order, at: int, rng: Random) -> None:
    _move(order, State.TO_SHIP)


def _cancel(order: Order, at: int, rng: Random) -> None:
    _move(order, State.CANCELLED)
    order.close_reason = pick(rng, ("buyerCancel", "sellerGoodsLack", "other", "BUYER_NO_PAY"))
    order.closed_by = "CLOSE_TRADE_BY_" + pick(rng, ("BUYER", "BUYER", "SELLER", "SYSTEM", "BOPS", "CREADIT"))


def _terminate(order: Order, at: int, rng: Random) -> None:
    """Paid, then given back whole."""
    _cancel(order, at, rng)
    order.state = State.TERMINATED
    order.refunded = order.total if order.platform == "1688" else 0


def _reprice(order: Order, at: int, rng: Random) -> None:
    haggle(order, rng)


def _write_memo(order: Order, at: int, rng: Random) -> None:
    order.memo = f"加急{rng.randrange(1000)}"
    order.flag = rng.randrange(1, 5)


def _drop_line(order: Order, at: int, rng: Random) -> None:
    for at_line in reversed(range(len(order.lines))):
        line = order.lines[at_line]
        if len(order.lines) > 1 and line.state not in GONE and line.state not in LEFT:
            del order.lines[at_line]
            return


def _collect(order: Order, at: int, rng: Random) -> None:
    _move(order, State.COLLECTING)


def _puzzle(order: Order, at: int, rng: Random) -> None:
    _move(order, State.ODD)


def _ship(order: Order, at: int, rng: Random) -> None:
    unsent = [line for line in order.lines if line.state not in GONE and line.state not in LEFT]
    _send(order, unsent, at, rng)
    order.state = State.SHIPPED
    order.delivered = at


def _ship_part(order: Order, at: int, rng: Random) -> None:
    """Some of the lines; the header goes on waiting for shipment (api-facts 2.3)."""
    unsent = [line for line in order.lines if line.state not in GONE and line.state not in LEFT]
    _send(order, unsent[: max(1, len(unsent) // 2)], at, rng)


def _ship_most(order: Order, at: int, rng: Random) -> None:
    """All but one line, for which a refund is asked: the header says shipped, the lines do not agree."""
    unsent = [line for line in order.lines if line.state not in GONE and line.state not in LEFT]
    if len(unsent) > 1:
        _send(order, unsent[:-1], at, rng)
        order.state = State.SHIPPED
        _refund(order, [unsent[-1]], Refund.ASKED, rng)
    else:
        _ship(order, at, rng)


def _send(order: Order, lines: list[Line], at: int, rng: Random) -> None:
    for line in lines:
        line.state = State.SHIPPED
    if order.platform != "1688" or not lines:
        return
    dice = rng.random()
    loads = [[line] for line in lines] if dice < 0.15 else [lines]
    for load in loads:
        number = f"YT{rng.randrange(10**12):012d}" if dice < 0.96 else None
        parcel_id = rng.randrange(10**14)
        order.parcels.append(Parcel(parcel_id, pick(rng, CARRIERS), number, at, tuple(ln.line_id for ln in load)))


def _arrive(order: Order, at: int, rng: Random) -> None:
    _move(order, State.ARRIVING)


def _sign(order: Order, at: int, rng: Random) -> None:
    _move(order, State.SIGNED)


def _receive(order: Order, at: int, rng: Random) -> None:
    _move(order, State.RECEIVED)
    order.received = at


def _complete(order: Order, at: int, rng: Random) -> None:
    _move(order, State.COMPLETED)
    order.confirmed = order.received or at
    order.completed = at


def _refund(order: Order, lines: list[Line], refund: Refund, rng: Random) -> None:
    order.refund = refund
    order.after_sale = order.state is State.COMPLETED
    order.refund_no = order.refund_no or f"TQ{rng.randrange(10**17):017d}"
    for line in lines:
        line.refund = refund
        line.refund_no = order.refund_no
        line.after_sale = order.after_sale


def _asked(order: Order) -> list[Line]:
    return [line for line in order.lines if line.refund in PENDING]


def _ask_refund(order: Order, at: int, rng: Random) -> None:
    present = [line for line in order.lines if line.state not in GONE]
    if present:
        _refund(order, present if rng.random() < 0.3 else [pick(rng, present)], Refund.ASKED, rng)


def _agree_refund(order: Order, at: int, rng: Random) -> None:
    _refund(order, _asked(order), Refund.AGREED, rng)


def _send_back(order: Order, at: int, rng: Random) -> None:
    _refund(order, _asked(order), Refund.SENT_BACK, rng)


def _refuse_refund(order: Order, at: int, rng: Random) -> None:
    _refund(order, _asked(order), Refund.REFUSED, rng)


def _close_refund(order: Order, at: int, rng: Random) -> None:
    _refund(order, _asked(order), Refund.CLOSED, rng)


def _pay_back(order: Order, at: int, rng: Random) -> None:
    asked = _asked(order)
    _refund(order, asked, Refund.DONE, rng)
    order.refunded += sum(line.amount for line in asked)
    if order.after_sale:
        return
    for line in asked:
        line.state = State.TERMINATED
    if all(line.state in GONE for line in order.lines):
        order.state = State.TERMINATED
        order.close_reason = "other"


EVENTS: dict[str, Event] = {
    "place": _place,
    "pay": _pay,
    "finance_pass": _finance_pass,
    "finance_wait": _finance_wait,
    "finance_refuse": _finance_refuse,
    "order_goods": _order_goods,
    "cancel": _cancel,
    "terminate": _terminate,
    "reprice": _reprice,
    "write_memo": _write_memo,
    "drop_line": _drop_line,
    "collect": _collect,
    "puzzle": _puzzle,
    "ship": _ship,
    "ship_part": _ship_part,
    "ship_most": _ship_most,
    "arrive": _arrive,
    "sign": _sign,
    "receive": _receive,
    "complete": _complete,
    "ask_refund": _ask_refund,
    "agree_refund": _agree_refund,
    "send_back": _send_back,
    "refuse_refund": _refuse_refund,
    "close_refund": _close_refund,
    "pay_back": _pay_back,
}
