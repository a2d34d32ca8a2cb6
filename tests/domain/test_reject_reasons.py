"""The kinds of reasons are the same whatever a record holds."""

from __future__ import annotations

import pytest

from orders_sync.domain.reject_reasons import WORDS, RejectReason, classify, field_of, path_of


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("id: missing or empty", "no_order_id"),
        ("baseInfo.idOfStr: missing or empty", "no_order_id"),
        ("id: missing", "no_order_id"),
        ("id: a number with a fraction, which may be damaged", "damaged_order_id"),
        ("id: longer than 255 characters", "unusable_order_id"),
        ("order id: holds characters that no key may hold", "unusable_order_id"),
        ("read as order 7, known as order 8", "other_order_id"),
        ("a list, not an object", "not_an_object"),
        ("Expected `object`, got `str`", "not_an_object"),
        ("not JSON", "not_json"),
        ("nested too deep", "not_json"),
        ("not UTF-8: invalid start byte", "not_utf8"),
        ("another order has the id 7: shop read it from h", "other_host"),
        ("refused by the database: value too long", "database"),
        ("colour: is no colour", "other"),
    ],
)
def test_a_reason_has_a_kind(reason: str, kind: str) -> None:
    assert classify(reason) == kind


def test_every_kind_has_words() -> None:
    assert set(WORDS) == set(RejectReason)


@pytest.mark.parametrize(
    ("reason", "field", "path"),
    [
        ("id: missing or empty", "id", ["id"]),
        ("baseInfo.idOfStr: missing or empty", "idOfStr in baseInfo", ["baseInfo", "idOfStr"]),
        ("lines[2].id: missing", "id in lines number 2", ["lines", 1, "id"]),
        ("not JSON", None, None),
        ("refused by the database: x", None, None),
    ],
)
def test_the_field_is_named_in_words_and_has_a_path(
    reason: str, field: str | None, path: list[str | int] | None
) -> None:
    assert field_of(reason) == field
    assert path_of(reason) == path
