"""Decide what a platform's messages lead to: which orders are read again, and when changes are due at once.

    known order, not read since      --> one second of creation time is read first of all        closed
    unknown, the message says when   --> the minutes around that time, at once                   waits
    unknown                          --> changes are due once they reach past the message        closed then

A message only says which order to read: what lands is what the list says (P2). Messages that arrive meanwhile are
planned once all windows of those before are read: so ten messages about one order are one read. Between any two windows
that messages asked for, one of another kind is read, if any waits (`store/claims.py`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import msgspec

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.ledger import PlannedTimes, Wanted
from orders_sync.domain.messages import (
    COMES_WITH_CHANGES,
    READ_AGAIN,
    KnownOrder,
    Message,
    MessageContent,
    MessageOutcome,
)
from orders_sync.domain.windows import SECOND, Window, WindowKind, merge, whole_second
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import MessageService
from orders_sync.store import followups, ledger, messages
from orders_sync.store.database import Connection

# no document says how near tbCreateTime is to createTime; a longer window costs one call all the same
AROUND = timedelta(minutes=1)
ENOUGH = 200  # windows; messages that remain are planned when these are read


class MessageDecision(msgspec.Struct, frozen=True):
    """The reads that a message asks for: `windows` of creation time, for `orders` where these are known.

    `are_changes_due`: changes are planned at once; `is_handled`: the message waits for nothing else.
    """

    outcome: str
    windows: tuple[Window, ...] = ()
    is_handled: bool = True
    are_changes_due: bool = False
    orders: tuple[Wanted, ...] = ()


async def plan_messages(connection: Connection, source: AccountSource, planned: PlannedTimes) -> bool:
    """Plan what the account's waiting messages ask for. Return True if changes are due now: the caller plans them.

    In a transaction, the account's row locked.
    """
    name, service = source.account.name, source.platform.messages
    if service is None or await ledger.has_hooks(connection, name):
        return False
    windows: list[Window] = []
    sought: list[Wanted] = []
    are_changes_due = False
    batch = await messages.waiting(connection, name)
    while batch:
        contents = [_parse(service, message.body) for message in batch]
        orders = await _known(connection, source, contents)
        outcomes: list[MessageOutcome] = []
        wanted: list[Window] = []
        for message, content in zip(batch, contents, strict=True):
            found = [order for number in content.numbers for order in orders[number]]
            decision = decide_reads(message, content, found, planned, source.policy)
            wanted += decision.windows
            sought += decision.orders
            are_changes_due = are_changes_due or decision.are_changes_due
            if decision.outcome != message.outcome:
                named = content.message_type, content.order_no, content.order_id
                outcomes.append(MessageOutcome(message.id, *named, decision.outcome, decision.is_handled))
        await messages.record_outcomes(connection, outcomes)
        windows = merge([*windows, *wanted])
        batch = await messages.waiting(connection, name, batch[-1].id) if len(windows) < ENOUGH else []
    await followups.plan(connection, name, WindowKind.HOOK, windows, sought)
    return are_changes_due


def _parse(service: MessageService, body: bytes) -> MessageContent:
    """Parse a message. Where the platform's package fails on it, only this message is lost, not later ones."""
    try:
        return service.parse(body)
    except Exception as error:
        return MessageContent(
            reason=f"the package of the platform fails on it ({type(error).__name__}); please report it"
        )


async def _known(
    connection: Connection, source: AccountSource, contents: list[MessageContent]
) -> dict[str, list[KnownOrder]]:
    numbers = {number for content in contents for number in content.numbers}
    orders: dict[str, list[KnownOrder]] = defaultdict(list)
    if numbers:
        for order in await messages.known(connection, source.account.name, source.platform.name, list(numbers)):
            orders[order.number].append(order)
    return orders


def decide_reads(
    message: Message, content: MessageContent, known: list[KnownOrder], planned: PlannedTimes, policy: SyncPolicy
) -> MessageDecision:
    """Decide what a message asks for. `known`: the orders in the tables that have its numbers. Pure."""
    if content.reason:
        return MessageDecision(f"nothing to read: {content.reason}")
    if known:
        to_read = [order for order in known if order.read_at is None or order.read_at <= message.received_at]
        if not to_read:
            return MessageDecision("its order was read since it came")
        starts = {whole_second(order.created_at) for order in to_read}
        windows = tuple(Window(start, start + SECOND) for start in starts)
        orders = tuple(Wanted(order.order_id, order.created_at) for order in to_read)
        return MessageDecision(READ_AGAIN, windows, orders=orders)
    if content.elsewhere:
        return MessageDecision(
            f"its order is not known, and is {content.elsewhere}: it is in none of the lists read here"
        )
    if content.created is not None and content.created < min(
        policy.history_from, planned.history_from or policy.history_from
    ):
        return MessageDecision("its order is not known, and older than what is synced")
    is_planned = planned.planned_to is not None and planned.planned_to > message.received_at
    if not is_planned and whole_second(planned.now - policy.lag) <= message.received_at:
        return MessageDecision("its order is not known yet", _guess(message, content, planned), is_handled=False)
    # changes reach back by the overlap only; the first ones as far as the history
    is_old = content.created and planned.planned_to and content.created < planned.planned_to - policy.overlap
    windows = _guess(message, content, planned) if is_old else ()
    return MessageDecision(COMES_WITH_CHANGES, windows, are_changes_due=not is_planned)


def _guess(message: Message, content: MessageContent, planned: PlannedTimes) -> tuple[Window, ...]:
    """Return the window in which an unknown order should be listed, once per message; none in the future."""
    if content.created is None or message.outcome is not None or content.created >= planned.now:
        return ()
    created = whole_second(content.created)
    return (Window(created - AROUND, min(created + AROUND, whole_second(planned.now) + SECOND)),)
