"""Every status the platforms document has names and a group; every other one lands as `other`."""

from __future__ import annotations

import pytest

from orders_sync.domain.statuses import StatusGroup, groups, partly_shipped
from orders_sync.platforms import PLATFORMS

XPORTCN = {
    "12": "creating",
    "0": "awaiting_payment",
    "1": "awaiting_confirmation",
    "2": "awaiting_confirmation",
    "3": "rejected",
    "5": "awaiting_confirmation",
    "10": "awaiting_shipment",
    "11": "shipped",
    "4": "cancelled",
    "9": "other",
}
DOCUMENTED = {
    "1688": {
        "waitbuyerpay": "awaiting_payment",
        "waitsellersend": "awaiting_shipment",
        "waitlogisticstakein": "awaiting_shipment",
        "waitbuyerreceive": "shipped",
        "waitbuyersign": "shipped",
        "signinsuccess": "received",
        "confirm_goods": "received",
        "success": "completed",
        "cancel": "cancelled",
        "terminated": "cancelled",
    },
    "xportcn_open": XPORTCN,
    "xportcn_ka": XPORTCN,
}
STATUSES = [(platform.name, each) for platform in PLATFORMS.values() for each in platform.statuses]
FINAL = {("1688", "success"), ("1688", "cancel"), ("1688", "terminated"), ("xportcn_open", "4"), ("xportcn_ka", "4")}


@pytest.mark.parametrize("platform", DOCUMENTED)
def test_every_documented_status_has_its_group(platform: str) -> None:
    assert groups(PLATFORMS[platform].statuses) == DOCUMENTED[platform]


def test_every_group_is_one_of_the_documented_words() -> None:
    assert {str(group) for group in StatusGroup} == {
        "creating",
        "awaiting_payment",
        "awaiting_confirmation",
        "awaiting_shipment",
        "partly_shipped",
        "shipped",
        "received",
        "completed",
        "cancelled",
        "rejected",
        "other",
    }
    assert all(isinstance(each.group, StatusGroup) for _, each in STATUSES)


def test_every_status_stands_once_and_is_named_in_both_languages() -> None:
    assert len({(platform, each.status) for platform, each in STATUSES}) == len(STATUSES)
    assert all(not each.name_zh.isascii() and each.name_en.isascii() and each.name_en for _, each in STATUSES)


def test_only_what_nothing_but_a_refund_follows_is_final() -> None:
    assert {(platform, each.status) for platform, each in STATUSES if each.is_final} == FINAL


@pytest.mark.parametrize(
    ("group", "lines_shipped", "found"),
    [
        (StatusGroup.AWAITING_SHIPMENT, [False, True], StatusGroup.PARTLY_SHIPPED),
        (StatusGroup.AWAITING_SHIPMENT, [True, True], StatusGroup.PARTLY_SHIPPED),
        (StatusGroup.AWAITING_SHIPMENT, [False, False], StatusGroup.AWAITING_SHIPMENT),
        (StatusGroup.AWAITING_SHIPMENT, [], StatusGroup.AWAITING_SHIPMENT),
        (StatusGroup.SHIPPED, [True, False], StatusGroup.SHIPPED),
        (StatusGroup.CANCELLED, [True, False], StatusGroup.CANCELLED),
        (StatusGroup.COMPLETED, [True], StatusGroup.COMPLETED),
    ],
)
def test_a_header_that_waits_for_shipment_is_partly_shipped_once_a_line_has_left(
    group: StatusGroup, lines_shipped: list[bool], found: StatusGroup
) -> None:
    assert partly_shipped(group, lines_shipped) is found
