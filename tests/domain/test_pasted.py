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
        ("abc", []),
        ("  # ", []),
    ],
)
def test_the_numbers_in_pasted_text_are_read(text: str, numbers: list[str]) -> None:
    assert pasted.resolve([pasted.parse(text)], set()) == numbers


ROW = "3896000002972612503\tsandbox-1688\tsale\twaiting\t{}\t3\t2026-11-26 19:32:42\t–"
OTHERS = [
    "¥1,024.50",
    "13.30",
    "13.30元",
    "CNY13.30",
    "13.30 CNY",
    "2026/11/26",
    "26.11.2026",
    "2026年11月26日",
    "11月26日",
]
OTHERS += ["2026-11-26T19:32:42+08:00", "2026-11-26 19:32 +08:00", "19:32", "12%", "x2", "＄5", "7元"]


@pytest.mark.parametrize("other", OTHERS)
def test_of_copied_rows_only_the_numbers_are_taken(other: str) -> None:
    rows = f"Order Shop 2\n{ROW.format(other)}\n1 SF1234567890 2 234804"
    found = pasted.parse(rows)
    assert pasted.resolve([found], {"1", "2", "3"}) == ["3896000002972612503", "SF1234567890", "234804"]
    assert {"2026-11-26", "19:32:42", "sandbox-1688", "1", "2", "3"} <= set(found.left_out)


@pytest.mark.parametrize("odd", ["2026-11-26", "13.30", "hello", "19:32:42"])
def test_what_looks_like_a_day_or_a_word_is_a_number_only_where_an_order_has_it(odd: str) -> None:
    assert pasted.resolve([pasted.parse(odd)], set()) == []
    assert pasted.resolve([pasted.parse(odd)], {odd}) == [odd]


@pytest.mark.parametrize("number", ["700:800:1", "SF1234-5", "3956000003473757090.0", "3.956E+18", "20261126"])
def test_a_number_with_signs_in_it_is_not_left_out(number: str) -> None:
    found = pasted.parse(f"{number} 3956000003473757090")
    assert pasted.resolve([found], set()) == [number, "3956000003473757090"]
    assert found.left_out == ()


def test_a_text_that_is_a_number_as_it_stands_is_not_taken_apart() -> None:
    odd = "[/x]7, 8"
    assert pasted.resolve([pasted.parse(odd)], {odd, "8"}) == [odd]
    assert pasted.resolve([pasted.parse(odd)], {"8"}) == ["/x]7", "8"]


def test_a_number_written_in_groups_is_one_where_it_is_known() -> None:
    groups = pasted.parse("7739 3842 0099")
    assert pasted.resolve([groups], {"773938420099"}) == ["773938420099"]
    assert pasted.resolve([groups], {"3842"}) == ["7739", "3842", "0099"]
    assert pasted.resolve([pasted.parse("7739\n3842")], {"77393842"}) == ["7739", "3842"]


def test_a_number_that_a_sheet_rounded_is_recognized() -> None:
    assert [pasted.is_rounded(each) for each in ("3.956E+18", "3E18", "3956", "E18", "3.956")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("amount", ["25,740.60", "1,025,740.60", "¥25,740.6", "CNY25,740.60"])
def test_an_amount_with_its_thousands_apart_is_one_word_that_is_left_out(amount: str) -> None:
    found = pasted.parse(f"3896000002972612503\t{amount}\t3896000002972612504")
    assert found.numbers == ("3896000002972612503", "3896000002972612504")
    assert found.left_out == (amount,)


@pytest.mark.parametrize("text", ["896001,896002", "123456,789", "123,456", "100001,200.5"])
def test_numbers_with_a_comma_between_them_stay_apart(text: str) -> None:
    found = pasted.parse(text)
    assert set(text.split(",")) == {*found.numbers, *found.left_out}


NUMBER = "3896000002928933383"


@pytest.mark.parametrize("cut", ["38960 00002 928933383", "3896 0000 0292 8933 383", "389600000 2928933383"])
@pytest.mark.parametrize(
    ("text", "others"),
    [("{}", []), ("order {}, 234804", ["234804"]), ("234804\n{}\n5551234\t2", ["234804", "5551234"])],
)
def test_a_number_with_spaces_inside_is_the_order_that_has_it(text: str, others: list[str], cut: str) -> None:
    found = pasted.parse(text.format(cut))
    assert NUMBER in found.candidates
    assert set(pasted.resolve([found], {NUMBER, "234804"})) == {NUMBER, *others}
    assert not set(cut.split()) & set(pasted.left_out(text.format(cut), [NUMBER, *others]))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("38960 00002 928933383", [NUMBER]),  # no order number begins with 0
        ("3896 0000 0292 8933 383", [NUMBER]),
        ("234804 234805", ["234804", "234805"]),
        ("12345 67890", ["12345", "67890"]),
        ("1443396225289212716 1443396230355912661", ["1443396225289212716", "1443396230355912661"]),
        ("3896\t0000\t0292", ["3896", "0000", "0292"]),
    ],
)
def test_groups_that_no_order_has_are_one_number_where_they_can_be_none_apart(text: str, meant: list[str]) -> None:
    assert pasted.resolve([pasted.parse(text)], set()) == meant


def test_groups_that_orders_have_apart_stay_apart() -> None:
    assert pasted.resolve([pasted.parse("234804 234805")], {"234804", "234804234805"}) == ["234804234805"]
    row = pasted.parse("x 234804 234805")
    assert pasted.resolve([row], {"234804", "234804234805"}) == ["234804", "234805"]


def test_a_long_line_of_numbers_has_few_candidates() -> None:
    line = " ".join(str(30304909 + number) for number in range(100))
    assert len(pasted.parse(line).candidates) < 400
