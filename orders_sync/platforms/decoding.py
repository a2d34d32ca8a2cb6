"""Bytes to wire structs, the same way for every platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from orders_sync.domain.errors import InvalidRecordError, MalformedResponseError
from orders_sync.domain.records import Head
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.sanitize import REPLACEMENT, may_need_sanitizing, replace_lone_surrogates, sanitize
from orders_sync.domain.times import platform_time
from orders_sync.platforms.conversion import Notes, Number, exact_id, kind_of
from orders_sync.platforms.unreadable import isolated

T = TypeVar("T")

_ANY = msgspec.json.Decoder(float_hook=Number)

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)  # msgspec raises the last for bottomless nesting


def decode_envelope(decoder: msgspec.json.Decoder[T], body: bytes) -> tuple[T, bytes | bytearray]:
    """Decode an answer's envelope, records left as `msgspec.Raw`; return it and the bytes it was read from.

    Those are `body` itself, or a copy of the same length without what is no reason to refuse a page: lone surrogates,
    a record that does not decode by itself. Raises `MalformedResponseError` for anything that is not the documented
    JSON, HTML included.
    """
    try:
        return decoder.decode(body), body
    except UNREADABLE as error:
        repaired = replace_lone_surrogates(body)
        with suppress(*UNREADABLE):
            return decoder.decode(repaired), repaired
        with suppress(*UNREADABLE):
            if (mended := isolated(repaired)) is not None:
                return decoder.decode(mended), mended
        raise MalformedResponseError(_no_envelope(body, error), body=body) from None


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


def decode_record(decoder: msgspec.json.Decoder[T], record: bytes | str, notes: Notes, where: str = "") -> T:
    """Decode a record to its wire struct, of which any part may be None; leave out what does not fit, with a note.

    The typed decoder is tried first; what it does not take is decoded as any JSON and fitted. Raises
    `InvalidRecordError` for what is no JSON object at all.
    """
    try:
        return decoder.decode(record)
    except UNREADABLE:
        pass
    value, of_fields = decode_any(record), Notes()
    found: T | None = fitted(decoder.type, value, where, of_fields)
    if found is None:
        raise InvalidRecordError(f"{kind_of(value)}, not an object", where)
    notes.extend(of_fields)
    return found


def decode_head(
    decoder: msgspec.json.Decoder[T], record: bytes, where: str, fields: Callable[[T], tuple[Any, Any]]
) -> Head:
    """Return the head of a record: its order id and the time it is listed by. Raises nothing.

    Args:
        decoder: Decodes a struct of the few fields that are needed.
        record: Any bytes.
        where: Field of the order id, for `fault`.
        fields: Returns the values of order id and time, as sent.
    """
    try:
        order_id, time = fields(decode_record(decoder, record, Notes()))
    except InvalidRecordError as error:
        return Head(None, None, str(error))
    try:
        listed_at = platform_time(time) if isinstance(time, int | str) else None
    except ValueError:
        listed_at = None
    try:
        return Head(sanitize(order_id_of(order_id, where)), listed_at)
    except InvalidRecordError as error:
        return Head(None, listed_at, str(error))


def order_id_of(value: Any, where: str) -> str:
    """The id of an order. `where`: its field. Raises `InvalidRecordError` when it is missing or unusable."""
    try:
        found = exact_id(value)
    except ValueError as error:
        raise InvalidRecordError(str(error), where) from None
    if found is None:
        raise InvalidRecordError("missing or empty", where)
    return found


def decode_any(record: bytes | str) -> Any:
    """Any JSON, numbers exactly as they are spelled, whatever their size; lone surrogates stay.

    Raises `InvalidRecordError`.
    """
    try:
        return _ANY.decode(str(record) if isinstance(record, str) else record)
    except UNREADABLE:
        pass
    try:
        return json.loads(record, parse_float=Number, parse_int=_whole, parse_constant=Number)
    except RecursionError:
        raise InvalidRecordError("nested too deep") from None
    except ValueError:
        raise InvalidRecordError("not JSON") from None


def fitted(hint: Any, value: Any, where: str, notes: Notes) -> Any:
    """Fit decoded JSON to a wire type, a struct or a list of them; return None, with a note, for what does not fit.

    Nothing at all (null, "", an empty list for an object and the other way round) is None without a note. JSON in a
    string is read, a single object is a list of one.
    """
    struct, is_list = _shape(hint)
    if struct is None:
        return value  # for its conversion to judge
    if value is None or value == "" or value == [] or value == {}:
        return [] if is_list and value is not None else None
    if isinstance(value, str):
        with suppress(InvalidRecordError):
            value = decode_any(value)
    if is_list and isinstance(value, dict):
        value = [value]
    if is_list and isinstance(value, list):
        return [fitted(struct, item, f"{where}[{number}]", notes) for number, item in enumerate(value, 1)]
    if is_list or not isinstance(value, dict):
        notes.left_out(where or "the record", f"{kind_of(value)}, not {'a list' if is_list else 'an object'}")
        return None
    return struct(
        **{
            field.name: fitted(field.type, value[field.encode_name], _place(where, field.encode_name), notes)
            for field in _fields(struct)
            if field.encode_name in value
        }
    )


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


_fields = cache(msgspec.structs.fields)


@cache
def _shape(hint: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The struct a wire type is made of, None for a scalar, and whether it is a list of them."""
    for part in (hint, *get_args(hint)):
        if get_origin(part) is list:
            return _shape(get_args(part)[0])[0], True
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return part, False
    return None, False


def _whole(digits: str) -> int | Number:
    return int(digits) if len(digits) <= 40 else Number(digits)


def make_storable(rows: OrderRows, record: bytes) -> OrderRows:
    """Replace what Postgres cannot store in any text of the rows, and note on the order which columns were touched."""
    if not may_need_sanitizing(record):
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
        text = sanitize(value)
        return text, text is not value or REPLACEMENT in text
    if isinstance(value, list):
        pairs = [_storable(item) for item in value]
        return [item for item, _ in pairs], any(replaced for _, replaced in pairs)
    if isinstance(value, dict):
        keys, changed = _storable(list(value))
        values, also = _storable(list(value.values()))
        return dict(zip(keys, values, strict=True)), changed or also  # type: ignore[call-overload]
    return value, False
