"""Parcels and products of a 1688 order (api-facts 4.2 and 6)."""

from datetime import datetime
from decimal import Decimal

import pytest

from orders_sync.domain.times import SHANGHAI
from orders_sync.platforms.testing import check_rows
from tests.support.samples_1688 import LINE_1, LINE_2, full_order, line, parcels, rows_of


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
