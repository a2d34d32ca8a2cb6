"""What comes next in an order's life, and how many seconds later; events.py does it."""

from __future__ import annotations

from random import Random

from orders_sync.sandbox.orders import Order
from orders_sync.sandbox.states import GONE, LEFT, PENDING, Refund, State

HOUR = 3600

# state -> (up to this draw, event, mean seconds until it)
PLANS_1688: dict[State, tuple[tuple[float, str, int], ...]] = {
    State.UNPAID: (
        (0.84, "pay", 900),
        (0.93, "cancel", 20 * HOUR),
        (0.97, "reprice", 600),
        (0.985, "drop_line", HOUR),
        (1, "write_memo", HOUR),
    ),
    State.TO_SHIP: (
        (0.60, "ship", 14 * HOUR),
        (0.74, "ship_part", 10 * HOUR),
        (0.82, "collect", 8 * HOUR),
        (0.87, "ask_refund", 12 * HOUR),
        (0.96, "write_memo", 2 * HOUR),
        (0.98, "terminate", 24 * HOUR),
        (1, "drop_line", 3 * HOUR),
    ),
    State.COLLECTING: ((1, "ship", 6 * HOUR),),
    State.SHIPPED: (
        (0.08, "ask_refund", 30 * HOUR),
        (0.25, "arrive", 40 * HOUR),
        (0.55, "sign", 60 * HOUR),
        (1, "receive", 80 * HOUR),
    ),
    State.ARRIVING: ((1, "sign", 10 * HOUR),),
    State.SIGNED: ((1, "receive", 30 * HOUR),),
    State.RECEIVED: ((1, "complete", 5 * HOUR),),
    State.COMPLETED: ((0.03, "ask_refund", 90 * HOUR), (0.05, "write_memo", 90 * HOUR)),
}
PLANS_XPORTCN: dict[State, tuple[tuple[float, str, int], ...]] = {
    State.CREATING: ((1, "place", 20),),
    State.UNPAID: (
        (0.84, "pay", 900),
        (0.95, "cancel", 20 * HOUR),
        (0.99, "reprice", 600),
        (1, "drop_line", HOUR),
    ),
    State.PAID: ((0.7, "finance_pass", 3 * HOUR), (0.85, "finance_wait", 3 * HOUR), (1, "finance_refuse", 3 * HOUR)),
    State.FINANCE_WAIT: ((1, "finance_pass", 3 * HOUR),),
    State.FINANCE_NO: ((0.7, "pay", 5 * HOUR), (1, "cancel", 20 * HOUR)),
    State.FINANCE_OK: ((1, "order_goods", 3 * HOUR),),
    State.TO_SHIP: (
        (0.75, "ship", 14 * HOUR),
        (0.92, "ship_part", 10 * HOUR),
        (0.96, "ask_refund", 12 * HOUR),
        (0.98, "drop_line", 12 * HOUR),
        (1, "terminate", 24 * HOUR),
    ),
    State.SHIPPED: ((0.05, "ask_refund", 90 * HOUR),),
}


def next_event(order: Order, rng: Random) -> tuple[str, int] | None:
    """The next event and the seconds until it; None when nothing more will happen."""
    state = order.state
    if _stuck(order):
        return None
    if order.refund in PENDING:
        dice = rng.random()
        if order.refund is Refund.SENT_BACK or (order.refund is Refund.AGREED and dice < 0.5):
            return "pay_back", 20 * HOUR
        if order.refund is Refund.AGREED:
            return "send_back", 20 * HOUR
        return ("agree_refund" if dice < 0.7 else "refuse_refund" if dice < 0.85 else "close_refund"), 10 * HOUR
    if order.quirk == "odd_status" and state is State.TO_SHIP:
        return "puzzle", HOUR
    if order.quirk == "mixed" and state is State.TO_SHIP:
        return "ship_most", 5 * HOUR
    dice = rng.random()
    plans = PLANS_1688 if order.platform == "1688" else PLANS_XPORTCN
    for limit, event, mean in plans.get(state, ()):
        if dice < limit:
            return _possible(event, order), 1 + int(rng.expovariate(1 / mean))
    return None


def _stuck(order: Order) -> bool:
    """Some orders stay for good in states that others leave soon."""
    if order.state is State.CREATING:
        return order.dice % 128 == 7
    if order.state is State.FINANCE_NO:
        return order.dice % 4 == 1
    if order.quirk == "mixed":
        return order.refund is Refund.ASKED and order.dice % 2 == 0
    part = order.state is State.TO_SHIP and any(line.state in LEFT for line in order.lines)
    return part and order.dice % 8 == 1


def _possible(event: str, order: Order) -> str:
    """The event, or what happens instead where it cannot."""
    unsent = [line for line in order.lines if line.state not in GONE and line.state not in LEFT]
    if event == "ship_part" and (order.platform == "xportcn_open" or len(unsent) < 2):
        return "ship"
    if event == "drop_line" and (len(unsent) < 2 or len(order.lines) < 2):
        return "write_memo" if order.platform == "1688" else "reprice"
    if event == "ask_refund" and order.platform == "xportcn_open":
        return "terminate"
    return event
