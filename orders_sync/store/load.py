"""Landing a window's records: what is known goes no further, what is new is copied, what changed is staged and updated.

    records --ask the hashes--> unchanged, nothing rejected: nothing is written, nothing is decoded    (P3)
                 |
                 '--normalise--> cannot: sync.rejects                                                  (P4)
                        |------> new: COPY into every table
                        '------> changed: lock, drop the stale (P2), COPY to temporary tables, update

What another account's order is to the one that reads it: `ownership`.

What is in the tables now settles what was rejected of the order before. All in the caller's transaction, and in one
order that every loader keeps, so that two cannot wait for each other: the rows of `raw_orders`, whether they are
inserted or locked, by ascending order_id over all batches; what hangs on each of them only by whoever holds its row;
then `sync.shared_orders`, then `sync.rejects` (see there).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from operator import itemgetter
from typing import Any, cast

import msgspec
import xxhash
from psycopg import errors

from orders_sync.domain.directions import Direction
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.domain.rows import OrderRow, OrderRows
from orders_sync.domain.versions import Precedence, Version, precedence
from orders_sync.store import copyrows, older, rejects, statements, writing
from orders_sync.store.database import Connection
from orders_sync.store.ownership import Ownership
from orders_sync.store.rejects import Current, Reject
from orders_sync.store.writing import FlatOrder

BATCH = 500  # orders; larger ones are no faster and hold more memory
PIECE = 50  # orders made into rows at a stretch: then whoever else is ready goes on, lest the database wait for us

_CHILD_ROWS: tuple[Callable[[OrderRows], Sequence[msgspec.Struct]], ...] = (
    lambda rows: rows.sub_orders,
    lambda rows: rows.product_items,
    lambda rows: rows.parcels,
    lambda rows: (rows.receiver,) if rows.receiver else (),
)
_watched = itemgetter(*(OrderRow.__struct_fields__.index(name) for name in statements.WATCHED))

# what the database says of a row, not of itself
_REFUSALS = (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded, errors.CardinalityViolation)


class _DeletedError(Exception):
    """Orders that were stored a moment ago are not any more: somebody deleted them by hand."""

    def __init__(self, order_ids: set[str]) -> None:
        super().__init__()
        self.order_ids = order_ids


class Source(msgspec.Struct, frozen=True):
    """Where records come from, and how they become rows. `normalize` raises `InvalidRecordError` and nothing else."""

    platform: str
    account: str
    window_id: int | None
    normalize: Callable[[bytes], OrderRows]
    direction: Direction


class Stored(msgspec.Struct, frozen=True):
    """An order as `raw_orders` holds it."""

    account: str
    order_id: str
    payload: bytes
    payload_hash: bytes
    rows_hash: bytes
    read_at: datetime


def fingerprint(data: bytes) -> bytes:
    """16 bytes that differ when what was received does: XXH3, which keeps no adversary out.

    There is none here: the platform writes both payloads of an order that are compared.
    """
    return xxhash.xxh3_128_digest(data)


async def land(connection: Connection, source: Source, records: Iterable[Record]) -> LoadCounts:
    """Land records, at most one an order, in the transaction of `connection`. Raises psycopg.Error."""
    loader = _Loader(connection, source)
    ordered = sorted(records, key=lambda record: record.order_id or "")
    for start in range(0, len(ordered), BATCH):
        await loader.land(ordered[start : start + BATCH])
    await loader.settle()
    return loader.landed


async def rebuild(connection: Connection, source: Source, batch: list[Stored]) -> LoadCounts:
    """Make the rows of stored orders anew, in the transaction of `connection`; payloads stay. Raises psycopg.Error.

    `changed` were rebuilt; `unchanged` have equal rows and were not even locked; `stale` are those whose payload is
    another by now, or gone; `rejected` cannot be normalised any more and keep the rows they have.
    """
    loader = _Loader(connection, source, rebuilds=True)
    await loader.rebuild(batch)
    await loader.settle()
    return loader.landed


class _Loader:
    def __init__(self, connection: Connection, source: Source, *, rebuilds: bool = False) -> None:
        self.connection = connection
        self.source = source
        self.rebuilds = rebuilds
        self.landed = LoadCounts()
        self.rejected: list[Reject] = []
        self.current: list[Current] = []
        self.unread: set[str] = set()  # changed orders of which an unread version was noted before
        self.ownership = Ownership(connection, source.platform, source.account)

    async def land(self, batch: list[Record]) -> None:
        hashed = [(record, fingerprint(record.payload)) for record in batch]
        known, foreign = await self._known([record.order_id for record in batch if record.order_id is not None])
        await self.ownership.learn(foreign)
        orders: list[FlatOrder] = []
        for number, (record, payload_hash) in enumerate(hashed):
            if record.order_id in foreign:
                if self._passes_over(record, payload_hash, foreign[record.order_id], known[record.order_id]):
                    continue
            elif record.order_id is not None and known.get(record.order_id) == payload_hash:
                self.landed.unchanged += 1
                continue
            if number % PIECE == 0:
                await asyncio.sleep(0)
            try:
                orders.append(self._flatten(record, payload_hash))
            except InvalidRecordError as error:
                self._reject(record, payload_hash, str(error))
        await self._store(orders, known.keys())

    async def rebuild(self, batch: list[Stored]) -> None:
        known, _ = await self._known([stored.order_id for stored in batch])
        orders: list[FlatOrder] = []
        for stored in batch:
            record = Record(stored.order_id, stored.payload, stored.read_at)
            try:
                order = self._flatten(record, stored.payload_hash)
            except InvalidRecordError as error:
                self._reject(record, stored.payload_hash, str(error))
                continue
            if order.rows_hash == stored.rows_hash and known.get(stored.order_id) == stored.payload_hash:
                self.landed.unchanged += 1
            else:
                orders.append(order)
        await self._store(orders, [order.order_id for order in orders])

    async def settle(self) -> None:
        """Keep what other accounts' orders are listed like and what was rejected.

        Resolve older rejects of what is in the tables now.
        """
        await self.ownership.settle()
        if self.rejected or self.current:
            source = self.source
            await rejects.settle(
                self.connection, source.platform, source.account, self.rejected, self.current, self.unread
            )

    def _passes_over(self, record: Record, payload_hash: bytes, owner: str, stored: bytes | None) -> bool:
        """Whether there is nothing to land of another account's order; then it is counted."""
        order_id = record.order_id or ""
        if (refusal := self.ownership.refusal(owner, order_id)) is not None:
            self._reject(record, payload_hash, refusal)
            return True
        if self.ownership.is_nothing_new(owner, order_id, payload_hash, stored):
            self.ownership.note(order_id, payload_hash, record.read_at)
            self.landed.unchanged += 1
            return True
        return False

    def _flatten(self, record: Record, payload_hash: bytes) -> FlatOrder:
        if record.order_id is None:
            raise InvalidRecordError(record.fault)
        try:
            record.payload.decode()
        except UnicodeDecodeError as error:
            raise InvalidRecordError(f"not UTF-8: {error}") from None
        rows = self.source.normalize(record.payload)
        if rows.order.order_id != record.order_id:
            raise InvalidRecordError(f"read as order {rows.order.order_id}, known as order {record.order_id}")
        platform, direction = self.source.platform, self.source.direction.value
        order = copyrows.fields(rows.order)
        order_text = copyrows.line([platform, *order])
        children = [
            "".join([copyrows.line([platform, *copyrows.fields(row), direction]) for row in rows_of(rows)])
            for rows_of in _CHILD_ROWS
        ]
        return FlatOrder(
            platform,
            direction,
            self.source.account,
            self.source.window_id,
            record.order_id,
            record.payload,
            payload_hash,
            blake2b("".join([order_text, *children]).encode(), digest_size=16).digest(),
            Version(rows.order.modified_at, record.read_at),
            copyrows.line([platform, self.source.account, *order, direction]),
            children,
            _watched(order),
            rows.has_all_lines and bool(rows.sub_orders),  # an order without a line is none that was read
        )

    async def _known(self, order_ids: list[str]) -> tuple[dict[str, bytes | None], dict[str, str]]:
        """The hashes of what is stored, and the owners of what is another account's; both by the order's id."""
        values = {"platform": self.source.platform, "account": self.source.account, "order_ids": order_ids}
        cursor = await self.connection.execute(statements.KNOWN, values, binary=True)
        rows = cast("list[tuple[str, bytes | None, str | None]]", await cursor.fetchall())
        owners = {order_id: owner for order_id, _, owner in rows if owner is not None}
        return {order_id: payload_hash for order_id, payload_hash, _ in rows}, owners

    async def _store(self, orders: list[FlatOrder], known: Iterable[str]) -> None:
        """Store what is new or changed; what the database itself refuses is cut in halves until it stands alone.

        `known`: the orders that are stored, as far as was asked; what others land or delete meanwhile is found out.
        """
        if not orders:
            return
        stored = set(known)
        counts = LoadCounts()
        refused: list[tuple[FlatOrder, str]] = []
        try:
            async with self.connection.transaction():
                current = await self._write(orders, stored, counts, refused)
        except _DeletedError as error:
            await self._store(orders, stored - error.order_ids)
        except errors.UniqueViolation as error:
            now_known, _ = await self._known([order.order_id for order in orders])
            if now_known.keys() - stored:  # somebody landed some of them since we asked
                await self._store(orders, now_known)
            else:
                await self._store_halves(orders, stored, error)
        except _REFUSALS as error:
            await self._store_halves(orders, stored, error)
        else:
            self.landed += counts
            self.current += [Current(each.order_id, each.read_at, each.payload_hash) for each in current]
            for order, reason in refused:
                self._reject(Record(order.order_id, order.payload, order.read_at), order.payload_hash, reason)

    async def _write(
        self, orders: list[FlatOrder], known: set[str], counts: LoadCounts, refused: list[tuple[FlatOrder, str]]
    ) -> list[FlatOrder]:
        """Insert what is new and update what is older, in ascending order of order_id.

        Return those that are current now: all but the stale and the refused, which another host's account turned out to
        hold.
        """
        held = [order for order in orders if order.order_id in known]
        if not held:
            await writing.insert(self.connection, orders)
            counts.new += len(orders)
            return orders
        inserted: set[str] = set()
        if len(held) < len(orders):
            inserted = await writing.insert_or_lock(self.connection, orders)
            counts.new += len(inserted)
        new = [order for order in orders if order.order_id in inserted]
        return [
            *new,
            *await self._update([order for order in orders if order.order_id not in inserted], counts, refused),
        ]

    async def _store_halves(self, orders: list[FlatOrder], known: set[str], error: errors.Error) -> None:
        if len(orders) == 1:
            order = orders[0]
            record = Record(order.order_id, order.payload, order.read_at)
            self._reject(record, order.payload_hash, f"refused by the database: {_said(error)}")
            return
        middle = len(orders) // 2
        await self._store(orders[:middle], known)
        await self._store(orders[middle:], known)

    def _reject(self, record: Record, payload_hash: bytes, reason: str) -> None:
        self.landed.rejected += 1
        where = self.source
        self.rejected.append(
            Reject(
                where.account,
                where.platform,
                record.order_id,
                record.payload,
                payload_hash,
                reason,
                where.window_id,
                record.read_at,
            )
        )

    async def _update(
        self, orders: list[FlatOrder], counts: LoadCounts, refused: list[tuple[FlatOrder, str]]
    ) -> list[FlatOrder]:
        """Lock what is stored and update what is older. As `_write`."""
        if not orders:
            return []
        account = self.source.account
        cursor = await self.connection.execute(
            statements.LOCK, [self.source.platform, [order.order_id for order in orders]]
        )
        stored = {row[0]: row[1:] for row in cast("list[tuple[Any, ...]]", await cursor.fetchall())}
        deleted = {order.order_id for order in orders} - stored.keys()
        if deleted and not self.rebuilds:
            raise _DeletedError(deleted)
        remembered = {} if self.rebuilds else await older.remembered(self.connection, self.source.platform, stored)
        foreign = {} if self.rebuilds else {name: row[5] for name, row in stored.items() if row[5] != account}
        await self.ownership.learn(foreign)
        stale: list[FlatOrder] = []
        older_at_first: list[FlatOrder] = []
        equal: list[FlatOrder] = []
        same_rows: list[FlatOrder] = []
        changed: list[FlatOrder] = []
        rebuilt: list[FlatOrder] = []
        went_back: list[str] = []
        for order in orders:
            if self.rebuilds and order.order_id not in stored:
                stale.append(order)
                continue
            payload_hash, rows_hash, modified_at, read_at, went_back_at, owner = stored[order.order_id]
            has_same_rows = rows_hash == order.rows_hash
            before = Version(modified_at, read_at)
            if order.order_id in foreign:
                if (reason := self.ownership.refusal(owner, order.order_id)) is not None:
                    refused.append((order, reason))
                    continue
                if order.order_id not in remembered and not self._may_replace(order, owner, before):
                    equal.append(order)
                    continue
            if payload_hash == order.payload_hash:
                if went_back_at == read_at and not has_same_rows:
                    went_back.append(order.order_id)  # it still is the version that was believed
                (equal if has_same_rows else rebuilt).append(order)
                continue
            is_now = precedence(order.version, before, went_back_at, remembered.get(order.order_id))
            if self.rebuilds or is_now in (Precedence.OLDER, Precedence.OLDER_AT_FIRST):
                stale.append(order)
                if is_now is Precedence.OLDER_AT_FIRST and not self.rebuilds:
                    older_at_first.append(order)
                continue
            if is_now is Precedence.WENT_BACK:
                went_back.append(order.order_id)
            (same_rows if has_same_rows else changed).append(order)
        self.unread |= await writing.update(self.connection, same_rows, changed, rebuilt, went_back)
        await self.ownership.take([name for name, owner in foreign.items() if self.ownership.is_abandoned(owner)])
        await older.remember(self.connection, older_at_first)
        current = [*equal, *same_rows, *changed, *rebuilt]
        await older.forget(self.connection, [order for order in current if order.order_id in remembered])
        counts.unchanged += len(equal) + len(same_rows)
        counts.changed += len(changed) + len(rebuilt)
        counts.stale += len(stale)
        return current

    def _may_replace(self, order: FlatOrder, owner: str, stored: Version) -> bool:
        """Whether a locked order of another account may be replaced, if what was read is newer."""
        if self.ownership.is_abandoned(owner):
            return True
        self.ownership.note(order.order_id, order.payload_hash, order.read_at)
        return self.ownership.is_change(order.order_id, order.payload_hash, order.version, stored)


def _said(error: errors.Error) -> str:
    """What the database said of one order; not the context, which repeats whole rows."""
    about = error.diag
    at = f" (column {about.column_name} of {about.table_name})" if about.column_name else ""
    # the detail of these names a key, that of others the whole row
    detail = f": {about.message_detail}" if isinstance(error, errors.UniqueViolation) and about.message_detail else ""
    return f"{about.message_primary or type(error).__name__}{at}{detail}"
