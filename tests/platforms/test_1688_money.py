"""Amounts of a 1688 order and of its lines (api-facts 4.2)."""

import json
from decimal import Decimal

import pytest

from orders_sync.platforms.alibaba_1688 import PLATFORM
from tests.support.samples_1688 import (
    base,
    line,
    sample_order,
)


class TestMoney:
    def test_order_amounts_are_yuan_as_number_and_as_text(self) -> None:
        for amount in ("69", 69, 69.0, "69.00"):
            order = base(totalAmount=amount, sumProductPayment=amount, shippingFee=amount, couponFee=amount).order
            assert order.total_amount == order.product_amount == Decimal("69.00")
            assert order.shipping_amount == order.coupon_amount == Decimal("69.00")

    def test_discounts_are_fen_and_may_be_negative(self) -> None:
        assert base(discount=-3989).order.discount_amount == Decimal("-39.89")
        assert base(discount="-175").order.discount_amount == Decimal("-1.75")
        assert line(entryDiscount=-175).sub_orders[0].discount_amount == Decimal("-1.75")

    def test_actual_paid_fee_is_fen_beside_an_item_amount_in_yuan(self) -> None:
        row = line(actualPaidFee=6900, itemAmount="69").sub_orders[0]
        assert row.paid_amount == row.amount == Decimal("69.00")

    def test_postage_and_refund_of_a_line_are_yuan(self) -> None:
        row = line(sharePostage="2.15", refund=12).sub_orders[0]
        assert (row.shipping_amount, row.refund_amount) == (Decimal("2.15"), Decimal("12.00"))

    def test_refund_is_yuan_and_refund_payment_stays_as_received(self) -> None:
        order = base(refund="12.5", refundPayment=1250).order
        assert (order.refund_amount, order.refund_payment_raw) == (Decimal("12.50"), "1250")

    def test_fees_of_unknown_unit_stay_as_received(self) -> None:
        row = line(orderSharedPromotionFee="150", itemDiscountFee=-2, crossPromotionFee=1.50).sub_orders[0]
        assert (row.shared_promotion_raw, row.item_discount_raw, row.cross_promotion_raw) == ("150", "-2", "1.5")

    def test_paid_amount_is_the_sum_over_the_steps(self) -> None:
        steps = [{"paidFee": "30"}, None, {"paidFee": None}, {"paidFee": 67.3}]
        assert base(newStepOrderList=steps).order.paid_amount == Decimal("97.30")

    @pytest.mark.parametrize("steps", [None, [], [{}], [{"paidFee": ""}]])
    def test_paid_amount_is_none_when_no_step_says(self, steps: object) -> None:
        assert base(newStepOrderList=steps).order.paid_amount is None

    def test_total_that_does_not_add_up_lands_and_is_noted(self) -> None:
        """api-facts 4.2: official samples hold it loosely, 6.15 beside 0.4 + 6."""
        order = base(totalAmount="6.15", shippingFee="6").order
        assert order.total_amount == Decimal("6.15")
        assert order.notes == ["totalAmount 6.15 is not the sum of itemAmount and shippingFee, 99.00"]

    def test_number_with_many_digits_never_passes_through_float(self) -> None:
        record = json.dumps(sample_order()).replace('"97.3"', "1234567890123456.78").encode()
        assert PLATFORM.normalize(record).order.total_amount == Decimal("1234567890123456.78")

    @pytest.mark.parametrize("amount", ["abc", "NaN", "1e400", "99999999999999999", True, [1], "1_000", "12,50元"])
    def test_what_is_no_amount_is_noted_naming_the_field(self, amount: object) -> None:
        for name in ("totalAmount", "sumProductPayment", "discount"):
            order = base(**{name: amount}).order
            assert [
                note
                for note in order.notes or []
                if note.startswith(f"{name} is not") or "true or" in note or "a list" in note
            ]
        assert base(totalAmount=amount).order.total_amount is None

    @pytest.mark.parametrize(
        ("sent", "landed", "notes"),
        [
            (6900, "69.00", 0),
            ("69.5", None, 1),
            (0, "0.00", 0),
            ("0.00", "0.00", 0),
            ("69.00", "69.00", 1),  # yuan: so it adds up
            (69, "69.00", 1),
            (6800, "68.00", 0),  # not all of it is paid
        ],
    )
    def test_amount_in_fen_that_is_yuan_is_never_off_by_a_hundred_in_silence(
        self, sent: object, landed: str | None, notes: int
    ) -> None:
        rows = line(actualPaidFee=sent)
        assert rows.sub_orders[0].paid_amount == (None if landed is None else Decimal(landed))
        assert len(rows.order.notes or []) == notes

    def test_amount_in_yuan_that_is_fen_is_read_as_what_adds_up_and_noted(self) -> None:
        rows = line(itemAmount="6900")
        assert rows.sub_orders[0].amount == rows.product_items[0].amount == Decimal("69.00")
        assert rows.order.notes == ["line 1: itemAmount 6900 was read as fen: so it adds up"]
        order = base(totalAmount=9730).order
        assert (order.total_amount, order.notes) == (
            Decimal("97.30"),
            ["totalAmount 9730 was read as fen: so it adds up"],
        )

    def test_discount_is_yuan_where_only_that_adds_up(self) -> None:
        order = base(discount="-40.00", totalAmount="57.30").order
        assert (order.discount_amount, len(order.notes or [])) == (Decimal("-40.00"), 1)
        order = base(discount=-4000, totalAmount="57.30").order
        assert (order.discount_amount, order.notes) == (Decimal("-40.00"), None)
        assert base(discount="-39.89").order.discount_amount is None

    def test_a_price_far_below_what_was_asked_is_no_other_unit(self) -> None:
        """Offers sold at 0.01 of a yuan are common: a discount explains the factor."""
        rows = line(price="1", itemAmount="0.01", entryDiscount=-99, actualPaidFee=1)
        assert (rows.product_items[0].unit_price, rows.sub_orders[0].amount) == (Decimal("1.00"), Decimal("0.01"))

    def test_price_keeps_every_place_and_an_amount_that_is_rounded_is_noted(self) -> None:
        rows = line(price="0.035", quantity=1000, itemAmount="35", actualPaidFee=3500)
        assert str(rows.product_items[0].unit_price) == "0.035"
        assert str(line(price=69).product_items[0].unit_price) == "69.00"
        assert base(couponFee="0.005").order.notes == ["couponFee is 0.005, rounded to 0.01"]

    def test_empty_amount_is_none(self) -> None:
        assert base(couponFee="").order.coupon_amount is None
