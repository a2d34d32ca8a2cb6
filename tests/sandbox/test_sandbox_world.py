"""The world follows from its arguments, and its expected values agree with its records."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pytest

from orders_sync.sandbox import World
from orders_sync.sandbox.formats import (
    compact_time,
    local_time,
    parse_local_time,
    rounded_to_double,
    snowflake_id,
    yuan_decimal,
    yuan_number,
    yuan_text,
)
from orders_sync.sandbox.samples import sample_response
from tests.support.sandbox_calls import NOW, records

PLATFORMS = ("1688", "xportcn_open", "xportcn_ka")
DIGEST = """
import hashlib
from datetime import datetime, UTC
from orders_sync.sandbox import World
world = World(300, shops=4, seed=7, now=datetime(2026, 11, 1, 12, tzinfo=UTC))
print(hashlib.sha256(b"".join(o.record for s in world.shops for o in s.index.orders.values())).hexdigest())
"""


def everything(world: World) -> list[bytes]:
    return [order.record for shop in world.shops for order in shop.index.orders.values()]


def test_same_arguments_same_bytes_in_any_process() -> None:
    here = hashlib.sha256(b"".join(everything(World(300, shops=4, seed=7, now=NOW)))).hexdigest()
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    there = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True, env=environment)
    assert there.stdout.strip() == here


def test_another_seed_or_another_now_is_another_world() -> None:
    first = everything(World(60, now=NOW))
    assert everything(World(60, seed=2, now=NOW)) != first
    assert everything(World(60, now=NOW + timedelta(hours=1))) != first


@pytest.mark.parametrize(("orders", "shops"), [(0, 1), (1, 3), (2, 3), (100, 7), (240, 3)])
def test_orders_are_spread_over_shops_and_shops_over_platforms(orders: int, shops: int) -> None:
    world = World(orders, shops=shops, now=NOW)
    assert sum(account.orders for account in world.accounts) == len(everything(world)) == orders
    assert [account.platform for account in world.accounts] == [PLATFORMS[at % 3] for at in range(shops)]
    assert len({account.name for account in world.accounts}) == shops


def test_names_of_accounts() -> None:
    names = [account.name for account in World(0, shops=5, now=NOW).accounts]
    assert names == ["sandbox-1688", "sandbox-open", "sandbox-ka", "sandbox-1688-2", "sandbox-open-2"]


def test_no_secret_in_a_repr() -> None:
    account = World(0, now=NOW).accounts[0]
    assert account.app_secret not in repr(account)


def test_ids_are_unique_over_all_shops_of_a_platform() -> None:
    world = World(900, shops=6, now=NOW)
    for platform in PLATFORMS:
        ids = [o.order_id for s in world.shops if s.platform == platform for o in s.index.orders.values()]
        assert len(set(ids)) == len(ids) == 300


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_documents_own_order_is_served_with_every_key_value_and_number(large_world: World, platform: str) -> None:
    data = sample_response(platform)["data"]
    documented = (data["items"] if platform == "1688" else data["data"])[0]
    assert documented in [json.loads(record) for record in records(large_world, platform)]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_generated_records_have_the_keys_of_the_documented_one(large_world: World, platform: str) -> None:
    data = sample_response(platform)["data"]
    documented = (data["items"] if platform == "1688" else data["data"])[0]
    lines = "productItems" if platform == "1688" else "subOrderVOS"
    plain = [
        json.loads(order.record)
        for shop in large_world.shops
        if shop.platform == platform
        for order in shop.index.orders.values()
        if not order.quirk and order.paid
    ]
    assert plain
    for record in plain:
        assert documented.keys() <= record.keys()
        assert documented[lines][0].keys() <= record[lines][0].keys()
        if platform == "1688":
            assert documented["baseInfo"].keys() <= record["baseInfo"].keys()
            assert documented["nativeLogistics"].keys() <= record["nativeLogistics"].keys()


def test_history_begins_before_the_first_order(large_world: World) -> None:
    for shop in large_world.shops:
        first = min(order.created for order in shop.index.orders.values())
        assert shop.account.history_from.timestamp() <= first


def test_a_documented_order_of_the_future_is_left_out() -> None:
    world = World(30, now=NOW.replace(year=2024, month=1))
    assert "234804" not in world.shop("sandbox-ka").index.orders
    assert "1022505290408395575" in world.shop("sandbox-open").index.orders
    assert sum(account.orders for account in world.accounts) == 30


def test_no_order_is_of_the_future(large_world: World) -> None:
    second = int(NOW.timestamp())
    for shop in large_world.shops:
        assert all(order.created <= order.modified <= second for order in shop.index.orders.values())


def test_expected_values_of_1688_agree_with_the_records(large_world: World) -> None:
    """Only for usual record shapes, and sums: the expected values are there to check the reader of the others."""
    by_id = {expected["order_id"]: expected for expected in large_world.expected_orders("sandbox-1688")}
    plain = [o for o in large_world.shop("sandbox-1688").index.orders.values() if o.quirk in ("", "order_terms")]
    assert len(plain) > 400
    for order in plain:
        record, expected = json.loads(order.record), by_id[order.order_id]
        base = record["baseInfo"]
        assert base["idOfStr"] == expected["order_id"]
        assert base["status"] == expected["status"]
        assert Decimal(base["totalAmount"]) == Decimal(expected["total_amount"])
        assert [i["subItemIDString"] for i in record["productItems"]] == [i["sub_order_id"] for i in expected["lines"]]
        paid = sum(Decimal(item["itemAmount"]) for item in record["productItems"])
        assert paid + Decimal(base["shippingFee"]) == Decimal(base["totalAmount"])


def test_expected_values_name_an_open_line_only_where_its_goods_are_unique(large_world: World) -> None:
    for expected in large_world.expected_orders("sandbox-open"):
        ids = [line["sub_order_id"] for line in expected["lines"] if "sub_order_id" in line]
        assert len(set(ids)) == len(ids) <= expected["line_count"]


def test_malformed_record_is_an_expected_reject(world: World) -> None:
    order_id = world.expected_orders("sandbox-ka")[5]["order_id"]
    world.malform("sandbox-ka", order_id, "null_id")
    rejects = [expected for expected in world.expected_orders("sandbox-ka") if expected.get("reject")]
    assert [expected["order_id"] for expected in rejects] == [order_id]
    assert rejects[0]["reject_kind"] == "null_id"


@pytest.mark.parametrize(
    ("exact", "printed"),
    [
        (3876532491611498520, 3876532491611498500),
        (3876532491612498520, 3876532491612498400),
        (58218860983545941, 58218860983545944),
        (193441303243969811, 193441303243969820),
        (5549191331204, 5549191331204),
    ],
)
def test_ids_are_rounded_as_in_the_documents(exact: int, printed: int) -> None:
    assert rounded_to_double(exact) == printed


def test_an_order_number_holds_its_time() -> None:
    """api-facts 1: 1022505290345480832 was created 2023-09-22 13:50:58.448 +08."""
    milliseconds = parse_local_time("2023-09-22 13:50:58") * 1000 + 448
    assert snowflake_id(milliseconds, 1022505290345480832 & 0x3FFFFF) == 1022505290345480832


def test_times_and_money_as_written() -> None:
    second = parse_local_time("2024-05-06 16:29:35")
    assert local_time(second) == "2024-05-06 16:29:35"
    assert compact_time(second) == "20240506162935000+0800"
    assert compact_time(second, -7 * 3600) == "20240506012935000-0700"
    assert [yuan_text(fen) for fen in (6900, 430, 9730, 1, -3989, 0)] == ["69", "4.3", "97.3", "0.01", "-39.89", "0"]
    assert [yuan_decimal(fen) for fen in (6900, -5, 1)] == ["69.00", "-0.05", "0.01"]
    assert [yuan_number(fen) for fen in (6900, 430)] == [69, 4.3]
