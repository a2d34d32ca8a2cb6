"""Owners of orders that more than one account lists: sub-accounts of one shop, or two apps.

    the owner is    a version of the order that another account reads
    active          lands where it is a newer version, and the order stays with its owner. At an equal modify time it
                    changes nothing, unless this account listed other bytes before: ids that differ by app are no change
    not active      lands as the owner's would, and the order belongs to the reader from then on
    on another host never lands: two hosts of one API may give the same id to different orders

An owner is active until it is suspended, retired or removed from the settings. What an account lists beside the owner
is recorded in `sync.shared_orders`, once for each version of it: reading it again writes nothing (P3), and an owner
that is no longer active hands its orders over to whoever lists them, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from orders_sync.domain.versions import Version
from orders_sync.store.database import Connection, Session
from orders_sync.store.queries import fetch_dict, fetch_rows, select_rows

_IS_ACTIVE = "{0}.removed_at IS NULL AND {0}.retired_at IS NULL AND {0}.suspended_at IS NULL"

# that two accounts, by their names, are known to be on different hosts
OTHER_HOST = """EXISTS (
    SELECT FROM sync.accounts AS h JOIN sync.accounts AS i ON h.host <> i.host WHERE h.name = {0} AND i.name = {1})"""

_OWNERS = f"""
SELECT o.name, coalesce(o.host <> me.host, false) AS is_on_other_host, o.host,
    {_IS_ACTIVE.format("o")} AS is_active
FROM sync.accounts AS o LEFT JOIN sync.accounts AS me ON me.name = %s WHERE o.name = ANY(%s)
"""

_LISTED = """
SELECT order_id, payload_hash FROM sync.shared_orders
WHERE platform = %s AND account = %s AND order_id = ANY(%s)
"""

_RECORD_LISTINGS = """
INSERT INTO sync.shared_orders AS s (platform, order_id, account, payload_hash, seen_at)
SELECT %s, n.order_id, %s, n.payload_hash, n.seen_at
FROM unnest(%s::text[], %s::bytea[], %s::timestamptz[]) AS n (order_id, payload_hash, seen_at)
ON CONFLICT (platform, order_id, account) DO UPDATE
SET payload_hash = excluded.payload_hash, seen_at = excluded.seen_at
WHERE s.seen_at <= excluded.seen_at AND s.payload_hash <> excluded.payload_hash
"""

_TAKE = """
WITH raw AS (
    UPDATE raw_orders SET account = %(account)s WHERE platform = %(platform)s AND order_id = ANY(%(order_ids)s)
)
UPDATE orders SET account = %(account)s, synced_at = now()
WHERE platform = %(platform)s AND order_id = ANY(%(order_ids)s)
"""

# the orders of accounts that are no longer active, to whoever listed them last; locked as a landing locks them
HAND_OVER = f"""
WITH heirs AS MATERIALIZED (
    SELECT DISTINCT ON (o.platform, o.order_id) o.platform, o.order_id, s.account
    FROM sync.shared_orders AS s JOIN orders AS o USING (platform, order_id)
    JOIN sync.accounts AS a ON a.name = s.account AND {_IS_ACTIVE.format("a")}
    WHERE o.account = ANY(%s::text[]) AND s.account <> o.account
    ORDER BY o.platform, o.order_id, s.seen_at DESC
), locked AS MATERIALIZED (
    SELECT r.platform, r.order_id, h.account FROM raw_orders AS r JOIN heirs AS h USING (platform, order_id)
    ORDER BY r.platform, r.order_id COLLATE "C" FOR UPDATE OF r
), raw AS (
    UPDATE raw_orders AS t SET account = l.account FROM locked AS l
    WHERE (t.platform, t.order_id) = (l.platform, l.order_id)
)
UPDATE orders AS t SET account = l.account, synced_at = now() FROM locked AS l
WHERE (t.platform, t.order_id) = (l.platform, l.order_id)
"""

# orders an account lists and another keeps, as numbers
SHARED = """
SELECT s.account, o.account AS owner, count(*)::int AS orders
FROM sync.shared_orders AS s JOIN orders AS o USING (platform, order_id)
WHERE s.account <> o.account GROUP BY 1, 2 ORDER BY 1, 2
"""


class SharedOrders(msgspec.Struct, frozen=True):
    """The number of orders that an account lists and another one, their `owner`, keeps current."""

    account: str
    owner: str
    orders: int


def shared(session: Session) -> list[SharedOrders]:
    """Return what accounts list of each other's orders."""
    return select_rows(session, SHARED, None, SharedOrders)


