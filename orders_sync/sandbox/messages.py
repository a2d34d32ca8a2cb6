"""Xportcn's message service: posts changes to a callback URL, out of order, some of them twice (api-facts 3).

A message is sent at the time of the change, before an order that is indexed late appears in a list. A message that
is not accepted is not sent again.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress

import httpx

from orders_sync.sandbox.formats import local_time
from orders_sync.sandbox.json_text import json_text
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.rng import seeded_rng
from orders_sync.sandbox.shops import SandboxAccount
from orders_sync.sandbox.states import CLOSED_STATES, State
from orders_sync.sandbox.world import World

TIMEOUT = 1.0  # seconds
DELIVERY_INTERVAL = 0.1  # seconds; messages of one interval are shuffled
DUPLICATE_SHARE = 0.15  # of the messages
CONCURRENCY = 8
OTHER_TYPE = "SANDBOX_ORDER_CHANGE"  # the public list of types is incomplete: a receiver must accept any value


class MessageSender:
    """Posts the changes of a world to `root`/hooks/xportcn/ACCOUNT/TOKEN, from its creation on.

    `responses` counts messages by HTTP status; 0 for no response.
    """

    def __init__(self, world: World, root: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.responses: dict[int, int] = {}
        self._root = root.rstrip("/")
        self._transport = transport
        self._queue: deque[tuple[str, bytes]] = deque()
        self._rng = seeded_rng("orders-sync sandbox messages")
        self._task: asyncio.Task[None] | None = None
        world.on_change = self._enqueue

    def start(self) -> None:
        """Start sending. Needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop sending and wait for the end of the task."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def deliver(self, http: httpx.AsyncClient) -> None:
        """Send the queued messages once each, and a share of them twice; return after all responses."""
        batch = [self._queue.popleft() for _ in range(len(self._queue))]
        batch += [queued for queued in batch if self._rng.random() < DUPLICATE_SHARE]
        self._rng.shuffle(batch)
        for start in range(0, len(batch), CONCURRENCY):
            await asyncio.gather(*(self._post(http, path, body) for path, body in batch[start : start + CONCURRENCY]))

    def _enqueue(self, account: SandboxAccount, order: SandboxOrder) -> None:
        if account.hook_token:
            self._queue.append((f"/hooks/xportcn/{account.name}/{account.hook_token}", build_message(order)))

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT, transport=self._transport) as http:
            while True:
                await asyncio.sleep(DELIVERY_INTERVAL)
                await self.deliver(http)

    async def _post(self, http: httpx.AsyncClient, path: str, body: bytes) -> None:
        try:
            response = await http.post(self._root + path, content=body, headers={"content-type": "application/json"})
            code = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            code = 0
        self.responses[code] = self.responses.get(code, 0) + 1


def build_message(order: SandboxOrder) -> bytes:
    """Return the message body (JSON) for an order in its present state."""
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
        "closeReason": "buyer_cancel" if order.state in CLOSED_STATES else None,
        "tbCreateTime": local_time(order.created),
        "payTime": local_time(order.paid) if order.paid else None,
    }
    envelope = {
        "messageType": _message_type(order),
        "messageBody": json_text(body),
        "messagePlatform": 0,
        "timestamp": str(order.modified * 1000 + order.version % 1000),
    }
    return json.dumps(envelope, ensure_ascii=False).encode()


def _message_type(order: SandboxOrder) -> str:
    if order.version == 0:
        return "ORDER_CREATE"
    if order.state in CLOSED_STATES:
        return "ORDER_CANCEL"
    if order.refund is not None:
        return "ORDER_BUYER_VIEW_ORDER_BUYER_REFUND"
    if order.state is State.UNPAID:
        return "ORDER_BUYER_VIEW_ORDER_PRICE_MODIFY"
    return "ORDER_PAY_SUCCESS" if order.state is State.PAID else OTHER_TYPE
