"""Money: yuan with two places, whatever unit it came in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.money import at_least_two_places, fen, number, yuan

whole_fen = st.integers(-(10**16) + 1, 10**16 - 1)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("69", "69"), (69, "69"), ("6.150", "6.150"), (" -3 ", "-3"), ("1.5E+2", "1.5E+2"), ("0.00", "0"), (".5", "0.5"),
     ("0e999", "0")],
)  # fmt: skip
def test_a_number_is_exactly_what_is_spelled(sent: int | str, meant: str) -> None:
    assert number(sent) == Decimal(meant)


@pytest.mark.parametrize(
    "sent",
    ["abc", "12,5", "1_000", "¥5", "１２", "NaN", "sNaN", "-Infinity", "1e999", "1e400", "1e-400", "--1", " ", "0x1",
     10**16, "9" * 5000, "1." + "0" * 70],
)  # fmt: skip
def test_what_is_no_number_or_more_than_a_column_holds_is_refused(sent: int | str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        number(sent)


@pytest.mark.parametrize(
    ("amount", "meant"),
    [
        ("69", "69.00"),
        ("6.1", "6.10"),
        ("6.154", "6.15"),
        ("6.155", "6.16"),
        ("6.165", "6.17"),
        ("-6.155", "-6.16"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_yuan_have_two_places_rounded_half_up(amount: str, meant: str) -> None:
    assert str(yuan(Decimal(amount))) == meant


@pytest.mark.parametrize(
    ("amount", "meant"), [("6900", "69.00"), ("-3989", "-39.89"), ("1", "0.01"), ("0", "0.00"), ("15", "0.15")]
)
def test_fen_are_hundredths_of_a_yuan(amount: str, meant: str) -> None:
    assert str(fen(Decimal(amount))) == meant


@pytest.mark.parametrize(("unit", "amount"), [(yuan, "9999999999999999.995"), (yuan, "1e16"), (fen, "1e18")])
def test_more_digits_than_a_column_holds_are_refused_not_rounded(unit: type, amount: str) -> None:
    with pytest.raises(ValueError, match="a column can hold"):
        unit(Decimal(amount))


@given(whole_fen)
def test_no_fen_is_lost_on_the_way_to_yuan(amount: int) -> None:
    found = fen(Decimal(amount))
    assert found * 100 == amount
    assert found.as_tuple().exponent == -2
    assert yuan(found) == found


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_rounding_moves_an_amount_by_half_a_fen_at_most(amount: Decimal) -> None:
    found = yuan(amount)
    assert found.as_tuple().exponent == -2
    assert abs(found - amount) <= Decimal("0.005")


@pytest.mark.parametrize(("amount", "shown"), [("69", "69.00"), ("0.035", "0.035"), ("1.5", "1.50"), ("0.10", "0.10")])
def test_a_price_keeps_its_places_and_has_two_at_least(amount: str, shown: str) -> None:
    assert str(at_least_two_places(Decimal(amount))) == shown
