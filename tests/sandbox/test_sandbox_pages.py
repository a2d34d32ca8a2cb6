"""Pages: inclusive seconds, order, totals, filters."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.sandbox import Sandbox, World
from tests.support.sandbox_calls import NOW, answer, fixed, id_of, local, rows

ALL = ("sandbox-1688", "sandbox-open", "sandbox-ka")
XPORTCN = ("sandbox-open", "sandbox-ka")


def paging(name: str, number: int, size: int) -> dict[str, object]:
    return {"page_no": number, "page_size": size} if name == "sandbox-1688" else {"pageNum": number, "pageSize": size}


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("name", ALL)
async def test_pages_sum_to_the_total_and_repeat_nothing(shared_sandbox: Sandbox, name: str, size: int) -> None:
    account = shared_sandbox.world.shop(name).account
    total, _ = await rows(shared_sandbox, account)
    seen: list[str] = []
    number = 1
    while True:
        again, page = await rows(shared_sandbox, account, **paging(name, number, size))
        assert again == total
        if not page:
            break
        assert len(page) == min(size, total - len(seen))
        seen += [id_of(row) for row in page]
        number += 1
    assert len(set(seen)) == len(seen) == total


@pytest.mark.parametrize("name", ALL)
async def test_past_the_last_page_is_an_empty_list_with_the_right_total(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    total, page = await rows(shared_sandbox, account, **paging(name, 999, 100))
    assert page == []
    assert total == (await rows(shared_sandbox, account))[0]


@pytest.mark.parametrize("date_type", [0, 1])
async def test_1688_lists_descending_by_default(shared_sandbox: Sandbox, date_type: int) -> None:
    account = shared_sandbox.world.accounts[0]
    orders = shared_sandbox.world.shop(account.name).index.orders
    parameters = {"date_type": date_type, "page_size": 500}
    down = [id_of(row) for row in (await rows(shared_sandbox, account, **parameters))[1]]
    up = [id_of(row) for row in (await rows(shared_sandbox, account, **parameters, order_asc="ASC"))[1]]
    assert down == up[::-1]
    times = [orders[i].modified if date_type else orders[i].created for i in up]
    assert times == sorted(times)


@pytest.mark.parametrize("name", ALL)
async def test_both_ends_of_a_window_are_inclusive(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    for order in list(shared_sandbox.world.shop(name).index.orders.values())[5:9]:
        moment = datetime.fromtimestamp(order.created, UTC)
        names = ("start_created", "end_created") if name == "sandbox-1688" else ("beginDateTime", "endDateTime")
        found = []
        for start, end in ((0, 0), (0, 5), (-5, 0), (1, 5), (-5, -1)):
            window = {
                names[0]: local(moment + timedelta(seconds=start)),
                names[1]: local(moment + timedelta(seconds=end)),
            }
            found.append(order.order_id in [id_of(row) for row in (await rows(shared_sandbox, account, **window))[1]])
        assert found == [True, True, True, False, False]


@pytest.mark.parametrize("name", ALL)
async def test_status_filters_partition_the_orders(large_world: World, name: str) -> None:
    sandbox = Sandbox(large_world, clock=fixed)
    account = large_world.shop(name).account
    total, _ = await rows(sandbox, account)
    numbers = range(1, 12) if name == "sandbox-1688" else (0, 1, 2, 3, 4, 5, 9, 10, 11, 12)
    parts = Counter({number: (await rows(sandbox, account, status=number))[0] for number in numbers})
    assert parts.total() == total
    assert sum(1 for count in parts.values() if count) > 6


@pytest.mark.parametrize("name", XPORTCN)
async def test_status_zero_is_a_status_and_an_empty_one_is_none(shared_sandbox: Sandbox, name: str) -> None:
    account = shared_sandbox.world.shop(name).account
    total, _ = await rows(shared_sandbox, account, status="", beginDateTime="", orderNo="")
    unpaid, page = await rows(shared_sandbox, account, status=0)
    assert total == 80
    assert 0 < unpaid < total
    assert {row["status"] for row in page} == {0}


@pytest.mark.parametrize("name", XPORTCN)
async def test_xportcn_lists_the_newest_first(shared_sandbox: Sandbox, name: str) -> None:
    _, page = await rows(shared_sandbox, shared_sandbox.world.shop(name).account, pageSize=100)
    times = [row["createTime"] for row in page]
    assert times == sorted(times, reverse=True)


async def test_1688_finds_by_tid_within_the_window(shared_sandbox: Sandbox) -> None:
    account = shared_sandbox.world.accounts[0]
    ids = list(shared_sandbox.world.shop(account.name).index.orders)[3:6]
    total, page = await rows(shared_sandbox, account, tid=",".join([*ids, "5"]))
    assert total == 3
    assert {id_of(row) for row in page} == set(ids)
    assert (await rows(shared_sandbox, account, tid=ids[0], end_created=local(NOW - timedelta(days=31))))[0] == 0


async def test_open_finds_by_id_and_by_order_number(shared_sandbox: Sandbox) -> None:
    account = shared_sandbox.world.shop("sandbox-open").account
    order = list(shared_sandbox.world.shop("sandbox-open").index.orders.values())[7]
    for parameters in ({"id": order.order_id}, {"orderNo": order.order_no}):
        total, page = await rows(shared_sandbox, account, **parameters)
        assert (total, [id_of(row) for row in page]) == (1, [order.order_id])
    assert (await rows(shared_sandbox, account, id="5"))[0] == 0


async def test_ka_finds_all_purchases_of_an_order_number_and_one_by_its_purchase_id(large_world: World) -> None:
    sandbox = Sandbox(large_world, clock=fixed)
    shop = large_world.shop("sandbox-ka")
    numbers = Counter(order.order_no for order in shop.index.orders.values())
    number, count = numbers.most_common(1)[0]
    total, page = await rows(sandbox, shop.account, orderNo=number)
    assert total == count > 1
    purchase = page[0]["purchaseId"]
    assert [id_of(row) for row in (await rows(sandbox, shop.account, purchaseId=purchase))[1]] == [id_of(page[0])]


async def test_ka_takes_the_documented_body(shared_sandbox: Sandbox) -> None:
    account = shared_sandbox.world.shop("sandbox-ka").account
    parameters = {
        "pageNum": 1,
        "pageSize": 10,
        "orderNo": "1362127944570372157",
        "purchaseId": 200108703155,
        "status": 0,
        "beginDateTime": "2026-04-01 00:00:00",
        "endDateTime": "2026-04-16 23:59:59",
    }
    assert (await rows(shared_sandbox, account, **parameters))[0] == 1
    assert (await rows(shared_sandbox, account, **parameters | {"status": 11}))[0] == 0


async def test_envelopes_are_the_documented_ones(shared_sandbox: Sandbox) -> None:
    first, second, third = shared_sandbox.world.accounts
    assert (await answer(shared_sandbox, first)).keys() == {"code", "message", "data"}
    for account in (second, third):
        response = await answer(shared_sandbox, account)
        assert response.keys() == {"requestId", "code", "developId", "msg", "data"}
        assert (response["code"], response["msg"]) == (200, "成功")
