"""Landing the records of a window: known ones are skipped, new ones copied, changed ones staged and updated.

    records --compare hashes--> equal, no open reject, no older version: nothing is written or decoded (P3)
                 |                 '--`LandingSource.checks_rows`: the rows are compared, too; what differs is rebuilt
                 '--normalize--> cannot: sync.rejects                                                (P4)
                        |------> new: COPY into every table
                        '------> changed: lock, drop the stale (P2), COPY to temporary tables, update

A record ends in `sync.rejects` in two other places too: an account of another host keeps its order, which is seen
before it is normalized or when its row is locked, or the database refuses its rows. `ownership` decides about orders
that another account keeps, `comparison` which version is newer.

Orders that land settle their older rejects. All in the caller's transaction, and in one order that every loader keeps,
so that two cannot wait for each other: the rows of `raw_orders`, whether they are inserted or locked, by ascending
order_id over all batches; all other rows of an order only by whoever holds its row there; then `sync.shared_orders`,
then `sync.rejects` (see there).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

import msgspec
from psycopg import errors

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.records import LoadCounts, Record
from orders_sync.store import copy_writer, older_versions, rejects, restoration, statements
from orders_sync.store.comparison import Comparison, LockedOrder, compare, compare_rebuilt
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import FlatOrder, LandingSource, fingerprint, flatten, is_as_received
from orders_sync.store.ownership import Ownership
from orders_sync.store.rejects import Reject, UpToDate

BATCH = 500  # orders; larger ones are no faster and hold more memory
PIECE = 50  # orders normalized between two yields to the event loop, so that COPYs of other windows are not starved

# errors of a row, not of the database
_REFUSALS = (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded, errors.CardinalityViolation)


class _DeletedError(Exception):
    """Orders that were stored a moment ago and no longer are: somebody deleted them by hand."""

    def __init__(self, order_ids: set[str]) -> None:
        super().__init__()
        self.order_ids = order_ids


class Stored(msgspec.Struct, frozen=True):
    """The row of an order in `raw_orders`."""

    account: str
    order_id: str
    payload: bytes
    payload_hash: bytes
    rows_hash: bytes
    read_at: datetime


async def land(connection: Connection, source: LandingSource, records: Iterable[Record]) -> LoadCounts:
    """Land records, at most one per order, in the transaction of `connection`. Raises psycopg.Error."""
    loader = _Loader(connection, source)
    ordered = sorted(records, key=lambda record: record.order_id or "")
    for start in range(0, len(ordered), BATCH):
        await loader.land(ordered[start : start + BATCH])
    await loader.finish()
    return loader.landed


async def rebuild(connection: Connection, source: LandingSource, batch: list[Stored]) -> LoadCounts:
    """Make the rows of stored orders anew, in the transaction of `connection`; payloads stay. Raises psycopg.Error.

    Counted as `changed`: rebuilt. `unchanged`: the tables hold equal rows, which are not even locked. `stale`: the
    payload is another by now, or gone; or somebody changed it, and any read of the order replaces it. `rejected`:
    can no longer be normalized; the order keeps its rows.
    """
    loader = _Loader(connection, source, rebuilds=True)
    await loader.rebuild(batch)
    await loader.finish()
    return loader.landed


class _Loader:
    def __init__(self, connection: Connection, source: LandingSource, *, rebuilds: bool = False) -> None:
        self.connection = connection
        self.source = source
        self.rebuilds = rebuilds
        self.landed = LoadCounts()
        self.rejected: list[Reject] = []
        self.up_to_date: list[UpToDate] = []
        self.unconverted: set[str] = set()  # changed orders whose mark said that a newer version was not converted
        self.altered: set[str] = set()  # orders that the tables hold other rows of than they should
        self.ownership = Ownership(connection, source.platform, source.account)

    async def land(self, batch: list[Record]) -> None:
        hashed = [(record, fingerprint(record.payload)) for record in batch]
        known, foreign = await self._known([record.order_id for record in batch if record.order_id is not None])
        await self.ownership.learn(foreign)
        orders: list[FlatOrder] = []
        attempted = 0
        for record, payload_hash in hashed:
            is_stored = record.order_id is not None and known.get(record.order_id) == payload_hash
            if record.order_id in foreign:
                if self._passes_over(record, payload_hash, foreign[record.order_id], known[record.order_id]):
                    continue
            elif is_stored and not self.source.checks_rows:
                self.landed.unchanged += 1
                continue
            if attempted % PIECE == 0:
                await asyncio.sleep(0)
            attempted += 1
            try:
                orders.append(flatten(self.source, record, payload_hash))
            except InvalidRecordError as error:
                if is_stored:  # by an earlier version, which could read it
                    self.landed.unchanged += 1
                else:
                    self._reject(record, payload_hash, str(error))
        if self.source.checks_rows:
            orders = await self._without_intact(orders, known)
        await self._store(orders, known.keys())

    async def rebuild(self, batch: list[Stored]) -> None:
        known, _ = await self._known([stored.order_id for stored in batch])
        orders: list[FlatOrder] = []
        edited: list[Stored] = []
        for number, stored in enumerate(batch):
            if number % PIECE == 0:
                await asyncio.sleep(0)
            if not is_as_received(stored.payload, stored.payload_hash):
                edited.append(stored)
                continue
            record = Record(stored.order_id, stored.payload, stored.read_at)
            try:
                orders.append(flatten(self.source, record, stored.payload_hash))
            except InvalidRecordError as error:
                self._reject(record, stored.payload_hash, str(error))
        orders = await self._without_intact(orders, known)
        await self._store(orders, [order.order_id for order in orders])
        if edited:
            self.landed.stale += len(edited)
            hashes = {stored.order_id: stored.payload_hash for stored in edited}
            await restoration.disown(self.connection, self.source.platform, hashes)

    async def finish(self) -> None:
        """Store how other accounts' orders are listed and what was rejected; settle rejects of up-to-date orders."""
        await self.ownership.finish()
        if self.rejected or self.up_to_date:
            source = self.source
            await rejects.store_and_settle(
                self.connection, source.platform, source.account, self.rejected, self.up_to_date, self.unconverted
            )

    def _passes_over(self, record: Record, payload_hash: bytes, owner: str, stored: bytes | None) -> bool:
        """Return True, and count it, if this is another account's order of which nothing is to be landed."""
        order_id = record.order_id or ""
        if (conflict := self.ownership.host_conflict(owner, order_id)) is not None:
            self._reject(record, payload_hash, conflict)
            return True
        if self.ownership.can_be_skipped(owner, order_id, payload_hash, stored):
            self.ownership.record_listing(order_id, payload_hash, record.read_at)
            self.landed.unchanged += 1
            return True
        return False

    async def _known(self, order_ids: list[str]) -> tuple[dict[str, bytes | None], dict[str, str]]:
        """Return the hashes of stored payloads, and the owners of those of other accounts, both by order id."""
        values = {"platform": self.source.platform, "account": self.source.account, "order_ids": order_ids}
        cursor = await self.connection.execute(statements.KNOWN, values, binary=True)
        rows = cast("list[tuple[str, bytes | None, str | None]]", await cursor.fetchall())
        owners = {order_id: owner for order_id, _, owner in rows if owner is not None}
        return {order_id: payload_hash for order_id, payload_hash, _ in rows}, owners

    async def _without_intact(self, orders: list[FlatOrder], known: Mapping[str, bytes | None]) -> list[FlatOrder]:
        """Count the orders that the tables hold with these bytes and these rows, and return the others."""
        stored = [order for order in orders if order.order_id in known]
        intact = await restoration.intact(self.connection, stored)
        self.altered |= {order.order_id for order in stored} - intact
        others = [each for each in orders if each.order_id not in intact or known[each.order_id] != each.payload_hash]
        self.landed.unchanged += len(orders) - len(others)
        return others

    async def _store(self, orders: list[FlatOrder], known: Iterable[str]) -> None:
        """Store what is new or changed; a batch that the database refuses is halved until the refused order is alone.

        `known`: ids of orders that were stored when last asked; what others land or delete meanwhile is detected.
        """
        if not orders:
            return
        stored = set(known)
        counts = LoadCounts()
        conflicting: list[tuple[FlatOrder, str]] = []
        try:
            async with self.connection.transaction():
                up_to_date = await self._write(orders, stored, counts, conflicting)
        except _DeletedError as error:
            await self._store(orders, stored - error.order_ids)
        except errors.UniqueViolation as error:
            order_ids = [order.order_id for order in orders]
            now_known, _ = await self._known(order_ids)
            if now_known.keys() - stored:  # somebody landed some of them since we asked
                await self._store(orders, now_known)
            elif adopted := await restoration.adopt(self.connection, self.source, order_ids):
                await self._store(orders, stored | adopted)
            else:
                await self._store_halves(orders, stored, error)
        except _REFUSALS as error:
            await self._store_halves(orders, stored, error)
        else:
            self.landed += counts
            self.up_to_date += [UpToDate(each.order_id, each.read_at, each.payload_hash) for each in up_to_date]
            for order, reason in conflicting:
                self._reject(Record(order.order_id, order.payload, order.read_at), order.payload_hash, reason)

    async def _write(
        self, orders: list[FlatOrder], known: set[str], counts: LoadCounts, conflicting: list[tuple[FlatOrder, str]]
    ) -> list[FlatOrder]:
        """Insert what is new and update what is older, in ascending order of order_id. Return the up-to-date orders.

        Those are all but the stale and the conflicting, which an account of another host turned out to hold.
        """
        to_update = [order for order in orders if order.order_id in known]
        if not to_update:
            await copy_writer.insert(self.connection, orders)
            counts.new += len(orders)
            return orders
        inserted: set[str] = set()
        if len(to_update) < len(orders):
            inserted = await copy_writer.insert_or_lock(self.connection, orders)
            counts.new += len(inserted)
        new = [order for order in orders if order.order_id in inserted]
        return [
            *new,
            *await self._update([order for order in orders if order.order_id not in inserted], counts, conflicting),
        ]

    async def _store_halves(self, orders: list[FlatOrder], known: set[str], error: errors.Error) -> None:
        if len(orders) == 1:
            order = orders[0]
            record = Record(order.order_id, order.payload, order.read_at)
            self._reject(record, order.payload_hash, f"refused by the database: {_error_text(error)}")
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
                record.listed_at,
            )
        )

    async def _update(
        self, orders: list[FlatOrder], counts: LoadCounts, conflicting: list[tuple[FlatOrder, str]]
    ) -> list[FlatOrder]:
        """Lock what is stored and update what is older. As `_write`."""
        if not orders:
            return []
        locked = await self._lock(orders)
        if self.rebuilds:
            found = compare_rebuilt(orders, locked, self.altered)
        else:
            found = await self._compare(orders, locked)
        self.unconverted |= await copy_writer.update(
            self.connection, found.same_rows, found.changed, found.rebuilt, found.went_back
        )
        if restored := [order.order_id for order in found.rebuilt if order.order_id in self.altered]:
            await restoration.return_to_account(self.connection, self.source.platform, restored)
        await self.ownership.take(found.taken)
        await older_versions.remember(self.connection, found.older_at_first)
        await older_versions.forget(self.connection, found.caught_up)
        conflicting += found.conflicting
        counts.unchanged += len(found.equal) + len(found.same_rows)
        counts.changed += len(found.changed) + len(found.rebuilt)
        counts.stale += len(found.stale)
        return found.up_to_date

    async def _compare(self, orders: list[FlatOrder], locked: Mapping[str, LockedOrder]) -> Comparison:
        if deleted := {order.order_id for order in orders} - locked.keys():
            raise _DeletedError(deleted)
        remembered = await older_versions.remembered(self.connection, self.source.platform, locked)
        owners = {order_id: stored.account for order_id, stored in locked.items()}
        await self.ownership.learn({name: owner for name, owner in owners.items() if self.ownership.is_foreign(owner)})
        return compare(orders, locked, remembered, self.ownership, self.altered)

    async def _lock(self, orders: list[FlatOrder]) -> dict[str, LockedOrder]:
        values = [self.source.platform, [order.order_id for order in orders]]
        cursor = await self.connection.execute(statements.LOCK, values)
        rows = cast("list[tuple[Any, ...]]", await cursor.fetchall())
        return {order_id: LockedOrder(*rest) for order_id, *rest in rows}


def _error_text(error: errors.Error) -> str:
    """Return the database's message on one order, without the context, which repeats whole rows."""
    about = error.diag
    at = f" (column {about.column_name} of {about.table_name})" if about.column_name else ""
    # the detail of these names a key, that of others the whole row
    detail = f": {about.message_detail}" if isinstance(error, errors.UniqueViolation) and about.message_detail else ""
    return f"{about.message_primary or type(error).__name__}{at}{detail}"
