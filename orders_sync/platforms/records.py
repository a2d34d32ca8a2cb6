"""Bytes to wire structs, the same way for every platform."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

import msgspec

from orders_sync.domain.errors import BadRecord, Malformed
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.text import REPLACEMENT, is_suspect, storable, without_lone_surrogates
from orders_sync.platforms.isolation import isolated

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # msgspec raises the last for bottomless nesting


def decode_envelope(decoder: msgspec.json.Decoder[T], body: bytes) -> tuple[T, bytes | bytearray]:
    """An answer's envelope, records left as `msgspec.Raw`, and the bytes it was read from.

    Those are `body` itself, or a copy of the same length without what is no reason to refuse a page: lone surrogates,
    a record that does not decode by itself. Raises `Malformed` for anything that is not the documented JSON, HTML
    included.
    """
    try:
        return decoder.decode(body), body
    except UNREADABLE as error:
        repaired = without_lone_surrogates(body)
        with suppress(*UNREADABLE):
            return decoder.decode(repaired), repaired
        with suppress(*UNREADABLE):
            if (mended := isolated(repaired)) is not None:
                return decoder.decode(mended), mended
        raise Malformed(_no_envelope(body, error), body=body) from None


def _no_envelope(body: bytes, error: Exception) -> str:
    is_json = body.lstrip()[:1] in (b"{", b"[")
    what = f"unreadable JSON ({error})" if is_json else "not JSON"
    beginning = body[:120].decode("utf-8", "replace")
    return f"{what}, check base_url; it begins {beginning!r}"


def exact_records(raws: list[msgspec.Raw], source: bytes | bytearray, body: bytes) -> list[bytes]:
    """The records' bytes as they stand in `body`, though they were decoded from `source`."""
    if source is body:
        return [bytes(raw) for raw in raws]
    records = []
    end = 0
    for raw in raws:
        record = bytes(raw)
        # behind all before it, so what is found is this one; as a rule one comma behind, which needs no search
        start = end + 1 if source.startswith(record, end + 1) else source.index(record, end)
        end = start + len(record)
        records.append(body[start:end])
    return records


def decode_record(decoder: msgspec.json.Decoder[T], record: bytes) -> T:
    """One record as its wire struct. Raises `BadRecord` with the field that does not fit."""
    try:
        try:
            return decoder.decode(record)
        except (msgspec.ValidationError, UnicodeDecodeError):
            raise
        except msgspec.DecodeError:
            return decoder.decode(without_lone_surrogates(record))
    except UNREADABLE as error:
        raise BadRecord(str(error)) from None


def make_storable(rows: OrderRows, record: bytes) -> OrderRows:
    """Replace what Postgres cannot store in any text of the rows, and note on the order which columns were touched."""
    if not is_suspect(record):
        return rows
    touched: list[str] = []
    for row in rows.all():
        for field in row.__struct_fields__:
            value, replaced = _storable(getattr(row, field))
            if replaced:
                setattr(row, field, value)
                touched.append(f"{type(row).__name__.removesuffix('Row')}.{field}")
    if touched:
        note = "characters a database cannot store were replaced in: " + ", ".join(touched)
        rows.order.notes = [*(rows.order.notes or []), note]
    return rows


def _storable(value: object) -> tuple[object, bool]:
    """The value as a column can hold it, and whether anything in it was replaced, here or while decoding."""
    if isinstance(value, str):
        text = storable(value)
        return text, text is not value or REPLACEMENT in text
    if isinstance(value, list):
        pairs = [_storable(item) for item in value]
        return [item for item, _ in pairs], any(replaced for _, replaced in pairs)
    if isinstance(value, dict):
        keys, changed = _storable(list(value))
        values, also = _storable(list(value.values()))
        return dict(zip(keys, values, strict=True)), changed or also  # type: ignore[call-overload]
    return value, False
