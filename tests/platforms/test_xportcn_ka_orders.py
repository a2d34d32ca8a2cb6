"""Xportcn KA, POST /open/purchase/page: refunds, receiver and order of its rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orders_sync.platforms.xportcn.ka import PLATFORM
from tests.support.xportcn_samples import Story

STORY = Story("xportcn_ka", PLATFORM.normalize)


def refunds(*codes: object) -> list[dict[str, Any]]:
    return [STORY.line(id=str(n), refundStatus=code, refundId=f"TQ{n}" if code else "") for n, code in enumerate(codes)]


class TestRefunds:
    """api-facts 2.3: 0 none, 10 applied, 20 agreed, 30 sent back, 100 refunded, -10 refused, -20 closed."""

    def test_line_keeps_the_code_as_the_platform_says_it(self) -> None:
        rows = STORY.rows(*refunds(0, 10, "-20", None))
        assert [sub.refund_status for sub in rows.sub_orders] == ["0", "10", "-20", None]
        assert [sub.refund_id for sub in rows.sub_orders] == [None, "TQ1", "TQ2", None]

    @pytest.mark.parametrize(
        ("codes", "furthest"),
        [
            ((0,), None),
            ((0, None, ""), None),
            ((0, 10), "TQ1"),
            ((10, 100, 20), "TQ1"),
            ((-10, 10), "TQ1"),
            ((-20, -10, 0), "TQ1"),
            ((0, -20), "TQ1"),
            (("NEW", -20), "TQ1"),
            (("NEW", 0), "TQ0"),
        ],
    )
    def test_order_shows_the_line_whose_refund_came_furthest(
        self, codes: tuple[Any, ...], furthest: str | None
    ) -> None:
        order = STORY.rows(*refunds(*codes)).order
        assert order.refund_id == furthest
        assert order.refund_status == (None if furthest is None else str(codes[int(furthest[2:])]))


class TestReceiver:
    @pytest.mark.parametrize("nothing", [None, "", {}, [], {"name": None, "zip": ""}])
    def test_no_address_is_no_receiver(self, nothing: object) -> None:
        rows = STORY.rows(warehouseAddressInfoVO=nothing)
        assert rows.receiver is None
        assert rows.order.country is rows.order.province is rows.order.city is None

    @pytest.mark.parametrize("name", ["mobilePhone", "mobile_phone"])
    def test_mobile_number_has_two_spellings(self, name: str) -> None:
        address = STORY.order()["warehouseAddressInfoVO"]
        receiver = STORY.rows(warehouseAddressInfoVO={**address, name: 13900139000}).receiver
        assert receiver is not None
        assert (receiver.phone, receiver.mobile) == ("13800138000", "13900139000")

    def test_address_of_another_shape_is_noted_without_its_contents(self) -> None:
        """The order is readable by more people than the receiver."""
        for odd in ({"name": ["张三"]}, "张三", ["张三"]):
            (note,) = STORY.rows(warehouseAddressInfoVO=odd).order.notes or []
            assert note.startswith("warehouseAddressInfoVO")
            assert "张三" not in note

    def test_person_is_on_the_receiver_only(self) -> None:
        rows = STORY.rows()
        assert "张三" not in repr((rows.order, rows.sub_orders, rows.product_items))
        assert "13800138000" not in repr((rows.order, rows.sub_orders, rows.product_items))


class TestOrder:
    def test_header_awaits_shipment_while_a_line_has_left(self) -> None:
        rows = STORY.rows(STORY.line(), STORY.line(id="2", subOrderStatus="WAIT_BUYER_CONFIRM_GOODS"), status=10)
        assert rows.order.status_group == "partly_shipped"

    def test_shipped_order_is_not_partly_shipped(self) -> None:
        rows = STORY.rows(STORY.line(subOrderStatus="WAIT_BUYER_CONFIRM_GOODS"), status=11)
        assert rows.order.status_group == "shipped"

    def test_misspelt_and_unknown_words_are_kept(self) -> None:
        rows = STORY.rows(STORY.line(subOrderStatus="BULIDING"), status=12, orderStatusDesc="BULIDING")
        assert (rows.order.status_group, rows.order.upstream_status) == ("creating", "BULIDING")
        assert rows.sub_orders[0].status == "BULIDING"

    def test_absent_is_the_same_as_null(self) -> None:
        order = STORY.order()
        bare = {name: value for name, value in order.items() if value is not None}
        bare["subOrderVOS"] = [{n: v for n, v in sub.items() if v is not None} for sub in order["subOrderVOS"]]
        assert PLATFORM.normalize(json.dumps(bare).encode()) == STORY.rows()
