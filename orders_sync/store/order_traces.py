"""Traces of an order beside its rows: rejects, messages, and the last reads of the time it was created in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from orders_sync.store.database import Session
from orders_sync.store.order_numbers import OrderKey
from orders_sync.store.queries import select_dict, select_groups, select_value

MOST_READ = 2000  # rejects, and messages that wait, whose bytes are searched
MOST_SHOWN = 20  # of each

# a reject names its order by the order's id only; a message by the numbers it was found to hold
_REJECTS = """
SELECT n.number, r.* FROM unnest(%(numbers)s::text[]) AS n (number) CROSS JOIN LATERAL (
    SELECT id, account, platform, order_id, reason, rejected_at, read_at, ignored_by FROM sync.rejects
    WHERE platform = ANY (ARRAY(SELECT platform FROM sync.accounts)) AND order_id = n.number AND resolved_at IS NULL
    ORDER BY read_at DESC LIMIT %(most)s
) AS r
ORDER BY r.read_at DESC
"""
_MESSAGES = """
SELECT n.number, m.* FROM unnest(%(numbers)s::text[]) AS n (number) CROSS JOIN LATERAL (
    SELECT id, account, message_type, received_at, handled_at, outcome FROM sync.messages WHERE order_no = n.number
    UNION
    SELECT id, account, message_type, received_at, handled_at, outcome FROM sync.messages WHERE order_id = n.number
    ORDER BY received_at DESC LIMIT %(most)s
) AS m
ORDER BY m.received_at DESC
"""
# the bytes of each record are read once, however many numbers are looked for
_BY_TEXT = """
SELECT number, {columns} FROM (
    SELECT t.number, {columns}, row_number() OVER (PARTITION BY t.number ORDER BY {time} DESC) AS place
    FROM ({newest} ORDER BY id DESC LIMIT %(most_read)s) AS newest
    JOIN unnest(%(numbers)s::text[], %(texts)s::bytea[]) AS t (number, text) ON position(t.text IN bytes) > 0
) AS found
WHERE place <= %(most)s ORDER BY {time} DESC
"""
_REJECTS_BY_TEXT = _BY_TEXT.format(
    columns="id, account, platform, order_id, reason, rejected_at, read_at, ignored_by",
    time="read_at",
    newest="SELECT *, payload AS bytes FROM sync.rejects WHERE resolved_at IS NULL",
)
_MESSAGES_BY_TEXT = _BY_TEXT.format(
    columns="id, account, message_type, received_at, handled_at, outcome",
    time="received_at",
    newest="SELECT *, body AS bytes FROM sync.messages WHERE handled_at IS NULL",
)
# only open differences are looked at, by their partial index: few, with at most some hundred ids each
_FOUND_BY_AUDITS = """
SELECT DISTINCT ON (n.number) n.number, d.audit_id AS audit, a.account, a.started_at AS began_at, d.starts_at, d.ends_at
FROM sync.audit_differences AS d JOIN sync.audits AS a ON a.id = d.audit_id
JOIN unnest(%(numbers)s::text[]) AS n (number) ON n.number = ANY (d.missing_ids)
WHERE d.repaired_at IS NULL AND d.missing_ids && %(numbers)s::text[]
ORDER BY n.number, d.audit_id DESC
"""

# complete reads of the list in which an order `o` stands by its creation time. Only windows that end soon after it are
# looked at: those of changes and messages are short, all others a month long at most, as a rule
_READS = """
    SELECT max(w.started_at) FROM sync.windows AS w
    WHERE w.account = o.account AND w.kind = ANY ({}) AND w.ends_at > o.created_at
        AND w.ends_at < o.created_at + interval {} AND w.starts_at <= o.created_at
        AND w.feed = 'created' AND w.state = 'done' AND (w.status IS NULL OR w.status = o.status)
