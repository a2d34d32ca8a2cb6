"""Xportcn KA, POST /open/purchase/page: ids, results and amounts of its rows."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from orders_sync.domain.sanitize import REPLACEMENT
from orders_sync.platforms.testing import Asked, PlatformContract
from orders_sync.platforms.xportcn.ka import PLATFORM
from tests.support.xportcn_samples import Story, asked_by_xportcn, at, expected, sample, yuan

STORY = Story("xportcn_ka", PLATFORM.normalize)


class TestXportcnKa(PlatformContract):
    platform = PLATFORM
    sample = sample("xportcn_ka")
    items_at = ("data", "data")
    total_at = ("data", "total")
    message_key = "msg"
    page_sizes_taken = (1, 100, 500)
    page_sizes_refused = (-1, 0, 501)
    not_free_text = frozenset(
        {"id", "orderNo", "purchaseId", "purchaseOrderOuterId", "createTime", "payTime", "purchaseAmount", "status"}
        | {"subOrderStatus", "taobaoPurchaseId", "taobaoSubPurchaseId", "refundStatus"}
        | {"subOrderResult", "createSubOrderResult", "warehouseAddressInfoVO"}
    )

    def asked(self, request: httpx.Request) -> Asked:
        body = json.loads(request.content)
        return asked_by_xportcn(body)

    def signature(self, request: httpx.Request) -> str:
        return request.headers["signature"]


def line(result: Any = None, created: Any = None, **changes: Any) -> dict[str, Any]:
    """The documented line with its results replaced: changes of them, or what stands in their place."""
    changed = STORY.line(**changes)
    for name, value in (("subOrderResult", result), ("createSubOrderResult", created)):
        if isinstance(value, dict):
            value = json.dumps({**json.loads(changed[name]), **value})
        if value is not None:
            changed[name] = value
    return changed


def test_documented_order_becomes_the_rows_written_down_by_hand() -> None:
    assert STORY.rows() == expected("xportcn_ka")


class TestKeys:
    def test_key_is_the_row_s_id_because_an_order_no_may_carry_several_purchases(self) -> None:
        one, other = STORY.rows(), STORY.rows(id=234805, purchaseId=200108703199)
        assert one.order.order_no == other.order.order_no
        assert (one.order.order_id, other.order.order_id) == ("234804", "234805")

    def test_line_without_id_is_known_by_its_purchase_and_noted(self) -> None:
        for missing in (None, "", " ", 1.5):
            rows = STORY.rows(STORY.line(id=missing))
            assert rows.sub_orders[0].sub_order_id == "200108703155:200108703156:1"
            assert [note for note in rows.order.notes or [] if "id is missing" in note]

    def test_two_lines_with_one_id_are_two_rows_unless_they_are_one(self) -> None:
        """P4: landing them as one would lose one, or stop every neighbour at the primary key."""
        rows = STORY.rows(STORY.line(), STORY.line(errorCode=7), purchaseAmount=10490)
        assert [line.sub_order_id for line in rows.sub_orders] == ["1362127951428059595#2", "1362127951428059595"]
        rows = STORY.rows(STORY.line(), STORY.line())
        assert rows.order.notes == ["line 1362127951428059595 is listed twice, kept once"]

    def test_purchase_id_comes_as_number_and_as_text(self) -> None:
        assert STORY.rows(purchaseId="200108703155") == STORY.rows(purchaseId=200108703155) == STORY.rows()

    def test_purchase_id_falls_back_to_the_lines(self) -> None:
        assert STORY.rows(purchaseId=None).order.purchase_id == "200108703155"

    def test_sub_purchase_id_is_a_number_in_one_result_and_text_in_the_other_and_both_are_the_line_s(self) -> None:
        rows = STORY.rows()
        assert rows.order.notes is None
        assert rows.sub_orders[0].merchant_line_no == "LINE002"
        assert rows.sub_orders[0].amount == yuan("52.45")


class TestJsonInAString:
    """api-facts 6: it may be null, "", broken, not a string at all, or another line's."""

    @pytest.mark.parametrize("nothing", [None, "", "  ", "null"])
    def test_no_result_leaves_columns_empty_without_a_note(self, nothing: object) -> None:
        rows = STORY.rows(STORY.line(subOrderResult=nothing, createSubOrderResult=nothing))
        assert rows.sub_orders[0].amount is rows.sub_orders[0].estimated_amount is None
        assert rows.product_items[0].title is None
        assert rows.order.notes is None

    @pytest.mark.parametrize(
        "broken", ['{"title": "x', "不是JSON", '{"x":' + "[" * 100_000], ids=["cut", "text", "deep"]
    )
    def test_broken_result_becomes_a_note_and_stops_nobody(self, broken: str) -> None:
        rows = STORY.rows(STORY.line(), line(id="2", result=broken))
        (note,) = rows.order.notes or []
        assert note.startswith(("line 2: subOrderResult is not JSON", "line 2: subOrderResult is nested too deep"))
        assert rows.sub_orders[1].amount is None
        assert rows.sub_orders[1].estimated_amount == yuan("59.65")
        assert rows.sub_orders[0] == expected("xportcn_ka").sub_orders[0]

    @pytest.mark.parametrize("odd", ["[1]", "1", '"x"', 7, [[]], True])
    def test_result_of_another_shape_becomes_a_note(self, odd: object) -> None:
        rows = STORY.rows(line(result=odd))
        assert (rows.order.notes or [""])[0].startswith("line 1: subOrderResult is ")
        assert rows.sub_orders[0].amount is None

    @pytest.mark.parametrize("nothing", ["[]", "{}", [], {}])
    def test_empty_list_for_an_object_is_nothing(self, nothing: object) -> None:
        rows = STORY.rows(STORY.line(subOrderResult=nothing))
        assert (rows.sub_orders[0].amount, rows.order.notes) == (None, None)

    def test_odd_field_of_a_result_spares_its_neighbours(self) -> None:
        rows = STORY.rows(line(result={"title": {"x": 1}, "closed": "true", "quantity": "1"}))
        assert rows.order.notes == ["line 1: title is an object, not text; kept in the raw payload"]
        assert (rows.sub_orders[0].amount, rows.sub_orders[0].is_closed) == (yuan("52.45"), True)

    def test_parcels_and_sku_texts_of_the_results_land(self) -> None:
        parcel = {"logistic_company_name": "顺丰速运", "logistic_number": "SF1", "rts_time": 1776593412000}
        names = {"zh": '{"颜色": "红"}', "en": {"Color": "red"}}
        rows = STORY.rows(
            line(result={"logistic_orders": [parcel, None], "option_fields": {}, "sku_info": {"skuPv": names}}),
            line(id="2", taobaoSubPurchaseId=None, result={"logistic_number": "SF1"}),
            purchaseAmount=10490,
        )
        (landed,) = rows.parcels
        assert (landed.parcel_id, landed.tracking_no, landed.carrier_name) == ("SF1", "SF1", "顺丰速运")
        assert landed.delivered_at == at("2026-04-19T18:10:12+08:00")
        assert landed.sub_order_ids == ["1362127951428059595", "2"]
        assert rows.order.tracking_numbers == rows.sub_orders[1].tracking_numbers == ["SF1"]
        assert (rows.product_items[0].sku_text, rows.product_items[0].sku_text_en) == ("颜色: 红", "Color: red")

    def test_results_that_are_objects_already_are_read_alike(self) -> None:
        whole = STORY.line()
        result = json.loads(whole["subOrderResult"])
        options = result["option_fields"]
        options.update({name: json.loads(options[name]) for name in ("zh", "en", "serviceList")})
        created = json.loads(whole["createSubOrderResult"])
        assert STORY.rows(line(result=None, subOrderResult=result, createSubOrderResult=created)) == STORY.rows()

    def test_option_fields_may_be_a_string_too(self) -> None:
        assert STORY.rows(line(result={"option_fields": json.dumps(STORY.options())})) == STORY.rows()

    @pytest.mark.parametrize("name", ["zh", "en", "serviceList"])
    def test_broken_option_becomes_a_note_and_spares_its_neighbours(self, name: str) -> None:
        rows = STORY.rows(line(result={"option_fields": STORY.options(**{name: "不是JSON"})}))
        product = rows.product_items[0]
        (note,) = rows.order.notes or []
        assert note.startswith(f"line 1: option_fields.{name} is not JSON;")
        assert product.shop_id == "457182444"
        read = {"zh": product.sku_text, "en": product.sku_text_en, "serviceList": rows.sub_orders[0].guarantees}
        assert [option for option, value in read.items() if value is None] == [name]

    @pytest.mark.parametrize("nothing", [None, "", "{}", {}])
    def test_no_attributes_are_none(self, nothing: object) -> None:
        product = STORY.rows(line(result={"option_fields": STORY.options(zh=nothing)})).product_items[0]
        assert (product.sku_attributes, product.sku_text) == (None, None)

    def test_attribute_that_is_no_text_is_written_as_json_and_its_digits_are_kept(self) -> None:
        zh = '{"a": 12345678901234567890, "b": 0.10, "c": true, "d": null, "e": ["x"]}'
        product = STORY.rows(line(result={"option_fields": STORY.options(zh=zh)})).product_items[0]
        assert product.sku_attributes == {"a": "12345678901234567890", "b": "0.10", "c": "true", "e": '["x"]'}

    def test_services_are_known_by_code_else_by_name(self) -> None:
        services = '[{"code": "7d", "name": "七天"}, {"name": "运费险"}, "48h", {}]'
        rows = STORY.rows(line(result={"option_fields": STORY.options(serviceList=services)}))
        assert rows.sub_orders[0].guarantees == ["7d", "运费险", "48h"]

    def test_result_of_another_line_is_not_used_but_noted(self) -> None:
        rows = STORY.rows(line(result={"sub_purchase_order_id": "9"}, created={"sub_purchase_order_id": 9}))
        assert rows.order.notes == [
            "line 1: createSubOrderResult is of another line (9); ignored, kept in the raw payload",
            "line 1: subOrderResult is of another line (9); ignored, kept in the raw payload",
        ]
        assert rows.sub_orders[0].amount is None
        assert rows.sub_orders[0].merchant_line_no is rows.product_items[0].title is None

    def test_result_is_used_when_one_side_has_no_number_to_tell_by(self) -> None:
        rows = STORY.rows(line(taobaoSubPurchaseId=None))
        assert rows.sub_orders[0].sub_purchase_id == "200108703156"
        assert rows == STORY.rows()

    def test_product_and_quantity_fall_back_to_what_was_placed(self) -> None:
        product = STORY.rows(STORY.line(subOrderResult=None)).product_items[0]
        assert (product.product_id, product.sku_id) == ("4096919806436206", "36209282830190")
        assert product.quantity == 1

    @pytest.mark.parametrize("surrogate", [r"\ud800", r"\udfff"])
    def test_lone_surrogate_at_every_depth_is_replaced_and_noted(self, surrogate: str) -> None:
        """Escaped once in the record, twice in subOrderResult, three times in option_fields.zh."""
        zh = '{"颜色": "a' + surrogate + '"}'
        result = json.dumps({**json.loads(STORY.result(option_fields=STORY.options(zh=zh))), "title": "@"}).replace(
            '"@"', f'"b{surrogate}"'
        )
        record = json.dumps(STORY.order(subOrderVOS=[line(result=result)], remark="@")).replace(
            '"@"', f'"c{surrogate}"'
        )
        rows = PLATFORM.normalize(record.encode())
        assert rows.product_items[0].sku_attributes == {"颜色": f"a{REPLACEMENT}"}
        assert rows.product_items[0].title == f"b{REPLACEMENT}"
        assert rows.order.buyer_message == f"c{REPLACEMENT}"
        (note,) = rows.order.notes or []
        assert "ProductItem.sku_attributes" in note
        assert "ProductItem.title" in note

    @pytest.mark.parametrize("backslash", [r"\\", r"\u005c"])
    def test_nul_inside_a_result_is_made_visible(self, backslash: str) -> None:
        """The backslash of an inner escape may be escaped in two ways by the outer string."""
        record = json.dumps(STORY.order(subOrderVOS=[line(result={"title": "@"})]))
        record = record.replace("@", f"a{backslash}u0000")
        rows = PLATFORM.normalize(record.encode())
        assert rows.product_items[0].title == "a\u2400"
        assert rows.order.notes


