"""Tests of records: they become rows that can land, or `InvalidRecordError`, whatever the bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.sanitize import REPLACEMENT
from orders_sync.domain.windows import Feed
from orders_sync.platforms.testing.json_values import (
    ANY_JSON,
    DEEP,
    NO_TIMES,
    NOTHING,
    OBJECTS,
    ODD_VALUES,
    TIMES,
    Path,
    as_bytes,
    copied,
    drop,
    each_as_bytes,
    get,
    hostile,
    paths,
    put,
    step,
    tried_of,
)
from orders_sync.platforms.testing.rows import all_texts, check_rows, unnoted
from orders_sync.platforms.testing.sample import PlatformSample

NUMBERS = st.integers(0, 2**20)  # of records and places: each draw from a list made for one example is dear
DROPPED = object()


class UnchangedRecordContract(PlatformSample):
    """The records of the sample as they are."""

    def test_sample_normalizes_into_rows_of_the_declared_types(self) -> None:
        for record in self.records:
            check_rows(self.platform.normalize(record))

    def test_identify_is_the_order_id(self) -> None:
        for record in self.records:
            assert self.identified(record) == self.platform.normalize(record).order.order_id

    def test_identify_shows_the_time_of_the_feed_wherever_the_record_has_it(self) -> None:
        """Also of a record that names no order: its time says whether the list is the one that was asked for."""
        for record in self.records:
            order = self.platform.normalize(record).order
            times = {Feed.CREATED: order.created_at, Feed.UPDATED: order.modified_at}
            for feed in self.platform.feeds:
                assert self.platform.identify(record, feed).listed_at == times[feed]
                nameless = as_bytes(put(json.loads(record), self.id_at, None))
                assert self.platform.identify(nameless, feed).listed_at == times[feed]

    def test_normalizing_twice_gives_equal_rows(self) -> None:
        for record in self.records:
            assert self.platform.normalize(record) == self.platform.normalize(record)

    def test_order_of_keys_and_white_space_do_not_matter(self) -> None:
        for record in self.records:
            spread = json.dumps(json.loads(record), sort_keys=True, indent=2).encode()
            assert self.platform.normalize(spread) == self.platform.normalize(record)
            for feed in self.platform.feeds:
                assert self.platform.identify(spread, feed) == self.platform.identify(record, feed)


class RecordContract(UnchangedRecordContract):
    """The records of the sample, with changes at every place."""

    def test_identify_reads_the_time_as_normalize_does_and_refuses_none(self) -> None:
        times: tuple[object, ...] = (*TIMES, *NO_TIMES, "soon", True, 1.5, 10**30, [], {}, None)
        for path, document in self.places():
            if path[-1] == self.created_key and len(path) <= len(self.id_at):
                for record in each_as_bytes(copied(document), path, times):
                    order, head = self.landed(record, path).order, self.platform.identify(record, Feed.CREATED)
                    assert (head.order_id, head.listed_at) == (order.order_id, order.created_at), record

    def test_whatever_is_dropped_but_the_id_the_order_lands(self) -> None:
        for path, document in self.places():
            if not self.holds_id(path):
                self.landed(as_bytes(drop(copied(document), path)), path)

    def test_whatever_a_field_holds_the_order_lands_and_what_is_in_no_column_is_noted_P4(self) -> None:
        """Fields of orders, lines and parcels, and inside the JSON in strings.

        A field of the first line holds every odd value in turn, that of a further line a tenth of them, and so does one
        that nothing is read of: it must not keep the order from landing. A run that tries fewer examples tries fewer.
        """
        fewer = step(len(ODD_VALUES))
        seen: set[Path] = set()
        for number, (path, document) in enumerate(self.places()):
            if self.holds_id(path):
                continue
            field = tuple(0 if isinstance(part, int) else part for part in path)
            changed = copied(document)
            without = self.landed(as_bytes(put(changed, path, None)), path)
            has_column = without != self.landed(as_bytes(document), path)
            probes = each_as_bytes(changed, path, ("x", {"x": 1}))
            is_read = has_column or any(self.landed(record, path) != without for record in probes)
            distance = fewer if is_read and field not in seen else 10 * fewer
            values = ODD_VALUES[number % distance :: distance]
            seen.add(field)
            is_struct = isinstance(get(document, path), dict | list)  # another object may hold what has no column
            for value, record in zip(values, each_as_bytes(changed, path, values), strict=True):
                rows = self.landed(record, path)
                is_silent = value in NOTHING or (is_struct and value in OBJECTS)
                if has_column and not is_silent and unnoted(rows) == unnoted(without):
                    assert rows.order.notes != without.order.notes, (path, value)

    @pytest.mark.parametrize("value", [None, "", " ", 1.5, True, [], {}, ["1"], {"x": 1}, "9" * 256])
    def test_order_whose_id_is_missing_or_unusable_is_an_invalid_record(self, value: object) -> None:
        for record in self.records:
            with pytest.raises(InvalidRecordError):
                self.platform.normalize(as_bytes(put(json.loads(record), self.id_at, value)))

    def test_times_are_read_however_they_are_written(self) -> None:
        for path, document in self.places():
            if path[-1] in (self.created_key, self.paid_key):
                notes = self.landed(as_bytes(document), path).order.notes
                for record in each_as_bytes(copied(document), path, TIMES):
                    order = self.landed(record, path).order
                    landed = order.paid_at if path[-1] == self.paid_key else order.created_at
                    assert landed == datetime(2026, 10, 1, 2, 0, tzinfo=UTC), record
                    assert order.notes == notes, record

    def test_times_that_mean_never_are_no_time(self) -> None:
        for path, document in self.places():
            if path[-1] == self.paid_key:
                without = self.landed(as_bytes(put(copied(document), path, None)), path)
                assert without.order.paid_at is None
                for record in each_as_bytes(copied(document), path, NO_TIMES):
                    assert self.landed(record, path) == without, record

    @hostile(150)
    @given(which=NUMBERS, changes=st.lists(st.tuples(NUMBERS, st.just(DROPPED) | ANY_JSON), min_size=1, max_size=5))
    def test_any_mixture_of_mutations_normalizes_or_is_an_invalid_record(
        self, which: int, changes: list[tuple[int, Any]]
    ) -> None:
        document = json.loads(self.records[which % len(self.records)])
        for where, value in changes:
            places = list(paths(document))
            path = places[where % len(places)]
            if value is DROPPED:
                drop(document, path)
            else:
                put(document, path, value)
            if not document:
                return
        self.outcome(as_bytes(document))

    @hostile(200)
    @given(which=NUMBERS, where=NUMBERS, length=st.integers(0, 40), other=st.binary(max_size=20))
    def test_damaged_bytes_normalize_or_are_an_invalid_record(
        self, which: int, where: int, length: int, other: bytes
    ) -> None:
        record = self.records[which % len(self.records)]
        start = where % (len(record) + 1)
        self.outcome(record[:start] + other + record[start + length :])

    @hostile(100)
    @given(record=st.binary() | st.deferred(lambda: ANY_JSON.map(as_bytes)))
    def test_random_bytes_and_random_json_are_an_invalid_record(self, record: bytes) -> None:
        """Save JSON with the key of the id: hypothesis tries the words of the code, too."""
        if isinstance(self.outcome(record), InvalidRecordError):
            assert self.identified(record) is None
        else:
            assert self.id_at[0] in json.loads(record)

    @pytest.mark.parametrize("record", [b"", b"null", b"{}", b"[]", DEEP, b'{"x":' + DEEP], ids=lambda b: repr(b[:8]))
    def test_hollow_or_bottomless_record_is_an_invalid_record(self, record: bytes) -> None:
        with pytest.raises(InvalidRecordError):
            self.platform.normalize(record)
        assert self.identified(record) is None

    def test_text_no_database_can_store_is_replaced_visibly_and_noted(self) -> None:
        for path, document in tried_of(list(self.mutable(str))):
            plain = self.outcome(as_bytes(put(copied(document), path, "ab")))
            for odd, visible in (("a\x00b", "\u2400"), ("a\ud800b", REPLACEMENT), ("\udfff", REPLACEMENT)):
                rows = self.lands(document, path, odd)
                if rows is None or rows == plain or isinstance(plain, InvalidRecordError):
                    continue
                texts = list(all_texts(rows))
                if any(visible in text for text in texts):
                    assert any("replaced" in note for note in rows.order.notes or []), path

    def test_long_text_and_rare_characters_land_whole(self) -> None:
        for path, document in tried_of(list(self.mutable(str))):
            before = self.outcome(as_bytes(document))
            for text in ("長" * 20_000, "𠀀😀👩‍👩‍👧", "‮ e\u0301 '\"\\ \t\r\n $$ %s"):
                rows = self.lands(document, path, text)
                if rows is not None and rows != before:
                    assert any(text in landed for landed in all_texts(rows)) or path[-1] in self.not_free_text, path
