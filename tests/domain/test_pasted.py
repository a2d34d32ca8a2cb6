"""Numbers as people paste them."""

from __future__ import annotations

import pytest

from orders_sync.domain import pasted


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3956000003473757090", ["3956000003473757090"]),
        ("  #234804 ", ["234804"]),
        ("'234804", ["234804"]),
        ('="234804"', ["234804"]),
        ("“234804”", ["234804"]),
        ("２３４８０４", ["234804"]),
        ("＃２３４８０４", ["234804"]),
        ("\u200e234804\u202c\ufeff", ["234804"]),
        ("订单号:234804", ["234804"]),
        ("订单号：234804。", ["234804"]),
        ("order no.: 234804", ["234804"]),
        ("1, 2，3;4；5、6|7", ["1", "2", "3", "4", "5", "6", "7"]),
        ("1\n2\r\n\n3\t4\n1", ["1", "2", "3", "4"]),
        ("SF1234-5", ["SF1234-5"]),
        ("700:800:1", ["700:800:1"]),
        ("abc", ["abc"]),
        ("  # ", []),
    ],
)
def test_the_numbers_in_pasted_text_are_read(text: str, numbers: list[str]) -> None:
    assert pasted.resolve([pasted.read(text)], set()) == numbers


def test_a_text_that_is_a_number_as_it_stands_is_not_taken_apart() -> None:
    odd = "[/x]7, 8"
    assert pasted.resolve([pasted.read(odd)], {odd, "8"}) == [odd]
    assert pasted.resolve([pasted.read(odd)], {"8"}) == ["/x]7", "8"]


def test_a_number_written_in_groups_is_one_where_it_is_known() -> None:
    groups = pasted.read("7739 3842 0099")
    assert pasted.resolve([groups], {"773938420099"}) == ["773938420099"]
    assert pasted.resolve([groups], {"3842"}) == ["7739", "3842", "0099"]
    assert pasted.resolve([pasted.read("7739\n3842")], {"77393842"}) == ["7739", "3842"]


def test_a_number_that_a_sheet_rounded_is_recognized() -> None:
    assert [pasted.is_rounded(each) for each in ("3.956E+18", "3E18", "3956", "E18", "3.956")] == [
        True,
        True,
        False,
        False,
        False,
    ]
