"""Lifecycle of an order: the next event and the seconds until it. events.py applies the event."""

from __future__ import annotations

from random import Random

from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.states import OPEN_REFUNDS, SHIPPED_STATES, Refund, State

HOUR = 3600

# state -> (cumulative probability, event, mean seconds until it); no further event above the last probability
TRANSITIONS_1688: dict[State, tuple[tuple[float, str, int], ...]] = {
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
TRANSITIONS_XPORTCN: dict[State, tuple[tuple[float, str, int], ...]] = {
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


def next_event(order: SandboxOrder, rng: Random) -> tuple[str, int] | None:
    """Draw the next event and the seconds until it. None when the order will not change again."""
    state = order.state
    if _is_stuck(order):
        return None
    if order.refund in OPEN_REFUNDS:
        drawn = rng.random()
        if order.refund is Refund.RETURNED or (order.refund is Refund.AGREED and drawn < 0.5):
            return "pay_back", 20 * HOUR
        if order.refund is Refund.AGREED:
            return "send_back", 20 * HOUR
        return ("agree_refund" if drawn < 0.7 else "refuse_refund" if drawn < 0.85 else "close_refund"), 10 * HOUR
    if order.quirk == "odd_status" and state is State.TO_SHIP:
        return "set_odd_status", HOUR
    if order.quirk == "mixed" and state is State.TO_SHIP:
        return "ship_most", 5 * HOUR
    drawn = rng.random()
    transitions = TRANSITIONS_1688 if order.platform == "1688" else TRANSITIONS_XPORTCN
    for limit, event, mean in transitions.get(state, ()):
        if drawn < limit:
            return _possible(event, order), 1 + int(rng.expovariate(1 / mean))
    return None


def _is_stuck(order: SandboxOrder) -> bool:
    """Return whether this order stays forever in a state that others leave soon."""
    if order.state is State.CREATING:
        return order.random_bits % 128 == 7
    if order.state is State.FINANCE_NO:
        return order.random_bits % 4 == 1
    if order.quirk == "mixed":
        return order.refund is Refund.REQUESTED and order.random_bits % 2 == 0
    part = order.state is State.TO_SHIP and any(line.state in SHIPPED_STATES for line in order.lines)
    return part and order.random_bits % 8 == 1


def _possible(event: str, order: SandboxOrder) -> str:
    """Return the event, or its substitute where the order does not allow it."""
    if event == "ship_part" and (order.platform == "xportcn_open" or len(order.unshipped) < 2):
        return "ship"
    if event == "drop_line" and (len(order.unshipped) < 2 or len(order.lines) < 2):
        return "write_memo" if order.platform == "1688" else "reprice"
    if event == "ask_refund" and order.platform == "xportcn_open":
        return "terminate"
    return event
