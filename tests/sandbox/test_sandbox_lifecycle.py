"""Changes over time: rows move in their list, are indexed late, change between two pages."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from orders_sync.sandbox import Sandbox, World
from orders_sync.sandbox.events import EVENTS, advance
from orders_sync.sandbox.lifecycle import TRANSITIONS_1688, TRANSITIONS_XPORTCN
from orders_sync.sandbox.states import State
from tests.support.sandbox_calls import NOW, id_of, local, rows

LATER = NOW + timedelta(hours=1)


async def test_a_changed_row_moves_to_the_newest_end(sandbox: Sandbox) -> None:
    world, account = sandbox.world, sandbox.world.accounts[0]
    last = id_of((await rows(sandbox, account, date_type=1, page_size=100))[1][-1])
    world.change(account.name, last, "write_memo", LATER)
    window = {
        "date_type": 1,
        "page_size": 100,
        "end_created": local(LATER),
        "start_created": local(NOW - timedelta(days=30)),
    }
    total, page = await rows(sandbox, account, **window)
    assert id_of(page[0]) == last
    assert page[0]["baseInfo"]["sellerMemo"].startswith("加急")
    assert total == len({id_of(row) for row in page})


async def test_a_reader_of_pages_meets_rows_that_move_between_them(sandbox: Sandbox) -> None:
    """Reading pages forward loses a row of a closed window; tests use `between_calls` to cause that."""
    world, account = sandbox.world, sandbox.world.accounts[0]
    window = {"date_type": 1, "page_size": 20}
    whole, _ = await rows(sandbox, account, **window)
    first_page = [id_of(row) for row in (await rows(sandbox, account, **window))[1]]

    def change_a_row() -> None:
        world.change(account.name, first_page.pop(), "write_memo", LATER)

    world.between_calls = change_a_row
    seen: set[str] = set()
    for number in range(1, whole // 20 + 2):
        seen |= {id_of(row) for row in (await rows(sandbox, account, **window, page_no=number))[1]}
    assert len(seen) < whole


async def test_a_late_change_is_listed_when_it_is_due_and_not_before(sandbox: Sandbox) -> None:
    world, account = sandbox.world, sandbox.world.accounts[0]
    order_id = id_of((await rows(sandbox, account, date_type=1))[1][3])
    before = world.order(account.name, order_id)
    expected = next(t for t in world.expected_orders(account.name) if t["order_id"] == order_id)
    world.change(account.name, order_id, "write_memo", NOW, index_delay=120)
    assert world.hidden == 1
    world.publish(NOW + timedelta(seconds=119))
    assert world.order(account.name, order_id) is before
    assert next(t for t in world.expected_orders(account.name) if t["order_id"] == order_id) == expected
    assert world.publish(NOW + timedelta(seconds=120)) == 1
    assert world.order(account.name, order_id).modified == int(NOW.timestamp())
    assert next(t for t in world.expected_orders(account.name) if t["order_id"] == order_id)["seller_memo"].startswith(
        "加急"
    )


async def test_a_late_order_appears_behind_the_newest_created_ones(sandbox: Sandbox) -> None:
    world, account = sandbox.world, sandbox.world.shop("sandbox-open").account
    late = world.create(1, NOW, account.name, index_delay=60)[0]
    prompt = world.create(1, NOW + timedelta(seconds=5), account.name)[0]
    ids = [id_of(row) for row in (await rows(sandbox, account))[1]]
    assert ids[0] == prompt.order_id
    assert late.order_id not in ids
    world.publish(NOW + timedelta(seconds=60))
    ids = [id_of(row) for row in (await rows(sandbox, account))[1]]
    assert ids[:2] == [prompt.order_id, late.order_id]


def test_an_older_version_that_comes_late_does_not_replace_a_newer_one(world: World) -> None:
    order_id = next(iter(world.shop("sandbox-1688").index.orders.keys() - {"3876532491611498520"}))
    world.change("sandbox-1688", order_id, "write_memo", NOW, index_delay=100)
    newer = world.change("sandbox-1688", order_id, "write_memo", NOW + timedelta(seconds=1))
    world.publish(NOW + timedelta(seconds=200))
    assert world.order("sandbox-1688", order_id) is newer


def test_changes_are_repeatable() -> None:
    worlds = [World(90, now=NOW), World(90, now=NOW)]
    for world in worlds:
        for second in range(200):
            world.step(NOW + timedelta(seconds=second), changes=2)
        world.publish(NOW + timedelta(hours=1))
    records = [[o.record for s in w.shops for o in s.index.orders.values()] for w in worlds]
    assert records[0] == records[1]


def test_a_copy_changes_as_the_world_it_is_of_would_and_neither_changes_the_other() -> None:
    worlds = [World(90, now=NOW) for _ in range(2)]
    for world in worlds:
        world.create(1, index_delay=100)  # to be indexed by the copy too
    before = state(worlds[0])
    worlds.append(worlds[0].copy())
    after = []
    for world in reversed(worlds):
        assert state(world) == before
        for second in range(200):
            world.step(NOW + timedelta(seconds=second), changes=2)
        for shop in world.shops:
            world.malform(shop.account.name, next(iter(shop.index.orders)), "blank_id")
        world.publish(NOW + timedelta(hours=1))
        after.append(state(world))
    assert after[0] == after[1] == after[2] != before


def state(world: World) -> list[object]:
    """Return all that shops answer with, in the order of every list."""
    found: list[object] = [world.hidden, world.accounts]
    for shop in world.shops:
        assert world.shop_of(shop.platform, shop.account.app_id) is world.shop(shop.account.name) is shop
        lists = [shop.index.between((feed, None), 0, 2**40)[0] for feed in ("created", "updated")]
        found += [[(second, order_id, order.record) for second, order_id, order in entries] for entries in lists]
        found += [shop.records(list(shop.index.orders.values())), list(shop.drafts), list(shop.open_order_ids)]
        found += [[each.order_id for each in shop.index.with_order_no(order.order_no)] for _, _, order in lists[0]]
    return found


def test_index_holds_every_order_once_after_many_changes() -> None:
    world = World(90, now=NOW)
    for second in range(500):
        world.step(NOW + timedelta(seconds=second), changes=3)
    world.publish(NOW + timedelta(days=1))
    assert world.hidden == 0
    for shop in world.shops:
        ids = sorted(shop.index.orders)
        assert not shop.drafts
        for feed in ("created", "updated") if shop.platform == "1688" else ("created",):
            entries, low, high = shop.index.between((feed, None), 0, 2**40)
            assert (low, high) == (0, len(entries))
            assert sorted(entry[1] for entry in entries) == ids
            assert all(entry[2] is shop.index.orders[entry[1]] for entry in entries)
            parts = [entry[1] for status in range(13) for entry in shop.index.between((feed, status), 0, 2**40)[0]]
            assert sorted(parts) == ids


def test_every_event_of_a_transition_exists() -> None:
    named = {
        event
        for transitions in (TRANSITIONS_1688, TRANSITIONS_XPORTCN)
        for choices in transitions.values()
        for _, event, _ in choices
    }
    assert named <= EVENTS.keys()


def test_changes_have_the_second_they_happen_in(world: World) -> None:
    at = NOW + timedelta(minutes=7)
    for order in world.mutate(20, at):
        assert order.modified == int(at.timestamp())


def test_dropped_lines_are_absent_from_record_and_expected_values(world: World) -> None:
    shop = world.shop("sandbox-ka")
    order = next(o for o in (shop.create_order(int(NOW.timestamp())) for _ in range(50)) if len(o.lines) > 1)
    shop.publish(order)
    before = len(order.lines)
    after = world.change("sandbox-ka", order.order_id, "drop_line", LATER)
    expected = next(t for t in world.expected_orders("sandbox-ka") if t["order_id"] == order.order_id)
    assert len(after.lines) == len(expected["lines"]) == expected["line_count"] == before - 1


@pytest.mark.parametrize("account", ["sandbox-1688", "sandbox-open", "sandbox-ka"])
def test_every_change_that_happens_by_itself_is_seen_in_the_record(world: World, account: str) -> None:
    shop = world.shop(account)
    for minute in range(60):
        before = {order_id: order.record for order_id, order in shop.index.orders.items()}
        for order in world.mutate(1, NOW + timedelta(minutes=minute), account):
            assert order.record != before[order.order_id]


def test_a_documented_order_does_not_change(world: World) -> None:
    with pytest.raises(ValueError, match="sample"):
        world.change("sandbox-ka", "234804")


def test_mutate_with_nothing_open_changes_nothing() -> None:
    assert World(1, shops=1, now=NOW).mutate(5) == []


def test_no_line_is_paid_back_twice_however_often_a_refund_is_asked_for() -> None:
    world, rng = World(40, 3, seed=1, now=NOW, days=5), Random(1)
    for account in world.accounts:
        for order in world.shop(account.name).index.orders.values():
            order.state, order.refund, order.refunded = State.COMPLETED, None, 0
            for line in order.lines:
                line.state, line.refund = State.COMPLETED, None
            for event in ("ask_refund", "agree_refund", "pay_back") * 9:
                advance(order, event, int(LATER.timestamp()), rng)
            assert order.refunded <= sum(line.amount for line in order.lines)