class _Owner(msgspec.Struct, frozen=True):
    name: str
    is_on_other_host: bool
    host: str | None
    is_active: bool


class Ownership:
    """The owners of orders that `account` reads and does not own, for one landing: make a new one for each."""

    def __init__(self, connection: Connection, platform: str, account: str) -> None:
        self._connection = connection
        self._platform = platform
        self._account = account
        self._owners: dict[str, _Owner] = {}
        self._listed: dict[str, bytes] = {}
        self._seen: dict[str, tuple[bytes, datetime]] = {}

    async def learn(self, foreign: Mapping[str, str]) -> None:
        """Load the owners of `foreign` orders (owner by order id); required before the questions below.

        An owner without a row in `sync.accounts` counts as not active.
        """
        if not foreign:
            return
        names = {name for name in foreign.values() if name not in self._owners}
        if names:
            self._owners |= {name: _Owner(name, False, None, False) for name in names}
            found = await fetch_rows(self._connection, _OWNERS, [self._account, list(names)], _Owner)
            self._owners |= {owner.name: owner for owner in found}
        values = [self._platform, self._account, list(foreign)]
        self._listed |= await fetch_dict(self._connection, _LISTED, values, dict[str, bytes])

    def is_foreign(self, owner: str) -> bool:
        """Return whether the order is another account's."""
        return owner != self._account

    def host_conflict(self, owner: str, order_id: str) -> str | None:
        """Return the reason why an order of this owner must not be landed by the account; None if it may be."""
        found = self._owners[owner]
        if not found.is_on_other_host:
            return None
        return (
            f"another order has the id {order_id}: {owner} read it from {found.host}. Two hosts give out ids of their "
            f"own. If both are one shop, `orders-sync accounts merge {owner} {self._account}` gives its orders to "
            f"{self._account}; if not, sync one of them into a database of its own"
        )

    def is_abandoned(self, owner: str) -> bool:
        """Return whether the owner is not active, so that the order is to become the account's."""
        found = self._owners[owner]
        return not found.is_active and not found.is_on_other_host

    def can_be_skipped(self, owner: str, order_id: str, payload_hash: bytes, stored: bytes | None) -> bool:
        """Return whether an active owner's order can be skipped: equal bytes are stored, or were listed before.

        `stored`: the hash of the stored payload, None where a reject of the order is open.
        """
        if stored is None or self.is_abandoned(owner):
            return False
        return payload_hash in (stored, self._listed.get(order_id))

    def is_change(self, order_id: str, payload_hash: bytes, version: Version, stored: Version) -> bool:
        """Return whether a version of an active owner's order may be newer than the stored one."""
        if order_id in self._listed and self._listed[order_id] != payload_hash:
            return True
        return version.is_modified_after(stored)

    def record_listing(self, order_id: str, payload_hash: bytes, read_at: datetime) -> None:
        """Record the bytes with which the account lists an active owner's order, for `finish`."""
        if self._listed.get(order_id) != payload_hash:
            self._seen[order_id] = payload_hash, read_at

    async def take(self, order_ids: list[str]) -> None:
        """Make the account the owner of orders. Their rows of `raw_orders` must be locked."""
        if order_ids:
            values = {"platform": self._platform, "account": self._account, "order_ids": order_ids}
            await self._connection.execute(_TAKE, values)

    async def finish(self) -> None:
        """Store the listings that were recorded."""
        if self._seen:
            order_ids = sorted(self._seen)
            hashes, times = zip(*(self._seen[order_id] for order_id in order_ids), strict=True)
            await self._connection.execute(
                _RECORD_LISTINGS, [self._platform, self._account, order_ids, list(hashes), list(times)]
            )