"""
_SHORT_READS = _READS.format("ARRAY['incremental', 'hook']", "'2 hours'")
_LONG_READS = _READS.format("ARRAY['confirm', 'sweep', 'backfill', 'repair']", "'40 days'")
_LAST_READS = f"""
SELECT o.platform || ' ' || o.order_id, greatest(
    (SELECT max(h.read_at) FROM order_history AS h WHERE (h.platform, h.order_id) = (o.platform, o.order_id)),
    ({_SHORT_READS}), ({_LONG_READS})
) AS last_read_at
FROM orders AS o
JOIN unnest(%(platforms)s::text[], %(ids)s::text[]) AS k (platform, order_id) USING (platform, order_id)
"""
_MAY_READ = """
SELECT has_column_privilege('sync.rejects', 'payload', 'SELECT')
    AND has_column_privilege('sync.messages', 'body', 'SELECT')
"""
_NAMES = "SELECT platform || ' ' || status, ARRAY[name_zh, name_en] FROM order_statuses"


class RejectTrace(msgspec.Struct, frozen=True):
    """An unsettled reject. `rejected_at`: when it was first seen; `read_at`: when the last read of it began.

    `ignored_by`: who ignores it, None where it is open.
    """

    id: int
    account: str
    platform: str
    order_id: str | None
    reason: str
    rejected_at: datetime
    read_at: datetime
    ignored_by: str | None = None


class MessageTrace(msgspec.Struct, frozen=True):
    """A message of a platform. `handled_at` is None while it waits; `outcome`: what was done about it, in words."""

    id: int
    account: str
    message_type: str | None
    received_at: datetime
    handled_at: datetime | None
    outcome: str | None


class FoundByAudit(msgspec.Struct, frozen=True):
    """An open difference of an audit that names an order as missing. `[starts_at, ends_at)`: its range."""

    audit: int
    account: str
    began_at: datetime
    starts_at: datetime
    ends_at: datetime


class StatusName(msgspec.Struct, frozen=True):
    """A documented status in words."""

    zh: str
    en: str


def rejects(session: Session, numbers: Sequence[str]) -> dict[str, list[RejectTrace]]:
    """Return by order id the newest rejects of the orders with these ids, `MOST_SHOWN` at most of each."""
    return select_groups(session, _REJECTS, {"numbers": list(numbers), "most": MOST_SHOWN}, RejectTrace)


def messages(session: Session, numbers: Sequence[str]) -> dict[str, list[MessageTrace]]:
    """Return by number the newest messages that were found to name that order, `MOST_SHOWN` at most of each."""
    return select_groups(session, _MESSAGES, {"numbers": list(numbers), "most": MOST_SHOWN}, MessageTrace)


def found_by_audits(session: Session, numbers: Sequence[str]) -> dict[str, list[FoundByAudit]]:
    """Return by order id the newest open difference that names that order as missing, if there is one."""
    return select_groups(session, _FOUND_BY_AUDITS, {"numbers": list(numbers)}, FoundByAudit)


def by_text(
    session: Session, numbers: Sequence[str]
) -> tuple[dict[str, list[RejectTrace]], dict[str, list[MessageTrace]]]:
    """Return by number the rejects and the unhandled messages whose bytes hold it, among the newest of each.

    Nothing for a role that may not read them.
    """
    if not numbers or not select_value(session, _MAY_READ, None, bool):
        return {}, {}
    values = {
        "numbers": list(numbers),
        "texts": [number.encode() for number in numbers],
        "most_read": MOST_READ,
        "most": MOST_SHOWN,
    }
    return (
        select_groups(session, _REJECTS_BY_TEXT, values, RejectTrace),
        select_groups(session, _MESSAGES_BY_TEXT, values, MessageTrace),
    )


def last_reads(session: Session, keys: Sequence[OrderKey]) -> dict[OrderKey, datetime | None]:
    """Return when the newest complete read began that would have listed each of these orders.

    No later read than that is known; where lists go by update time, an order that did not change is in no list.
    """
    values = {"platforms": [key.platform for key in keys], "ids": [key.order_id for key in keys]}
    found = select_dict(session, _LAST_READS, values, dict[str, datetime | None])
    return {key: found.get(f"{key.platform} {key.order_id}") for key in keys}


def status_names(session: Session) -> dict[tuple[str, str], StatusName]:
    """Return the documented statuses in words, by platform and status."""
    found = select_dict(session, _NAMES, None, dict[str, list[str]])
    return {(key.split(" ", 1)[0], key.split(" ", 1)[1]): StatusName(*names) for key, names in found.items()}
