"""Effects of events on an order: states, amounts, parcels. lifecycle.py decides which event comes when."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from orders_sync.sandbox.catalogue import CARRIERS
from orders_sync.sandbox.order_factory import apply_discount
from orders_sync.sandbox.orders import Parcel, SandboxLine, SandboxOrder
from orders_sync.sandbox.rng import pick
from orders_sync.sandbox.states import CLOSED_STATES, OPEN_REFUNDS, SHIPPED_STATES, Refund, State

Event = Callable[[SandboxOrder, int, Random], None]


def advance(order: SandboxOrder, event: str, at: int, rng: Random) -> None:
    """Apply an event to an order in place at epoch second `at`, which becomes its modify time unless that is later."""
    order.modified = max(at, order.modified)
    EVENTS[event](order, at, rng)


def _move(order: SandboxOrder, state: State) -> None:
    """Set the state of the order and of its lines that are not closed."""
    order.state = state
    for line in order.lines:
        if line.state not in CLOSED_STATES:
            line.state = state


def _place(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.UNPAID)


def _pay(order: SandboxOrder, at: int, rng: Random) -> None:
    # in the 1688 sample response the pay time is one second after the modify time
    order.paid = order.modified + (rng.random() < 0.3)
    _move(order, State.TO_SHIP if order.platform == "1688" else State.PAID)


def _finance_pass(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.FINANCE_OK)


def _finance_wait(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.FINANCE_WAIT)


def _finance_refuse(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.FINANCE_NO)


def _order_goods(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.TO_SHIP)


def _cancel(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.CANCELLED)
    order.close_reason = pick(rng, ("buyerCancel", "sellerGoodsLack", "other", "BUYER_NO_PAY"))
    order.closed_by = "CLOSE_TRADE_BY_" + pick(rng, ("BUYER", "BUYER", "SELLER", "SYSTEM", "BOPS", "CREADIT"))


def _terminate(order: SandboxOrder, at: int, rng: Random) -> None:
    """Cancel after payment, with a refund of the whole amount."""
    _cancel(order, at, rng)
    order.state = State.TERMINATED
    order.refunded = order.total if order.platform == "1688" else 0


def _reprice(order: SandboxOrder, at: int, rng: Random) -> None:
    apply_discount(order, rng)


def _write_memo(order: SandboxOrder, at: int, rng: Random) -> None:
    order.memo = f"加急{rng.randrange(1000)}"
    order.flag = rng.randrange(1, 5)


def _drop_line(order: SandboxOrder, at: int, rng: Random) -> None:
    for index in reversed(range(len(order.lines))):
        line = order.lines[index]
        if len(order.lines) > 1 and line.state not in CLOSED_STATES and line.state not in SHIPPED_STATES:
            del order.lines[index]
            return


def _collect(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.COLLECTING)


def _set_odd_status(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.ODD)


def _ship(order: SandboxOrder, at: int, rng: Random) -> None:
    _ship_lines(order, order.unshipped, at, rng)
    order.state = State.SHIPPED
    order.delivered = at


def _ship_part(order: SandboxOrder, at: int, rng: Random) -> None:
    """Ship half of the lines; the order keeps waiting for shipment (api-facts 2.3)."""
    unshipped = order.unshipped
    _ship_lines(order, unshipped[: max(1, len(unshipped) // 2)], at, rng)


def _ship_most(order: SandboxOrder, at: int, rng: Random) -> None:
    """Ship all lines but one, with a refund requested for that: the order says shipped, one line does not."""
    unshipped = order.unshipped
    if len(unshipped) > 1:
        _ship_lines(order, unshipped[:-1], at, rng)
        order.state = State.SHIPPED
        _refund(order, [unshipped[-1]], Refund.REQUESTED, rng)
    else:
        _ship(order, at, rng)


def _ship_lines(order: SandboxOrder, lines: list[SandboxLine], at: int, rng: Random) -> None:
    for line in lines:
        line.state = State.SHIPPED
    if order.platform != "1688" or not lines:
        return
    drawn = rng.random()
    shipments = [[line] for line in lines] if drawn < 0.15 else [lines]
    for shipment in shipments:
        number = f"YT{rng.randrange(10**12):012d}" if drawn < 0.96 else None
        parcel_id = rng.randrange(10**14)
        order.parcels.append(Parcel(parcel_id, pick(rng, CARRIERS), number, at, tuple(ln.line_id for ln in shipment)))


def _arrive(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.ARRIVING)


def _sign(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.SIGNED)


def _receive(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.RECEIVED)
    order.received = at


def _complete(order: SandboxOrder, at: int, rng: Random) -> None:
    _move(order, State.COMPLETED)
    order.confirmed = order.received or at
    order.completed = at


def _refund(order: SandboxOrder, lines: list[SandboxLine], refund: Refund, rng: Random) -> None:
    order.refund = refund
    order.after_sale = order.state is State.COMPLETED
    order.refund_no = order.refund_no or f"TQ{rng.randrange(10**17):017d}"
    for line in lines:
        line.refund = refund
        line.refund_no = order.refund_no
        line.after_sale = order.after_sale


def _refunding_lines(order: SandboxOrder) -> list[SandboxLine]:
    return [line for line in order.lines if line.refund in OPEN_REFUNDS]


def _ask_refund(order: SandboxOrder, at: int, rng: Random) -> None:
    present = [line for line in order.lines if line.state not in CLOSED_STATES and line.refund is not Refund.DONE]
    if present:
        _refund(order, present if rng.random() < 0.3 else [pick(rng, present)], Refund.REQUESTED, rng)


def _agree_refund(order: SandboxOrder, at: int, rng: Random) -> None:
    _refund(order, _refunding_lines(order), Refund.AGREED, rng)


def _send_back(order: SandboxOrder, at: int, rng: Random) -> None:
    _refund(order, _refunding_lines(order), Refund.RETURNED, rng)


def _refuse_refund(order: SandboxOrder, at: int, rng: Random) -> None:
    _refund(order, _refunding_lines(order), Refund.REFUSED, rng)


def _close_refund(order: SandboxOrder, at: int, rng: Random) -> None:
    _refund(order, _refunding_lines(order), Refund.CLOSED, rng)


def _pay_back(order: SandboxOrder, at: int, rng: Random) -> None:
    refunding = _refunding_lines(order)
    _refund(order, refunding, Refund.DONE, rng)
    order.refunded += sum(line.amount for line in refunding)
    if order.after_sale:
        return
    for line in refunding:
        line.state = State.TERMINATED
    if all(line.state in CLOSED_STATES for line in order.lines):
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
    "set_odd_status": _set_odd_status,
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
