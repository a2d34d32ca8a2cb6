"""States of orders, lines and refunds, and the status values each platform uses for them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """State of an order or a line, independent of the platform."""

    CREATING = "creating"
    UNPAID = "unpaid"
    PAID = "paid"
    FINANCE_OK = "finance ok"
    FINANCE_NO = "finance no"
    FINANCE_WAIT = "finance wait"
    TO_SHIP = "to ship"
    COLLECTING = "collecting"
    SHIPPED = "shipped"
    ARRIVING = "arriving"
    SIGNED = "signed"
    RECEIVED = "received"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    ODD = "odd"


class Refund(StrEnum):
    """State of a refund, independent of the platform."""

    REQUESTED = "requested"
    AGREED = "agreed"
    RETURNED = "sent back"
    DONE = "done"
    REFUSED = "refused"
    CLOSED = "closed"


CLOSED_STATES = frozenset({State.CANCELLED, State.TERMINATED})
SHIPPED_STATES = frozenset({State.SHIPPED, State.ARRIVING, State.SIGNED, State.RECEIVED, State.COMPLETED})
OPEN_REFUNDS = frozenset({Refund.REQUESTED, Refund.AGREED, Refund.RETURNED, Refund.REFUSED})

# status, its text, number of the status filter (api-facts 4); ODD has a status that no document lists
STATUS_1688: dict[State, tuple[str, str, int]] = {
    State.UNPAID: ("waitbuyerpay", "等待买家付款", 1),
    State.TO_SHIP: ("waitsellersend", "等待卖家发货", 2),
    State.COLLECTING: ("waitlogisticstakein", "等待物流公司揽件", 3),
    State.SHIPPED: ("waitbuyerreceive", "等待买家收货", 4),
    State.ARRIVING: ("waitbuyersign", "等待买家签收", 5),
    State.SIGNED: ("signinsuccess", "买家已签收", 6),
    State.RECEIVED: ("confirm_goods", "已收货", 7),
    State.COMPLETED: ("success", "交易成功", 8),
    State.CANCELLED: ("cancel", "交易取消", 9),
    State.TERMINATED: ("terminated", "交易终止", 10),
    State.ODD: ("waitselleract", "等待卖家操作", 11),
}

# status code, Taobao's status (api-facts 2.3, spelled as there)
STATUS_XPORTCN: dict[State, tuple[int, str]] = {
    State.CREATING: (12, "BULIDING"),
    State.UNPAID: (0, "WAIT_BUYER_P"),
    State.PAID: (1, "WAIT_BUYER_P"),
    State.FINANCE_OK: (2, "WAIT_BUYER_P"),
    State.FINANCE_NO: (3, "WAIT_BUYER_P"),
    State.FINANCE_WAIT: (5, "WAIT_BUYER_P"),
    State.TO_SHIP: (10, "WAIT_SELLER_SEND_GOODS"),
    State.SHIPPED: (11, "WAIT_BUYER_CONFIRM_GOODS"),
    State.CANCELLED: (4, "TRADE_CLOSED"),
    State.TERMINATED: (4, "TRADE_CLOSED"),
    State.ODD: (9, "TRADE_FINISHED"),
}

# 1688: status on the order, status on the line; Xportcn: refundStatus
REFUND_STATUS: dict[Refund, tuple[str, str, int]] = {
    Refund.REQUESTED: ("waitselleragree", "WAIT_SELLER_AGREE", 10),
    Refund.AGREED: ("waitbuyersend", "WAIT_BUYER_SEND", 20),
    Refund.RETURNED: ("waitsellerreceive", "WAIT_SELLER_RECEIVE", 30),
    Refund.DONE: ("refundsuccess", "REFUND_SUCCESS", 100),
    Refund.REFUSED: ("waitbuyermodify", "WAIT_BUYER_MODIFY", -10),
    Refund.CLOSED: ("refundclose", "REFUND_CLOSED", -20),
}


def stored_status(platform: str, state: State) -> str:
    """Return the value of the `status` column: 1688's status, or Xportcn's code as text."""
    return STATUS_1688[state][0] if platform == "1688" else str(STATUS_XPORTCN[state][0])


def status_filter(platform: str, state: State) -> int:
    """Return the value by which the platform's status filter selects a state."""
    return STATUS_1688[state][2] if platform == "1688" else STATUS_XPORTCN[state][0]
