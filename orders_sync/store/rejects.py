"""Records that could not be normalised: kept whole, once each, until their order lands (P4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orders_sync.store.database import Connection

_INSERT = """
INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, window_id, read_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (account, payload_hash) DO UPDATE
SET resolved_at = NULL, reason = excluded.reason, read_at = excluded.read_at
WHERE rejects.resolved_at IS NOT NULL
"""

_RESOLVE = """
UPDATE sync.rejects SET resolved_at = now()
WHERE platform = %s AND order_id = ANY(%s) AND resolved_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Reject:
    """`order_id` is None when not even that could be read; `reason` names the field as the platform spells it."""

    account: str
    platform: str
    order_id: str | None
    payload: bytes
    payload_hash: bytes
    reason: str
    window_id: int | None
    read_at: datetime


async def keep(connection: Connection, reject: Reject) -> None:
    """Store a reject; the same bytes of the same account are stored once."""
    await connection.execute(
        _INSERT,
        [
            reject.account,
            reject.platform,
            reject.order_id,
            reject.payload,
            reject.payload_hash,
            reject.reason.replace("\x00", "\\0"),
            reject.window_id,
            reject.read_at,
        ],
    )


async def resolve(connection: Connection, platform: str, order_ids: list[str]) -> None:
    """These orders have landed: what was rejected of them before is settled."""
    await connection.execute(_RESOLVE, [platform, order_ids])
