"""Rows of a 1688 record: the documented order value by value, then ids, times, statuses and people (api-facts 4.2)."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.times import SHANGHAI
from orders_sync.platforms.alibaba_1688 import PLATFORM
from orders_sync.platforms.testing import check_rows
from tests.support.samples_1688 import (
    LINE_1,
    LINE_2,
    ORDER_ID,
    ROWS,
    SAMPLE,
    base,
    full_order,
    line,
    rows_of,
    sample_order,
)

ACCOUNT = Account("shop", "1688", PLATFORM.base_url, "kingdo", "app", "secret")


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
