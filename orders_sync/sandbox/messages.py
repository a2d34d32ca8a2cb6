"""Xportcn's message service: tells a callback address what happened, in disorder, some of it twice (api-facts 3).

What happened is told when it happens, so before an order that is indexed late can be found in a list. What is not taken
is not sent again: to the orders' reader a lost message.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress

import httpx

from orders_sync.sandbox.chance import dice
from orders_sync.sandbox.orders import Order
from orders_sync.sandbox.shops import SandboxAccount
from orders_sync.sandbox.stamps import local
from orders_sync.sandbox.states import GONE, State
from orders_sync.sandbox.texts import json_text
from orders_sync.sandbox.world import World

PATIENCE = 1.0  # seconds until an answer
PAUSE = 0.1  # seconds; what happened meanwhile is told in any order
TWICE = 0.15  # the share that is told a second time
AT_ONCE = 8
UNLISTED = "SANDBOX_ORDER_CHANGE"  # the public list of types is cut off: a reader must take any word


class Messenger:
    """Tells `root`/hooks/xportcn/ACCOUNT/TOKEN what happens in a world from now on. `answers`: told so far, by status,
    0 where nobody answered."""

    def __init__(self, world: World, root: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.answers: dict[int, int] = {}
        self._root = root.rstrip("/")
        self._transport = transport
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._rng = dice("orders-sync sandbox messages")
        self._task: asyncio.Task[None] | None = None
        world.told = self._take

    def start(self) -> None:
        """Needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._tell())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def deliver(self, http: httpx.AsyncClient) -> None:
        """Tell what waits."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        batch += [each for each in batch if self._rng.random() < TWICE]
        self._rng.shuffle(batch)
        for at in range(0, len(batch), AT_ONCE):
            await asyncio.gather(*(self._post(http, path, body) for path, body in batch[at : at + AT_ONCE]))

    def _take(self, account: SandboxAccount, order: Order) -> None:
        if account.hook_token:
            self._waiting.append((f"/hooks/xportcn/{account.name}/{account.hook_token}", message(order)))

    async def _tell(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE, transport=self._transport) as http:
            while True:
                await asyncio.sleep(PAUSE)
                await self.deliver(http)

    async def _post(self, http: httpx.AsyncClient, path: str, body: bytes) -> None:
        try:
            answer = await http.post(self._root + path, content=body, headers={"content-type": "application/json"})
            code = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            code = 0
        self.answers[code] = self.answers.get(code, 0) + 1


def message(order: Order) -> bytes:
    """What is told of an order as it is now."""
    body = {
        "orderId": order.outer_id or order.order_id,
        "orderNo": order.order_no,
        "orderStatus": order.state.upper().replace(" ", "_"),
        "payStatus": 2 if order.paid else 1,
        "totalAmount": order.total,
        "shippingFee": order.shipping,
        "productAmount": order.total - order.shipping,
        "refundAmount": order.refunded,
        "refundStatus": None,
        "closeReason": "buyer_cancel" if order.state in GONE else None,
        "tbCreateTime": local(order.created),
        "payTime": local(order.paid) if order.paid else None,
    }
    whole = {
        "messageType": _type(order),
        "messageBody": json_text(body),
        "messagePlatform": 0,
        "timestamp": str(order.modified * 1000 + order.version % 1000),
    }
    return json.dumps(whole, ensure_ascii=False).encode()


def _type(order: Order) -> str:
    if order.version == 0:
        return "ORDER_CREATE"
    if order.state in GONE:
        return "ORDER_CANCEL"
    if order.refund is not None:
        return "ORDER_BUYER_VIEW_ORDER_BUYER_REFUND"
    if order.state is State.UNPAID:
        return "ORDER_BUYER_VIEW_ORDER_PRICE_MODIFY"
    return "ORDER_PAY_SUCCESS" if order.state is State.PAID else UNLISTED
