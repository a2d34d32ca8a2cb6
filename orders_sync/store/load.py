"""Landing a window's records: what is known goes no further, what is new is copied, what changed is staged and updated.

    records --ask the hashes--> unchanged: nothing is written, nothing is decoded                      (P3)
                 |
                 '--normalise--> cannot: sync.rejects                                                  (P4)
                        |------> new: COPY into every table
                        '------> changed: lock, drop the stale (P2), COPY to temporary tables, update

All in the caller's transaction, in ascending order of order_id, so that two loaders cannot deadlock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import msgspec
from psycopg import errors

from orders_sync.domain.errors import BadRecord
from orders_sync.domain.rows import OrderRow, OrderRows
from orders_sync.domain.versions import Version
from orders_sync.store import copyrows, rejects, statements
from orders_sync.store.database import Connection
from orders_sync.store.rejects import Reject

BATCH = 500  # orders; larger ones are no faster and hold more memory

_CHILD_ROWS: tuple[Callable[[OrderRows], Sequence[msgspec.Struct]], ...] = (
    lambda rows: rows.sub_orders,
    lambda rows: rows.product_items,
    lambda rows: rows.parcels,
    lambda rows: (rows.receiver,) if rows.receiver else (),
)
_watched = itemgetter(*(OrderRow.__struct_fields__.index(name) for name in statements.WATCHED))

# what the database says of a row, not of itself
_REFUSALS = (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded, errors.CardinalityViolation)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as received. `fault` says why it could not be identified; `order_id` is None then."""

    order_id: str | None
    payload: bytes
    read_at: datetime  # when the call that brought it began, by the database's clock
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from, and how they become rows. `normalize` raises `BadRecord` and nothing else."""

    platform: str
    account: str
    window_id: int | None
    normalize: Callable[[bytes], OrderRows]


@dataclass(slots=True)
class Landed:
    """What became of the records of a window."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0

    def __iadd__(self, other: Landed) -> Landed:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(frozen=True, slots=True)
class _Order:
    """A record whose bytes are not what is stored, as rows for COPY."""

    order_id: str
    record: Record
    payload_hash: bytes
    rows_hash: bytes
    version: Version
    order: str
    children: list[str]  # all rows of each table of `statements.CHILDREN`
    watched: tuple[str, ...]  # what the history repeats


def fingerprint(data: bytes) -> bytes:
    """16 bytes that differ when the data does."""
    return blake2b(data, digest_size=16).digest()


async def land(connection: Connection, source: Source, records: Iterable[Record]) -> Landed:
    """Land records, at most one an order, in the transaction of `connection`. Raises psycopg.Error."""
    loader = _Loader(connection, source)
    ordered = sorted(records, key=lambda record: record.order_id or "")
    for start in range(0, len(ordered), BATCH):
        await loader.land(ordered[start : start + BATCH])
    return loader.landed