class TestMoney:
    def test_estimate_is_kept_beside_what_is_paid(self) -> None:
        (sub,) = STORY.rows().sub_orders
        assert (sub.amount, sub.estimated_amount) == (yuan("52.45"), yuan("59.65"))

    @pytest.mark.parametrize("amount", ["52.46", "x", True, [1]])
    def test_amount_of_a_result_that_is_not_whole_fen_is_a_note_not_a_guess(self, amount: object) -> None:
        rows = STORY.rows(line(result={"purchase_amount": amount}))
        assert rows.sub_orders[0].amount is None
        assert len(rows.order.notes or []) == 1

    def test_amounts_in_yuan_are_read_as_yuan_where_they_add_up_and_noted(self) -> None:
        rows = STORY.rows(line(result={"purchase_amount": "52.45", "product_amount": "52.45"}))
        assert rows.sub_orders[0].amount == rows.product_items[0].unit_price == rows.order.total_amount == yuan("52.45")
        assert rows.order.notes == [
            "the amounts of the lines were read as yuan: so they add up",
            "line 1: product_amount 52.45 was read as yuan: so it adds up",
        ]

    def test_order_that_is_not_the_sum_of_its_lines_is_noted(self) -> None:
        order = STORY.rows(purchaseAmount=5000).order
        assert order.total_amount == yuan("50.00")
        assert order.notes == ["purchaseAmount 50.00 is not the sum of its lines, 52.45"]

    def test_estimate_in_another_currency_is_left_out_and_noted(self) -> None:
        rows = STORY.rows(line(created={"estimate_currency": "USD"}))
        assert rows.sub_orders[0].estimated_amount is None
        assert rows.order.notes == ["line 1: estimate_currency is USD; estimate_amount is left out"]

    @pytest.mark.parametrize(
        ("product", "paid", "shipping", "pieces", "amount", "unit_price"),
        [
            ("5245", 5245, 0, 1, "52.45", "52.45"),
            ("5245", 4000, 0, 1, "52.45", "52.45"),  # one piece: line and piece are one, whatever was taken off
            ("5000", 5600, 600, 2, "50.00", "25.00"),  # the line's
            ("5000", 5000, None, 3, "50.00", None),  # the line's, and a third of it is no whole fen
            ("2500", 5600, 600, 2, "50.00", "25.00"),  # a piece's
            ("5000", 4000, 0, 2, None, None),  # a discount: neither is proved
            ("5000", None, 0, 2, None, None),
            (None, 5000, 0, 2, None, None),
        ],
    )
    def test_product_amount_is_the_line_s_or_a_piece_s_as_the_arithmetic_proves(
        self, product: Any, paid: Any, shipping: Any, pieces: int, amount: str | None, unit_price: str | None
    ) -> None:
        """api-facts 2.2 shows one piece only; nothing says which it is."""
        amounts = {"product_amount": product, "purchase_amount": paid, "domestic_post_fee": shipping}
        item = STORY.rows(line(result={**amounts, "quantity": pieces})).product_items[0]
        assert item.amount == (yuan(amount) if amount else None)
        assert item.unit_price == (yuan(unit_price) if unit_price else None)

    @pytest.mark.parametrize("quantity", ["0.00001", "0.0000000001", "1e-12", "0.00001024"])
    def test_price_of_a_piece_no_column_can_hold_is_left_out(self, quantity: str) -> None:
        amounts = {"product_amount": "9999999999999999", "purchase_amount": "9999999999999999", "quantity": quantity}
        rows = STORY.rows(line(result=amounts), purchaseAmount=10**16 - 1)
        assert rows.sub_orders[0].amount == rows.product_items[0].amount == yuan("99999999999999.99")
        assert rows.product_items[0].unit_price is None


class TestImage:
    def test_image_is_the_line_s_else_the_sku_s_else_the_option_s(self) -> None:
        def image(own: str | None, sku: object, option: str | None) -> str | None:
            result = {"sku_info": sku, "option_fields": STORY.options(SKU_IMG_URL=option)}
            return STORY.rows(line(result=result, itemImageUrl=own)).product_items[0].image_url

        assert image("a", {"skuImgUrl": "b"}, "c") == "a"
        assert image("", {"skuImgUrl": "b"}, "c") == "b"
        assert image(None, None, "c") == "c"
        assert image(None, {}, None) is None
