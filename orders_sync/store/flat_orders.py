"""Orders as rows for COPY: made of records by a platform's `normalize`, without a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from operator import itemgetter

import msgspec
import xxhash

from orders_sync.domain.directions import Direction
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.records import Record
from orders_sync.domain.rows import OrderRow, OrderRows
from orders_sync.domain.versions import Version
from orders_sync.store import copy_format, statements

_CHILD_ROWS: tuple[Callable[[OrderRows], Sequence[msgspec.Struct]], ...] = (
    lambda rows: rows.sub_orders,
    lambda rows: rows.product_items,
    lambda rows: rows.parcels,
    lambda rows: (rows.receiver,) if rows.receiver else (),
)
_history_values = itemgetter(*(OrderRow.__struct_fields__.index(name) for name in statements.HISTORY_COLUMNS))


class LandingSource(msgspec.Struct, frozen=True):
    """The origin of records. `normalize` makes the rows of one; it raises `InvalidRecordError` and nothing else.

    `checks_rows`: rows in the tables are compared with those that unchanged payloads become, so that what was deleted
    or changed by hand is written again. Without it equal bytes end the comparison.
    """

    platform: str
    account: str
    window_id: int | None
    normalize: Callable[[bytes], OrderRows]
    direction: Direction
    checks_rows: bool = False


class FlatOrder(msgspec.Struct, frozen=True):
    """An order as rows for COPY, with the payload they were made of and where that came from."""

    platform: str
    direction: str
    account: str
    window_id: int | None
    order_id: str
    payload: bytes
    payload_hash: bytes
    rows_hash: bytes
    version: Version
    order: str
    children: list[str]  # all rows of each table of `statements.CHILDREN`
    history_values: tuple[str, ...]  # of `statements.HISTORY_COLUMNS`
    has_all_lines: bool

    @property
    def read_at(self) -> datetime:
        """The start of the read that brought it, by the database's clock."""
        return self.version.read_at


def fingerprint(data: bytes) -> bytes:
    """Return 16 bytes that differ when what was received does: XXH3, which keeps no adversary out.

    There is none here: the platform writes both payloads of an order that are compared.
    """
    return xxhash.xxh3_128_digest(data)


def is_as_received(payload: bytes, payload_hash: bytes) -> bool:
    """Return whether a stored payload is what its hash was made of: XXH3, or before migration 0005 blake2b."""
    return payload_hash == fingerprint(payload) or payload_hash == blake2b(payload, digest_size=16).digest()


def flatten(source: LandingSource, record: Record, payload_hash: bytes) -> FlatOrder:
    """Return the rows of a record.

    Raises `InvalidRecordError` where it has no id, is no UTF-8, cannot be normalized, or names another order than the
    one it was listed as.
    """
    if record.order_id is None:
        raise InvalidRecordError(record.fault)
    try:
        record.payload.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecordError(f"not UTF-8: {error}") from None
    rows = source.normalize(record.payload)
    if rows.order.order_id != record.order_id:
        raise InvalidRecordError(f"read as order {rows.order.order_id}, known as order {record.order_id}")
    platform, direction = source.platform, source.direction.value
    order = copy_format.fields(rows.order)
    order_text = copy_format.line([platform, *order])
    children = [
        "".join([copy_format.line([platform, *copy_format.fields(row), direction]) for row in rows_of(rows)])
        for rows_of in _CHILD_ROWS
    ]
    return FlatOrder(
        platform,
        direction,
        source.account,
        source.window_id,
        record.order_id,
        record.payload,
        payload_hash,
        blake2b("".join([order_text, *children]).encode(), digest_size=16).digest(),
        Version(rows.order.modified_at, record.read_at),
        copy_format.line([platform, source.account, *order, direction]),
        children,
        _history_values(order),
        rows.has_all_lines and bool(rows.sub_orders),  # an order without a line is none that was read
    )