class _Loader:
    def __init__(self, connection: Connection, source: Source) -> None:
        self.connection = connection
        self.source = source
        self.landed = Landed()

    async def land(self, batch: list[Record]) -> None:
        hashed = [(record, fingerprint(record.payload)) for record in batch]
        known = await self._known([record.order_id for record in batch if record.order_id is not None])
        orders: list[_Order] = []
        for record, payload_hash in hashed:
            if record.order_id is not None and known.get(record.order_id) == payload_hash:
                self.landed.unchanged += 1
                continue
            try:
                orders.append(self._normalise(record, payload_hash))
            except BadRecord as error:
                await self._reject(record, payload_hash, str(error))
        await self._store(orders, known.keys())

    def _normalise(self, record: Record, payload_hash: bytes) -> _Order:
        if record.order_id is None:
            raise BadRecord(record.fault)
        try:
            record.payload.decode()
        except UnicodeDecodeError as error:
            raise BadRecord(f"not UTF-8: {error}") from None
        rows = self.source.normalize(record.payload)
        platform = self.source.platform
        order = copyrows.fields(rows.order)
        order_text = copyrows.line([platform, *order])
        children = [
            "".join([copyrows.line([platform, *copyrows.fields(row)]) for row in rows_of(rows)])
            for rows_of in _CHILD_ROWS
        ]
        return _Order(
            rows.order.order_id,
            record,
            payload_hash,
            fingerprint("".join([order_text, *children]).encode()),
            Version(rows.order.modified_at, record.read_at),
            copyrows.line([platform, self.source.account, *order]),
            children,
            _watched(order),
        )

    async def _known(self, order_ids: list[str]) -> dict[str, bytes]:
        cursor = await self.connection.execute(statements.KNOWN, [self.source.platform, order_ids])
        return dict(await cursor.fetchall())  # type: ignore[arg-type]

    async def _store(self, orders: list[_Order], known: Iterable[str]) -> None:
        """Store what is new or changed; what the database itself refuses is cut in halves until it stands alone."""
        if not orders:
            return
        stored = set(known)
        try:
            async with self.connection.transaction():
                counts = await self._insert([order for order in orders if order.order_id not in stored])
                counts = await self._update([order for order in orders if order.order_id in stored], counts)
        except errors.UniqueViolation as error:
            now_known = (await self._known([order.order_id for order in orders])).keys()
            if now_known - stored:  # somebody landed some of them since we asked
                await self._store(orders, now_known)
            else:
                await self._store_halves(orders, stored, error)
        except _REFUSALS as error:
            await self._store_halves(orders, stored, error)
        else:
            self.landed += counts
            await rejects.resolve(self.connection, self.source.platform, [order.order_id for order in orders])

    async def _store_halves(self, orders: list[_Order], known: set[str], error: errors.Error) -> None:
        if len(orders) == 1:
            await self._reject(orders[0].record, orders[0].payload_hash, f"refused by the database: {error}")
            return
        middle = len(orders) // 2
        await self._store(orders[:middle], known)
        await self._store(orders[middle:], known)

    async def _reject(self, record: Record, payload_hash: bytes, reason: str) -> None:
        self.landed.rejected += 1
        where = self.source
        await rejects.keep(
            self.connection,
            Reject(
                where.account,
                where.platform,
                record.order_id,
                record.payload,
                payload_hash,
                reason,
                where.window_id,
                record.read_at,
            ),
        )

    async def _insert(self, orders: list[_Order]) -> Landed:
        if orders:
            await self._copy_all(orders, "copy")
            await self._copy("order_history", "copy", [self._history(order, None) for order in orders])
        return Landed(new=len(orders))

    async def _update(self, orders: list[_Order], counts: Landed) -> Landed:
        if not orders:
            return counts
        cursor = await self.connection.execute(
            statements.LOCK, [self.source.platform, [order.order_id for order in orders]]
        )
        stored: dict[str, Any] = {row[0]: row[1:] for row in await cursor.fetchall()}  # type: ignore[misc]
        same_rows: list[_Order] = []
        changed: list[_Order] = []
        for order in orders:
            payload_hash, rows_hash, modified_at, read_at = stored[order.order_id]
            if payload_hash == order.payload_hash:
                counts.unchanged += 1
            elif not order.version.is_newer_than(Version(modified_at, read_at)):
                counts.stale += 1
            elif rows_hash == order.rows_hash:
                same_rows.append(order)
            else:
                changed.append(order)
        await self._update_rows(same_rows, changed)
        counts.unchanged += len(same_rows)
        counts.changed += len(changed)
        return counts

    async def _update_rows(self, same_rows: list[_Order], changed: list[_Order]) -> None:
        if not same_rows and not changed:
            return
        run = self.connection.execute
        await run(statements.CREATE_STAGES)
        await run(statements.CLEAR_STAGES)
        await self._copy_raw(same_rows + changed, "stage")
        await run(statements.UPDATE_RAW)
        if not changed:
            return
        await self._copy_rows(changed, "stage")
        what: defaultdict[str, list[str]] = defaultdict(list)
        for order_id, columns in await (await run(statements.UPDATE_ORDERS)).fetchall():
            what[str(order_id)] += columns  # type: ignore[arg-type]
        for table, upsert, mark in zip(
            statements.CHILDREN, statements.UPSERT_CHILDREN, statements.MARK_VANISHED, strict=True
        ):
            touched = [*await (await run(upsert)).fetchall(), *await (await run(mark)).fetchall()]
            for order_id in {str(row[0]) for row in touched}:
                what[order_id].append(table.name)
        await self._copy("order_history", "copy", [self._history(order, what[order.order_id]) for order in changed])

    async def _copy_all(self, orders: list[_Order], into: str) -> None:
        await self._copy_raw(orders, into)
        await self._copy_rows(orders, into)

    async def _copy_rows(self, orders: list[_Order], into: str) -> None:
        await self._copy("orders", into, [order.order for order in orders])
        for number, table in enumerate(statements.CHILDREN):
            await self._copy(table.name, into, [order.children[number] for order in orders])

    async def _copy_raw(self, orders: list[_Order], into: str) -> None:
        await self._send("raw_orders", into, b"".join(map(self._raw, orders)))

    async def _copy(self, table: str, into: str, rows: list[str]) -> None:
        await self._send(table, into, "".join(rows).encode())

    async def _send(self, table: str, into: str, data: bytes) -> None:
        if not data:
            return
        statement = getattr(statements.OF[table], into)
        async with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            await copy.write(data)

    def _raw(self, order: _Order) -> bytes:
        source = self.source
        modified_at, read_at = order.version
        head = (
            source.platform,
            source.account,
            order.order_id,
            "\\x" + order.payload_hash.hex(),
            "\\x" + order.rows_hash.hex(),
            "" if modified_at is None else modified_at.isoformat(),
            read_at.isoformat(),
            "" if source.window_id is None else str(source.window_id),
        )
        return copyrows.line_with_payload(head, order.record.payload)

    def _history(self, order: _Order, changed: list[str] | None) -> str:
        source = self.source
        return copyrows.line(
            (
                source.platform,
                order.order_id,
                order.record.read_at.isoformat(),
                "" if source.window_id is None else str(source.window_id),
                "" if changed is None else copyrows.array(changed),
                *order.watched,
            )
        )
