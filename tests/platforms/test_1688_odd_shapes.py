"""1688 records of other shapes than documented: they land, and notes say what was odd (api-facts 6)."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from orders_sync.domain.errors import InvalidRecordError
from orders_sync.domain.rows import OrderRows
from orders_sync.platforms.alibaba_1688 import PLATFORM
from orders_sync.platforms.testing import check_rows
from tests.support.samples_1688 import (
    base,
    full_order,
    line,
    rows_of,
    sample_order,
    without,
)


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
