"""Money: yuan with two places, whatever unit it came in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.money import fen, yuan

whole_fen = st.integers(-(10**18) + 1, 10**18 - 1)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("69", "69.00"),
        (69, "69.00"),
        ("6.15", "6.15"),
        (Decimal("6.1"), "6.10"),
        (-3, "-3.00"),
        ("0", "0.00"),
        ("6.154", "6.15"),
        ("6.155", "6.16"),
        ("6.165", "6.17"),
        ("-6.155", "-6.16"),
        ("9999999999999999.99", "9999999999999999.99"),
        (None, None),
        ("", None),
    ],
)
def test_yuan_have_two_places_rounded_half_up(said: Decimal | int | str | None, meant: str | None) -> None:
    found = yuan(said)
    assert (found if found is None else str(found)) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (6900, "69.00"),
        ("4500", "45.00"),
        (-3989, "-39.89"),
        (1, "0.01"),
        (0, "0.00"),
        (Decimal("15"), "0.15"),
        (10**18 - 1, "9999999999999999.99"),
        (None, None),
        ("", None),
    ],
)
def test_fen_are_hundredths_of_a_yuan(said: Decimal | int | str | None, meant: str | None) -> None:
    found = fen(said)
    assert (found if found is None else str(found)) == meant


@pytest.mark.parametrize("unit", [yuan, fen])
@pytest.mark.parametrize("said", ["abc", "12,5", "¥5", "NaN", "sNaN", "Infinity", "-Infinity", "1e999", "--1", " "])
def test_what_is_no_amount_is_refused(unit: type, said: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        unit(said)


@pytest.mark.parametrize(
    ("unit", "said"), [(yuan, 10**16), (yuan, "9999999999999999.995"), (fen, 10**18), (fen, "-" + "9" * 19)]
)
def test_more_digits_than_a_column_holds_are_refused_not_rounded(unit: type, said: int | str) -> None:
    with pytest.raises(ValueError, match="a column can hold"):
        unit(said)


@given(whole_fen)
def test_no_fen_is_lost_on_the_way_to_yuan(amount: int) -> None:
    found = fen(amount)
    assert found is not None
    assert found * 100 == amount
    assert found.as_tuple().exponent == -2
    assert yuan(str(found)) == found
    assert fen(str(amount)) == found


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_rounding_moves_an_amount_by_half_a_fen_at_most(amount: Decimal) -> None:
    found = yuan(amount)
    assert found is not None
    assert found.as_tuple().exponent == -2
    assert abs(found - amount) <= Decimal("0.005")
