"""Xportcn OpenAPI, GET /open/order/page: the contract suite, and rows of its records."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.platforms.testing import Asked, PlatformContract
from orders_sync.platforms.xportcn.open import PLATFORM
from tests.support.xportcn_samples import Story, asked_by_xportcn, at, expected, sample, yuan

STORY = Story("xportcn_open", PLATFORM.normalize)


class TestXportcnOpen(PlatformContract):
    platform = PLATFORM
    sample = sample("xportcn_open")
    items_at = ("data", "data")
    total_at = ("data", "total")
    message_key = "msg"
    page_sizes_taken = (1, 100, 500)
    page_sizes_refused = (-1, 0, 501)
    not_free_text = frozenset(
        {"id", "orderNo", "createTime", "payTime", "purchaseAmount", "status", "quantity", "itemId", "skuId"}
        | {"domesticPostFee", "subOrderResult"}
    )

    def asked(self, request: httpx.Request) -> Asked:
        query = httpx.QueryParams(request.url.query)
        return asked_by_xportcn(query)

    def signature(self, request: httpx.Request) -> str:
        return request.headers["signature"]


def own(**changes: Any) -> dict[str, Any]:
    """A line whose subOrderResult speaks of the line itself."""
    return STORY.line(itemId="2048259680555903", skuId="5632601723775", **changes)


def test_documented_order_becomes_the_rows_written_down_by_hand() -> None:
    assert STORY.rows() == expected("xportcn_open")


class TestKeys:
    def test_equal_lines_stay_two_rows(self) -> None:
        line = STORY.line()
        rows = STORY.rows(line, STORY.line(itemId="7"), line)
        assert [sub.sub_order_id for sub in rows.sub_orders] == [
            "600126245031041190:5016042822039:1",
            "7:5016042822039:1",
            "600126245031041190:5016042822039:2",
        ]
        assert [sub.line_no for sub in rows.sub_orders] == [1, 2, 3]
        assert [item.sub_order_id for item in rows.product_items] == [sub.sub_order_id for sub in rows.sub_orders]

    @pytest.mark.parametrize("changes", [{"quantity": 3}, {"status": "TRADE_CLOSED"}, {"errorCode": 9}, {"title": "x"}])
    def test_equal_lines_that_change_places_keep_their_ids(self, changes: dict[str, Any]) -> None:
        one, other = STORY.line(), STORY.line(**changes)
        names = ("quantity", "title")

        def known(rows: Any) -> Any:
            products = {item.sub_order_id: [getattr(item, name) for name in names] for item in rows.product_items}
            lines = {line.sub_order_id: (line.status, line.error_code) for line in rows.sub_orders}
            return products, lines

        assert known(STORY.rows(one, other)) == known(STORY.rows(other, one))

    def test_null_among_the_lines_is_skipped_and_noted(self) -> None:
        order = STORY.order()
        rows = STORY.rows(*[order["subOrderVOS"][0], None, order["subOrderVOS"][1]])
        assert [line.line_no for line in rows.sub_orders] == [1, 2]
        assert "subOrderVOS holds 1 null, skipped" in (rows.order.notes or [])
        assert not rows.has_all_lines
        assert STORY.rows().has_all_lines

    def test_longest_product_ids_still_make_a_key(self) -> None:
        rows = STORY.rows(STORY.line(itemId="9" * 255, skuId="8" * 255), STORY.line(itemId="9" * 255, skuId="7" * 255))
        ids = [line.sub_order_id for line in rows.sub_orders]
        assert len(set(ids)) == 2
        assert max(map(len, ids)) <= 255

    def test_line_key_does_not_follow_sub_order_id_so_it_never_changes(self) -> None:
        (line,) = STORY.rows(STORY.line(subOrderId=77)).sub_orders
        assert line.sub_order_id == "600126245031041190:5016042822039:1"
        assert line.sub_purchase_id == "77"

    def test_missing_item_and_sku_still_make_a_key(self) -> None:
        line = STORY.line(itemId=None, skuId="")
        rows = STORY.rows(line, line)
        assert [sub.sub_order_id for sub in rows.sub_orders] == ["::1", "::2"]

    def test_colon_inside_an_id_makes_no_two_lines_one(self) -> None:
        rows = STORY.rows(STORY.line(itemId="a:b", skuId="c"), STORY.line(itemId="a", skuId="b:c"))
        assert len({sub.sub_order_id for sub in rows.sub_orders}) == 2

    @pytest.mark.parametrize("missing", [None, ""])
    def test_order_without_id_is_an_invalid_record(self, missing: object) -> None:
        with pytest.raises(InvalidRecordError, match="id: missing"):
            STORY.rows(id=missing)

    def test_number_and_text_are_the_same_id(self) -> None:
        assert STORY.rows(id=1022505290408395575) == STORY.rows()


class TestMoney:
    def test_line_amount_is_the_price_of_a_piece_times_pieces(self) -> None:
        """api-facts 2.2: 200 x "1" + 200 x "1" = 400 fen."""
        rows = STORY.rows()
        assert sum(line.amount or 0 for line in rows.sub_orders) == rows.order.total_amount == yuan("4.00")

    @pytest.mark.parametrize("amount", [1250, "1250"])
    def test_fen_as_number_or_text(self, amount: object) -> None:
        rows = STORY.rows(STORY.line(purchaseAmount=amount, quantity="2"), purchaseAmount=2500)
        assert rows.product_items[0].unit_price == yuan("12.50")
        assert rows.order.total_amount == rows.sub_orders[0].amount == rows.product_items[0].amount == yuan("25.00")
        assert rows.order.notes is not None
        assert len(rows.order.notes) == 1  # the result of another item

    @pytest.mark.parametrize(
        ("order", "line", "quantity", "total", "price", "amount"),
        [
            (9000, "4500", 2, "90.00", "45.00", "90.00"),  # as in the sample: of a piece
            (4500, "4500", 2, "45.00", "22.50", "45.00"),  # of the line
            (4500, "4500", 100, "45.00", "0.45", "45.00"),  # and not 4,500 yuan, though that adds up as well
            ("4500", 4500, 3, "45.00", "15.00", "45.00"),
            (100, "100", 3, "1.00", None, "1.00"),  # a third is no price
            ("4.00", "2.00", 2, "4.00", "2.00", "4.00"),  # all in yuan
            (400, "2.00", 2, "4.00", "2.00", "4.00"),
            ("4.00", 200, 2, "4.00", "2.00", "4.00"),
            (9999, "4500", 2, "99.99", "45.00", "90.00"),  # nothing adds up
            (9999, "2.00", 2, "99.99", None, None),
            ("52.45", 1, 1, None, "0.01", "0.01"),
            (None, "4500", 2, None, "45.00", "90.00"),
        ],
    )
    def test_amounts_are_read_in_the_way_that_adds_up_and_any_other_is_noted(
        self, order: Any, line: Any, quantity: int, total: str | None, price: str | None, amount: str | None
    ) -> None:
        sent = STORY.line(purchaseAmount=line, quantity=quantity, subOrderResult=None)
        rows = STORY.rows(sent, purchaseAmount=order)
        landed = (rows.order.total_amount, rows.product_items[0].unit_price, rows.sub_orders[0].amount)
        assert landed == tuple(None if each is None else yuan(each) for each in (total, price, amount))
        assert (rows.order.notes is None) == (order == 9000)

    def test_negative_fen(self) -> None:
        assert STORY.rows(purchaseAmount="-3989").order.total_amount == yuan("-39.89")

    @pytest.mark.parametrize("amount", [None, ""])
    def test_no_amount_is_none(self, amount: object) -> None:
        rows = STORY.rows(STORY.line(purchaseAmount=amount), purchaseAmount=amount)
        assert rows.order.total_amount is rows.sub_orders[0].amount is rows.product_items[0].unit_price is None

    @pytest.mark.parametrize("amount", ["52.45", 52.45, "x", "NaN", "1e30", True, {"x": 1}])
    def test_fraction_of_a_fen_or_no_amount_is_noted_and_no_wrong_amount(self, amount: object) -> None:
        order = STORY.rows(purchaseAmount=amount).order
        assert order.total_amount is None
        assert [note for note in order.notes or [] if note.startswith("purchaseAmount is ")]

    def test_quantity_may_be_a_fraction(self) -> None:
        rows = STORY.rows(STORY.line(purchaseAmount="1000", quantity=1.5))
        assert rows.product_items[0].quantity == yuan("1.5")
        assert rows.sub_orders[0].amount == yuan("15.00")

    @pytest.mark.parametrize("quantity", ["NaN", "-Infinity", "1e999999999", "0e999999999", "1e-999999999", "x"])
    def test_quantity_no_column_can_hold_is_noted(self, quantity: str) -> None:
        rows = STORY.rows(STORY.line(quantity=quantity))
        assert rows.product_items[0].quantity is None
        assert [note for note in rows.order.notes or [] if note.startswith("line 1: quantity is not a number")]

    @pytest.mark.parametrize("quantity", ["0.00001", "0.0000000001", "1e-12", "0.00001024"])
    def test_price_of_a_piece_no_column_can_hold_is_left_out(self, quantity: str) -> None:
        """9999999999999999 fen for so small a part: the price of a whole piece has more digits than any price."""
        rows = STORY.rows(STORY.line(purchaseAmount="9999999999999999", quantity=quantity), purchaseAmount=10**16 - 1)
        assert rows.order.total_amount == rows.sub_orders[0].amount == yuan("99999999999999.99")
        assert rows.product_items[0].unit_price is None

    def test_line_without_quantity_has_a_price_and_no_amount(self) -> None:
        rows = STORY.rows(STORY.line(quantity=None))
        assert (rows.sub_orders[0].amount, rows.product_items[0].unit_price) == (None, yuan("0.01"))

    def test_domestic_post_fee_is_fen(self) -> None:
        assert STORY.rows(STORY.line(domesticPostFee=1000)).sub_orders[0].shipping_amount == yuan("10.00")


class TestResult:
    def test_result_of_another_item_is_not_used_but_noted(self) -> None:
        rows = STORY.rows()
        assert rows.product_items[0].title is rows.sub_orders[0].outer_purchase_id is rows.order.payment_no is None
        assert len(rows.order.notes or []) == 2

    def test_result_of_the_same_item_but_another_sku_is_not_used(self) -> None:
        rows = STORY.rows(STORY.line(itemId="2048259680555903"))
        assert rows.product_items[0].title is None
        assert rows.order.notes

    def test_result_of_the_line_s_own_item_fills_what_the_line_leaves_null(self) -> None:
        rows = STORY.rows(own(), purchaseAmount=200)
        line, product = rows.sub_orders[0], rows.product_items[0]
        assert rows.order.notes is None
        assert product.title == "#Sisjuly#热辣复古甜酷风性感蕾丝钩花低领修身吊带半身裙套装女"
        assert product.image_url == (
            "https://img.alicdn.com/bao/uploaded/i3/1929658746/O1CN01kjIQWz2ETirHxQMnX_!!1929658746.jpg"
        )
        assert product.sku_attributes == product.sku_attributes_en == {"颜色分类": "玫红色", "尺码": "S"}
        assert product.sku_text == "颜色分类: 玫红色; 尺码: S"
        assert line.upstream_status == "WAIT_BUYER_P"
        assert line.is_closed is False
        assert line.shipping_amount == yuan("0.00")
        assert line.sub_purchase_id == "200035407713"
        assert line.outer_purchase_id == line.outer_line_id == "3716059574020579405"
        assert rows.order.outer_purchase_id == "3716059574020579405"
        assert line.payment_no == rows.order.payment_no == "2024010222001113321406150895"

    def test_own_result_does_not_overrule_the_line_s_amount_and_quantity(self) -> None:
        rows = STORY.rows(own())
        assert rows.sub_orders[0].amount == yuan("2.00")
        assert rows.product_items[0].quantity == 200

    def test_line_s_own_title_wins(self) -> None:
        assert STORY.rows(own(title="裙")).product_items[0].title == "裙"

    def test_close_time_is_milliseconds(self) -> None:
        line = own(subOrderResult=STORY.result(close_time_without_payment="1776593412000"))
        assert STORY.rows(line).sub_orders[0].pay_expires_at == at("2026-04-19T18:10:12+08:00")


class TestOrder:
    def test_order_without_lines_lands(self) -> None:
        for lines in ("null", "[]"):
            rows = STORY.rows(subOrderVOS=json.loads(lines))
            assert (rows.order.line_count, rows.sub_orders, rows.product_items) == (0, [], [])

    def test_no_address_is_given_so_there_is_no_receiver(self) -> None:
        assert STORY.rows().receiver is None

    def test_paid_order(self) -> None:
        rows = STORY.rows(status=1, payTime="2023-09-22 14:00:00")
        assert rows.order.status_group == "awaiting_confirmation"
        assert rows.order.paid_at == at("2023-09-22T14:00:00+08:00")

    def test_unknown_status_lands_as_itself(self) -> None:
        order = STORY.rows(status=77).order
        assert (order.status, order.status_group) == ("77", "other")

    def test_order_without_status_lands_as_unknown_and_is_noted(self) -> None:
        order = STORY.rows(status=None).order
        assert (order.status, order.status_group) == ("unknown", "other")
        assert "status is missing" in (order.notes or [])

    def test_header_awaits_shipment_while_a_line_has_left(self) -> None:
        rows = STORY.rows(STORY.line(), STORY.line(status="WAIT_BUYER_CONFIRM_GOODS"), status=10)
        assert rows.order.status_group == "partly_shipped"

    def test_currency_is_the_lines(self) -> None:
        rows = STORY.rows(STORY.line(purchaseCurrency="USD"))
        assert rows.order.currency == rows.sub_orders[0].currency == rows.product_items[0].currency == "USD"

    def test_line_keeps_its_error_and_close_reason(self) -> None:
        (line,) = STORY.rows(STORY.line(errorCode=500, errorMessage="库存不足", closeReason="buyer")).sub_orders
        assert (line.error_code, line.error_message, line.close_reason) == ("500", "库存不足", "buyer")

    def test_time_that_is_none_lands_and_is_noted(self) -> None:
        order = STORY.rows(createTime="yesterday").order
        assert order.created_at is None
        assert "createTime is not a time: 'yesterday'; kept in the raw payload" in (order.notes or [])
        assert "createTime is missing" in (order.notes or [])

    def test_lines_in_two_currencies_are_never_called_cny(self) -> None:
        rows = STORY.rows(STORY.line(purchaseCurrency="USD"), STORY.line(itemId="7"), STORY.line(purchaseCurrency=None))
        assert rows.order.currency == rows.sub_orders[2].currency == "XXX"
        assert [line.currency for line in rows.sub_orders[:2]] == ["USD", "CNY"]
        assert "the lines are in several currencies, CNY, USD" in (rows.order.notes or [])

    def test_line_that_names_no_currency_is_in_that_of_the_others(self) -> None:
        rows = STORY.rows(STORY.line(purchaseCurrency="USD"), STORY.line(purchaseCurrency=""))
        assert [line.currency for line in rows.sub_orders] == ["USD", "USD"]

    def test_unknown_fields_do_not_disturb(self) -> None:
        assert STORY.rows(STORY.line(new={"x": [1.5]}), STORY.order()["subOrderVOS"][1], extra=[None]) == STORY.rows()

    def test_large_amount_does_not_pass_through_a_float(self) -> None:
        record = json.dumps(STORY.order()).replace('"purchaseAmount": 400', '"purchaseAmount": 90071992547409').encode()
        assert PLATFORM.normalize(record).order.total_amount == yuan("900719925474.09")
