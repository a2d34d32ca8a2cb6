"""Rows of a 1688 record: the documented order value by value, then field by field (api-facts 4.2, 4.3 and 6)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.times import SHANGHAI
from orders_sync.platforms.alibaba_1688 import PLATFORM
from orders_sync.platforms.testing import check_rows
from tests.support.samples_1688 import LINE_1, LINE_2, ORDER_ID, ROWS, SAMPLE, full_order, rows_of, sample_order

ACCOUNT = Account("shop", "1688", PLATFORM.base_url, "kingdo", "app", "secret")


def base(**changes: Any) -> OrderRows:
    order = sample_order()
    order["baseInfo"] |= changes
    return rows_of(order)


def line(**changes: Any) -> OrderRows:
    order = sample_order()
    order["productItems"][0] |= changes
    return rows_of(order)


def parcels(*items: Any) -> OrderRows:
    order = sample_order()
    order["nativeLogistics"]["logisticsItems"] = list(items)
    return rows_of(order)


def without(*names: str) -> Any:
    order = sample_order()
    for name in names:
        for part in (order["baseInfo"], order["nativeLogistics"], *order["productItems"], order):
            part.pop(name, None)
    return order


def test_documented_order_becomes_the_rows_written_down_by_hand() -> None:
    (record,) = PLATFORM.page(ACCOUNT, SAMPLE).records
    assert PLATFORM.normalize(record) == msgspec.json.decode(ROWS, type=OrderRows)


class TestIds:
    def test_damaged_numeric_ids_are_in_no_row(self) -> None:
        """api-facts 4.3: `id` and `subItemID` went through float64, `idOfStr` and `subItemIDString` are exact."""
        landed = msgspec.json.encode(base()).decode()
        assert "3876532491611498500" not in landed
        assert "3876532491612498400" not in landed

    @pytest.mark.parametrize("id_of_str", ["196965465451498520", 196965465451498520])
    def test_id_of_str_is_exact_as_text_and_as_a_bare_number(self, id_of_str: object) -> None:
        assert base(idOfStr=id_of_str).order.order_id == "196965465451498520"

    @pytest.mark.parametrize("id_of_str", [None, "", 1.5, True, [], {}])
    def test_order_without_an_exact_id_is_an_invalid_record_never_the_numeric_id(self, id_of_str: object) -> None:
        with pytest.raises(InvalidRecordError, match=r"idOfStr"):
            base(idOfStr=id_of_str)

    def test_order_id_spelled_with_a_fraction_is_an_invalid_record_for_it_may_be_damaged(self) -> None:
        record = json.dumps(sample_order()).replace('"idOfStr": "', '"idOfStr": 1.0, "x": "').encode()
        with pytest.raises(InvalidRecordError, match="a fraction"):
            PLATFORM.normalize(record)

    def test_line_id_spelled_with_a_fraction_is_not_used_but_noted(self) -> None:
        rows = line(subItemIDString=1.5)
        assert [row.sub_order_id for row in rows.sub_orders] == [LINE_1, LINE_2]  # the first by its snapshot
        assert rows.order.notes == [
            "line 1: subItemIDString is a number with a fraction, which may be damaged; kept in the raw payload"
        ]

    def test_line_id_falls_back_to_the_snapshot_address(self) -> None:
        rows = line(subItemIDString=None)
        assert [row.sub_order_id for row in rows.sub_orders] == [LINE_1, LINE_2]

    @pytest.mark.parametrize("snapshot", [None, "", "https://trade.1688.com/x?other_order_entry_ids=1"])
    def test_line_without_any_exact_id_is_known_by_its_product_and_noted(self, snapshot: object) -> None:
        rows = line(subItemIDString="", productSnapshotUrl=snapshot)
        assert [row.sub_order_id for row in rows.sub_orders] == ["787976764203:5549191331204:1", LINE_2]
        assert rows.order.notes == [
            "line 1: subItemIDString is missing; the line is known by its product as 787976764203:5549191331204:1"
        ]

    def test_single_line_order_may_have_the_order_s_id_on_its_line(self) -> None:
        order = sample_order()
        order["productItems"] = [order["productItems"][0] | {"subItemIDString": ORDER_ID}]
        rows = rows_of(order)
        assert rows.order.order_id == rows.sub_orders[0].sub_order_id == ORDER_ID

    def test_two_different_lines_of_one_id_are_two_rows_whatever_their_order_and_noted(self) -> None:
        order = sample_order()
        order["productItems"][0]["subItemIDString"] = LINE_2
        rows, turned = rows_of(order), rows_of({**order, "productItems": order["productItems"][::-1]})
        assert {row.sub_order_id for row in rows.sub_orders} == {LINE_2, f"{LINE_2}#2"}
        titles = {item.sub_order_id: item.title for item in rows.product_items}
        assert titles == {item.sub_order_id: item.title for item in turned.product_items}
        (note,) = rows.order.notes or []
        assert note == f"different lines have the subItemIDString {LINE_2}; one is kept as {LINE_2}#2"

    def test_two_lines_whose_ids_become_equal_once_they_can_be_stored_stay_apart(self) -> None:
        order = sample_order()
        for item, line_id in zip(order["productItems"], ("1\x00", "1␀"), strict=True):
            item["subItemIDString"] = line_id
        rows = rows_of(order)
        assert len({row.sub_order_id for row in rows.sub_orders}) == 2
        check_rows(rows)

    def test_line_listed_twice_is_kept_once_and_noted(self) -> None:
        order = sample_order()
        order["productItems"].append(order["productItems"][0])
        rows = rows_of(order)
        assert [row.line_no for row in rows.sub_orders] == [1, 2]
        assert rows.order.line_count == 2
        assert rows.order.notes == [f"line {LINE_1} is listed twice, kept once"]

    def test_order_id_longer_than_an_index_takes_is_an_invalid_record_and_a_line_id_is_noted(self) -> None:
        base(idOfStr="9" * 255)
        with pytest.raises(InvalidRecordError, match="idOfStr"):
            base(idOfStr="9" * 256)
        assert line(subItemIDString="9" * 255).order.notes is None
        assert line(subItemIDString="9" * 256).order.notes == [
            "line 1: subItemIDString is longer than 255 characters; kept in the raw payload"
        ]


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


class TestTimes:
    def test_offset_is_the_time_s_own(self) -> None:
        created = base(createTime="20170913231708000-0700").order.created_at
        assert created is not None
        assert created == datetime(2017, 9, 14, 6, 17, 8, tzinfo=UTC)
        assert created.utcoffset() == timedelta(hours=-7)

    def test_milliseconds_are_kept(self) -> None:
        modified = base(modifyTime="20240506162940123+0800").order.modified_at
        assert modified == datetime(2024, 5, 6, 16, 29, 40, 123000, SHANGHAI)

    def test_pay_expiry_has_its_own_format_in_shanghai(self) -> None:
        expires = base(gmtPayExpireTime="2024-05-09 16:29:35").order.pay_expires_at
        assert expires == datetime(2024, 5, 9, 16, 29, 35, tzinfo=SHANGHAI)

    def test_pay_time_may_be_later_than_modify_time(self) -> None:
        order = base().order
        assert order.paid_at is not None
        assert order.modified_at is not None
        assert order.paid_at - order.modified_at == timedelta(seconds=1)

    def test_every_time_lands_in_its_column(self) -> None:
        order = rows_of(full_order()).order
        assert order.delivered_at == datetime(2024, 5, 7, 9, tzinfo=SHANGHAI)
        assert order.received_at == datetime(2024, 5, 9, 10, tzinfo=SHANGHAI)
        assert order.confirmed_at == datetime(2024, 5, 9, 11, tzinfo=SHANGHAI)
        assert order.completed_at == datetime(2024, 5, 9, 12, tzinfo=SHANGHAI)

    @pytest.mark.parametrize("time", ["20241306162935000+0800", "yesterday", 20240506, "20240506162935000+9900"])
    def test_what_is_no_time_is_noted_naming_the_field(self, time: object) -> None:
        order = base(payTime=time).order
        assert order.paid_at is None
        assert order.notes == [f"payTime is not a time: '{time}'; kept in the raw payload"]

    def test_order_without_a_creation_time_lands_and_is_noted(self) -> None:
        for time in (None, "", "0000-00-00 00:00:00"):
            order = base(createTime=time).order
            assert (order.created_at, order.notes) == (None, ["createTime is missing"])


class TestStatus:
    def test_unknown_status_lands_as_itself_in_group_other(self) -> None:
        order = base(status="waitsomebodyelse").order
        assert (order.status, order.status_group) == ("waitsomebodyelse", "other")

    @pytest.mark.parametrize("status", [None, ""])
    def test_order_without_a_status_lands_as_unknown_and_is_noted(self, status: object) -> None:
        order = base(status=status).order
        assert (order.status, order.status_group, order.notes) == ("unknown", "other", ["status is missing"])

    @pytest.mark.parametrize(
        "left",
        [{"logisticsStatus": 2}, {"logisticsStatus": "3"}, {"logisticsStatus": 5}]
        + [{"status": status} for status in ("waitbuyerreceive", "waitbuyersign", "signinsuccess", "success")],
    )
    def test_order_that_waits_while_a_line_has_left_is_partly_shipped(self, left: dict[str, object]) -> None:
        order = line(**left).order
        assert (order.status, order.status_group) == ("waitsellersend", "partly_shipped")

    @pytest.mark.parametrize("logistics_status", [1, 4, 8, None])
    def test_order_no_line_of_which_has_left_awaits_shipment(self, logistics_status: object) -> None:
        assert line(logisticsStatus=logistics_status).order.status_group == "awaiting_shipment"

    def test_line_that_left_does_not_touch_an_order_that_does_not_wait(self) -> None:
        order = full_order()
        order["baseInfo"]["status"] = "success"
        assert rows_of(order).order.status_group == "completed"

    def test_closed_order_keeps_its_lines_and_says_why(self) -> None:
        order = base(status="cancel", closeReason="BUYER_NO_PAY", closeOperateType="CLOSE_TRADE_BY_CREADIT", refund=0)
        assert (order.order.status_group, order.order.line_count) == ("cancelled", 2)
        assert (order.order.close_reason, order.order.closed_by) == ("BUYER_NO_PAY", "CLOSE_TRADE_BY_CREADIT")
        assert order.order.refund_amount == Decimal("0.00")

    def test_partly_refunded_order_keeps_every_level_s_own_words(self) -> None:
        rows = rows_of(full_order())
        order, one, two = rows.order, *rows.sub_orders
        assert (order.refund_status, order.refund_id) == ("waitselleragree", "TQ11173622")
        assert (order.after_sale_refund_status, order.after_sale_refund_id) == ("refundclose", "TQ11173623")
        assert (one.status, one.refund_status, one.refund_id) == ("waitbuyerreceive", "WAIT_SELLER_AGREE", "TQ11173622")
        assert (one.after_sale_refund_status, one.after_sale_refund_id) == ("REFUND_CLOSED", "TQ11173623")
        assert one.close_reason == "other"
        assert (two.status, two.refund_status) == ("waitsellersend", None)

    def test_empty_codes_are_none(self) -> None:
        order = base(refundId="", closeOperateType="", refundStatus="", sellerRemarkIcon="", buyerOpenUid="").order
        assert (order.refund_id, order.closed_by, order.refund_status, order.seller_flag) == (None,) * 4
        assert order.buyer_id is None

    def test_trade_type_is_its_code_else_its_number(self) -> None:
        assert base().order.trade_type == "assureTrade"
        assert base(tradeTypeCode="").order.trade_type == "50060"


class TestPeople:
    def test_receiver_is_apart_and_nothing_of_the_person_is_on_the_order(self) -> None:
        order = sample_order()
        person = {
            "contactPerson": "张三丰",
            "mobile": "15100000000",
            "telephone": "021-5",
            "address": "路1号",
            "zip": "9",
        }
        order["nativeLogistics"] |= person
        rows = rows_of(order)
        assert rows.receiver is not None
        assert (rows.receiver.name, rows.receiver.mobile, rows.receiver.phone) == ("张三丰", "15100000000", "021-5")
        assert (rows.receiver.address, rows.receiver.zip) == ("路1号", "9")
        others = [row for row in rows.all() if row is not rows.receiver]
        landed = msgspec.json.encode(others).decode()
        assert not [text for text in ("张三丰", "15100000000", "021-5", "路1号", "86-****", "服*") if text in landed]

    def test_place_is_on_the_order_too_and_country_only_when_given(self) -> None:
        rows = base()
        assert (rows.order.country, rows.order.province, rows.order.city) == (None, "上海", "上海市")
        order = sample_order()
        order["nativeLogistics"]["country"] = "中国"
        rows = rows_of(order)
        assert rows.receiver is not None
        assert rows.order.country == rows.receiver.country == "中国"

    def test_receiver_of_1688s_own_model_stands_where_the_gateways_is_missing(self) -> None:
        info = {
            "toFullName": "李四", "toMobile": "138", "toPhone": "021", "toDivisionCode": "330106",
            "toTownCode": "330106001", "toArea": "浙江省 杭州市 西湖区 路1号", "toPost": "310000",
        }  # fmt: skip
        order = sample_order()
        order["baseInfo"]["receiverInfo"] = info
        order["nativeLogistics"] |= {"town": "某镇", "townCode": "1"}
        assert (found := rows_of(order).receiver)
        assert (found.name, found.phone, found.town, found.town_code) == ("张*", "021", "某镇", "1")
        del order["nativeLogistics"]
        assert (found := rows_of(order).receiver)
        assert (found.name, found.mobile, found.phone, found.zip) == ("李四", "138", "021", "310000")
        assert (found.district_code, found.town_code) == ("330106", "330106001")
        assert found.address == "浙江省 杭州市 西湖区 路1号"

    @pytest.mark.parametrize("logistics", [None, {}, [], "", {"logisticsItems": [{"id": 1}]}])
    def test_order_without_an_address_has_no_receiver(self, logistics: object) -> None:
        rows = rows_of(sample_order() | {"nativeLogistics": logistics})
        assert rows.receiver is None
        assert rows.order.province is None

    def test_masked_and_encrypted_texts_are_kept_whatever_their_length(self) -> None:
        order = sample_order()
        order["nativeLogistics"]["caid"] = "密" * 5000
        receiver = rows_of(order).receiver
        assert receiver is not None
        assert (receiver.name, receiver.mobile, receiver.encrypted_id) == ("张*", "151****0000", "密" * 5000)

    @pytest.mark.parametrize(
        ("remark", "feedback", "message"),
        [
            (None, None, None),
            ("a", None, "a"),
            (None, "b", "b"),
            ("", "b", "b"),
            ("a", "a", "a"),
            ("a", "b", "a\nb"),
            ("", None, None),
            (None, "", None),
        ],
    )
    def test_buyer_message_is_the_note_and_the_feedback(
        self, remark: object, feedback: object, message: object
    ) -> None:
        assert base(remark=remark, buyerFeedback=feedback).order.buyer_message == message

    def test_memos_and_flag_land(self) -> None:
        order = rows_of(full_order()).order
        assert (order.buyer_memo, order.seller_memo, order.seller_flag) == ("给小王", "加急", "3")
        assert base(sellerRemarkIcon=3).order.seller_flag == "3"

    def test_payment_number_that_is_not_created_yet_is_none(self) -> None:
        assert base(alipayTradeId="UNCREATED").order.payment_no is None
        assert base(alipayTradeId="").order.payment_no is None
        assert base(alipayTradeId="2024050622001192691492").order.payment_no == "2024050622001192691492"


class TestParcels:
    def test_one_parcel_for_several_lines_is_on_each_of_them(self) -> None:
        rows = parcels({"id": 1, "logisticsBillNo": "YT1", "subItemIds": f"{LINE_1}, {LINE_2},"})
        assert rows.parcels[0].sub_order_ids == [LINE_1, LINE_2]
        assert [row.tracking_numbers for row in rows.sub_orders] == [["YT1"], ["YT1"]]

    def test_several_parcels_are_each_a_row_in_the_order_listed(self) -> None:
        rows = parcels(
            {"id": 2, "logisticsBillNo": "YT2", "subItemIds": LINE_1},
            {"id": 1, "logisticsBillNo": "YT1", "subItemIds": LINE_1},
            {"id": 3, "logisticsBillNo": "YT2", "subItemIds": LINE_2},
        )
        assert rows.order.tracking_numbers == ["YT2", "YT1"]
        assert [row.tracking_numbers for row in rows.sub_orders] == [["YT2", "YT1"], ["YT2"]]

    def test_every_field_of_a_parcel_lands(self) -> None:
        parcel = rows_of(full_order()).parcels[0]
        assert (parcel.parcel_id, parcel.tracking_no) == ("9001", "YT0001")
        assert (parcel.carrier_name, parcel.carrier_code) == ("圆通速递", "YTO")
        assert (parcel.status, parcel.delivery_type, parcel.freight_amount) == ("alreadysend", "0", Decimal("4.30"))
        assert parcel.delivered_at == datetime(2024, 5, 7, 9, tzinfo=SHANGHAI)

    def test_words_for_no_logistics_are_no_tracking_number(self) -> None:
        rows = parcels({"logisticsBillNo": "不需要物流", "type": "2", "subItemIds": LINE_1})
        assert (rows.parcels[0].parcel_id, rows.parcels[0].tracking_no) == ("1", None)
        assert rows.order.tracking_numbers is None
        assert rows.sub_orders[0].tracking_numbers is None

    def test_parcel_is_known_by_id_else_bill_number_else_position_always_unique(self) -> None:
        rows = parcels({"id": "A"}, {"logisticsBillNo": "A"}, None, {"id": ""}, {"id": 3}, {"id": "A"}, {})
        assert [parcel.parcel_id for parcel in rows.parcels] == ["A", "A#2", "3", "3#2", "A#3", "6"]

    def test_ids_that_become_equal_once_they_can_be_stored_stay_apart(self) -> None:
        nul, picture, surrogate, replaced = ({"id": f"A{end}"} for end in ("\x00", "␀", "\ud800", "\ufffd"))
        for items in ((nul, picture, surrogate, replaced), (replaced, surrogate, picture, nul)):
            assert len({parcel.parcel_id for parcel in parcels(*items).parcels}) == 4

    def test_longest_ids_stay_within_an_index_when_they_are_made_unique(self) -> None:
        rows = parcels({"id": "9" * 255}, {"id": "9" * 255})
        assert len({parcel.parcel_id for parcel in rows.parcels}) == 2
        check_rows(rows)

    def test_parcel_without_lines_is_on_the_order_only(self) -> None:
        rows = parcels({"id": 1, "logisticsBillNo": "YT1"})
        assert rows.order.tracking_numbers == ["YT1"]
        assert [row.tracking_numbers for row in rows.sub_orders] == [None, None]


class TestProducts:
    @pytest.mark.parametrize(
        ("urls", "image"),
        [
            (["http://x/a.80x80.jpg", "http://x/a.jpg"], "http://x/a.jpg"),
            (["http://x/a.jpg", "http://x/a.310x310.jpg"], "http://x/a.jpg"),
            (["http://x/a_64x64.png", "http://x/a.80x80.jpg"], "http://x/a_64x64.png"),
            (["http://x.80x80.com/a.80x80.jpg", "http://x.80x80.com/a.jpg"], "http://x.80x80.com/a.jpg"),
            (["", None, "http://x/a.jpg"], "http://x/a.jpg"),
            ("http://x/a.jpg", "http://x/a.jpg"),
            ([], None),
            (None, None),
        ],
    )
    def test_image_is_the_one_without_a_size_in_its_name_else_the_first(self, urls: object, image: object) -> None:
        assert line(productImgUrl=urls).product_items[0].image_url == image

    @pytest.mark.parametrize(
        ("sent", "quantity"), [(1, "1"), ("3", "3"), (1.5, "1.5"), ("0.125", "0.125"), ("", None), (None, None)]
    )
    def test_quantity_may_be_a_fraction(self, sent: object, quantity: str | None) -> None:
        landed = line(quantity=sent).product_items[0].quantity
        assert landed == (None if quantity is None else Decimal(quantity))

    @pytest.mark.parametrize("sent", ["many", "NaN", "Infinity", "1e15", "1e-13", True, [1], 10**20])
    def test_what_is_no_quantity_is_noted(self, sent: object) -> None:
        rows = line(quantity=sent)
        assert rows.product_items[0].quantity is None
        (note,) = rows.order.notes or []
        assert note.startswith("line 1: quantity is ")

    @pytest.mark.parametrize(
        ("quantity", "factor", "item_amount", "landed", "notes"),
        [
            ("1.5", 1000, "103.5", "1.5", 0),  # as documented: the factor says how fine a quantity may be
            (1500, 1000, "103.5", "1.5", 1),
            (1500, "1000", "77", "1500", 1),
            (2, 1, "138", "2", 0),
        ],
    )
    def test_quantity_factor_divides_a_quantity_only_where_that_adds_up(
        self, quantity: object, factor: object, item_amount: str, landed: str, notes: int
    ) -> None:
        rows = line(quantity=quantity, quantityFactor=factor, itemAmount=item_amount, actualPaidFee=None)
        assert rows.product_items[0].quantity == Decimal(landed)
        assert len([note for note in rows.order.notes or [] if "quantityFactor" in note]) == notes

    def test_divided_quantity_no_column_can_hold_is_left_out_with_a_note(self) -> None:
        rows = line(quantity="1" + "0" * 14, quantityFactor="1e-12", price="1e-12", itemAmount="1" + "0" * 14)
        assert rows.product_items[0].quantity is None
        assert [note for note in rows.order.notes or [] if note.startswith("line 1: quantity is not a number a column")]

    def test_article_number_of_the_sku_stands_where_the_product_has_none(self) -> None:
        assert line(productCargoNumber="", cargoNumber="S-1").product_items[0].cargo_no == "S-1"
        assert line(cargoNumber="S-1").product_items[0].cargo_no == "YYSP2017A33"

    def test_sku_is_a_dictionary_and_readable_text(self) -> None:
        item = line(skuInfos=[{"name": "颜色", "value": "红"}, {"name": "尺码", "value": 26}]).product_items[0]
        assert item.sku_attributes == {"颜色": "红", "尺码": "26"}
        assert item.sku_text == "颜色: 红; 尺码: 26"

    def test_equal_sku_names_are_joined_not_lost(self) -> None:
        item = line(skuInfos=[{"name": "颜色", "value": "红"}, {"name": "颜色", "value": "蓝"}]).product_items[0]
        assert (item.sku_attributes, item.sku_text) == ({"颜色": "红/蓝"}, "颜色: 红; 颜色: 蓝")

    @pytest.mark.parametrize("infos", [None, [], [None], [{}], [{"name": "", "value": None}]])
    def test_line_without_sku_has_neither(self, infos: object) -> None:
        item = line(skuInfos=infos).product_items[0]
        assert (item.sku_attributes, item.sku_text) == (None, None)

    def test_sku_value_without_a_name_is_in_the_text(self) -> None:
        item = line(skuInfos=[{"value": "红"}]).product_items[0]
        assert (item.sku_attributes, item.sku_text) == (None, "红")


class TestOddShapes:
    @pytest.mark.parametrize("terms", [[], None, [None], [{}]])
    def test_no_guarantees_is_none(self, terms: object) -> None:
        rows = line(guaranteesTerms=terms)
        assert rows.sub_orders[0].guarantees is None
        assert rows.order.notes is None

    @pytest.mark.parametrize("terms", ["D", 1, ["D"], [{"shortCode": [1]}]])
    def test_odd_guarantees_of_a_line_are_noted_and_break_nothing(self, terms: object) -> None:
        rows = line(guaranteesTerms=terms)
        assert rows.sub_orders[0].guarantees is None
        (note,) = rows.order.notes or []
        assert "guaranteesTerms" in note

    def test_a_single_object_is_a_list_of_one(self) -> None:
        assert line(guaranteesTerms={"shortCode": "D"}).sub_orders[0].guarantees == ["D"]

    def test_guarantees_as_an_object_at_order_level_change_nothing(self) -> None:
        terms = {"assuranceInfo": "x", "shortCode": "D"}
        assert rows_of(sample_order() | {"guaranteesTerms": terms}) == base(guaranteesTerms=terms) == base()

    @pytest.mark.parametrize("empty", [None, []])
    def test_null_or_empty_lists_are_none(self, empty: object) -> None:
        order = sample_order()
        order["extAttributes"] = order["tradeTerms"] = empty
        order["baseInfo"] |= {"newStepOrderList": empty, "payChannelList": empty, "tradeTerms": empty}
        order["nativeLogistics"]["logisticsItems"] = empty
        for item in order["productItems"]:
            item |= {"guaranteesTerms": empty, "productImgUrl": empty, "skuInfos": empty}
        rows = rows_of(order)
        assert (rows.order.pay_channels, rows.order.paid_amount, rows.parcels) == (None, None, [])

    def test_absent_fields_are_the_same_as_null_ones(self) -> None:
        names = (
            "payTime",
            "skuInfos",
            "specId",
            "guaranteesTerms",
            "newStepOrderList",
            "productImgUrl",
            "buyerContact",
        )
        nulled = sample_order()
        for name in names:
            for part in (nulled["baseInfo"], *nulled["productItems"]):
                if name in part:
                    part[name] = None
        assert rows_of(without(*names)) == rows_of(nulled)

    @pytest.mark.parametrize("items", [None, [], [None], {}, "", "x"])
    def test_order_without_lines_lands_and_is_noted(self, items: object) -> None:
        rows = rows_of(sample_order() | {"productItems": items})
        assert (rows.order.line_count, rows.sub_orders, rows.product_items) == (0, [], [])
        assert "the record lists no lines" in (rows.order.notes or [])

    def test_null_among_the_lines_is_skipped_and_noted(self) -> None:
        order = sample_order()
        order["productItems"].insert(1, None)
        rows = rows_of(order)
        assert [row.line_no for row in rows.sub_orders] == [1, 2]
        assert rows.order.notes == ["productItems holds 1 null, skipped"]
        assert not rows.has_all_lines

    def test_aggregators_shape_gives_the_same_rows(self) -> None:
        """api-facts 6: longs as text and times as `2021-07-06 14:53:35`."""

        def reshaped(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: reshaped(item) for name, item in value.items()}
            if isinstance(value, list):
                return [reshaped(item) for item in value]
            if isinstance(value, str) and value.endswith("000+0800"):
                return f"{datetime.strptime(value[:14], '%Y%m%d%H%M%S')}"
            return str(value) if type(value) is int else value

        assert rows_of(reshaped(full_order())) == rows_of(full_order())

    def test_numbers_where_the_documents_have_text_land_as_they_are_spelled(self) -> None:
        record = json.dumps(sample_order()).replace('"YYSP2017A33"', "20.170").replace('"L6"', "1e5").encode()
        rows = PLATFORM.normalize(record.replace(b'"buyerLoginId": "a*"', b'"buyerLoginId": 12345678901234567890'))
        assert rows.product_items[0].cargo_no == "20.170"
        assert rows.order.buyer_name == "12345678901234567890"
        assert rows.order.total_amount == Decimal("97.30")

    @pytest.mark.parametrize(
        ("build", "name", "value"),
        [
            (base, "sellerMemo", {"x": 1}),
            (base, "sellerMemo", ["x"]),
            (base, "remark", True),
            (base, "buyerContact", "x"),
            (line, "name", [1]),
            (line, "skuInfos", 7),
            (line, "skuInfos", [[1]]),
        ],
    )
    def test_value_no_column_can_represent_is_noted_naming_the_field(
        self, build: Callable[..., OrderRows], name: str, value: object
    ) -> None:
        (note,) = build(**{name: value}).order.notes or []
        assert name in note

    @pytest.mark.parametrize(
        ("infos", "landed"),
        [
            ("颜色:白", (None, "颜色:白")),
            ({"颜色": "白"}, ({"颜色": "白"}, "颜色: 白")),
            (["白"], (None, "白")),
        ],
    )
    def test_sku_texts_of_other_shapes_are_read(self, infos: object, landed: object) -> None:
        item = line(skuInfos=infos).product_items[0]
        assert (item.sku_attributes, item.sku_text) == landed

    def test_nul_and_lone_surrogates_are_replaced_and_noted_with_their_columns(self) -> None:
        rows = base(sellerMemo="a\x00b", buyerMemo="a\ud800b")
        assert (rows.order.seller_memo, rows.order.buyer_memo) == ("a␀b", "a\ufffdb")
        assert rows.order.notes == [
            "characters a database cannot store were replaced in: Order.buyer_memo, Order.seller_memo"
        ]

    def test_deep_nesting_beside_numbers_for_text_lands_or_is_an_invalid_record(self) -> None:
        record = json.dumps(sample_order()).replace('"97.3"', "97.3", 1)
        landed = []
        for depth in range(1, 1500, 20):
            deep = f'{record[:-1]}, "deep": {"[" * depth}{"]" * depth}}}'.encode()
            try:
                PLATFORM.normalize(deep)
                landed.append(depth)
            except InvalidRecordError:
                pass
        assert landed
        assert landed[-1] < 1400

    def test_everything_at_once_can_land(self) -> None:
        check_rows(rows_of(full_order()))
