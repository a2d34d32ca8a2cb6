"""The states of orders, lines and refunds in our own words, and what each platform calls them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
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
    ASKED = "asked"
    AGREED = "agreed"
    SENT_BACK = "sent back"
    DONE = "done"
    REFUSED = "refused"
    CLOSED = "closed"


GONE = frozenset({State.CANCELLED, State.TERMINATED})
LEFT = frozenset({State.SHIPPED, State.ARRIVING, State.SIGNED, State.RECEIVED, State.COMPLETED})  # the warehouse
PENDING = frozenset({Refund.ASKED, Refund.AGREED, Refund.SENT_BACK, Refund.REFUSED})

# word, Chinese, number of the status filter (api-facts 4); ODD is a word no document lists
WORDS_1688: dict[State, tuple[str, str, int]] = {
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

# code, what Taobao says (api-facts 2.3, spelled as there)
WORDS_XPORTCN: dict[State, tuple[int, str]] = {
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

# order word, line word (1688), refundStatus code (Xportcn)
WORDS_REFUND: dict[Refund, tuple[str, str, int]] = {
    Refund.ASKED: ("waitselleragree", "WAIT_SELLER_AGREE", 10),
    Refund.AGREED: ("waitbuyersend", "WAIT_BUYER_SEND", 20),
    Refund.SENT_BACK: ("waitsellerreceive", "WAIT_SELLER_RECEIVE", 30),
    Refund.DONE: ("refundsuccess", "REFUND_SUCCESS", 100),
    Refund.REFUSED: ("waitbuyermodify", "WAIT_BUYER_MODIFY", -10),
    Refund.CLOSED: ("refundclose", "REFUND_CLOSED", -20),
}


def status_of(platform: str, state: State) -> str:
    """An order's status as the column holds it: 1688's word, Xportcn's code as text."""
    return WORDS_1688[state][0] if platform == "1688" else str(WORDS_XPORTCN[state][0])


def filter_of(platform: str, state: State) -> int:
    """The number the platform's status filter knows a state by."""
    return WORDS_1688[state][2] if platform == "1688" else WORDS_XPORTCN[state][0]
