"""The state of a range: every hour of it is of one kind, as a look at each window by itself says."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.store import backfill_ranges, ledger
from orders_sync.store.backfill_ranges import AskedRange, RangeState
from orders_sync.store.database import Connection
from tests.support.ledger_steps import BEGIN, SHOP, at, hours, register

HOUR = timedelta(hours=1)
LONG = 24 * HOUR
OTHERS = ("confirm", "sweep", "backfill", "repair")


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


async def read(
    connection: Connection, window: Window, longest: timedelta = LONG, *, everything: bool = False, page_size: int = 100
) -> RangeState:
    asked = AskedRange(SHOP, Feed.UPDATED, window.end, longest, page_size)
    [found] = await backfill_ranges.states(connection, [asked], window.start, window.end, everything=everything)
    return found


async def put(connection: Connection, kind: str, window: Window, state: str, more: str = "", seen: int = 5) -> None:
    """A window as it is once this happened to it. `more`: further columns to set."""
    await ledger.plan(connection, SHOP, WindowKind(kind), Feed.UPDATED, [window])
    query = f"""
        UPDATE sync.windows SET state = %s, attempts = 1, seen = {seen}, finished_at = now(), lease_until = now() {more}
        WHERE id = (SELECT max(id) FROM sync.windows)
    """
    await connection.execute(query.encode(), [state])


def cells(found: RangeState) -> dict[int, str]:
    """The kind of every hour."""
    told: dict[int, str] = {}
    for kind, windows in found.by_kind().items():
        for each in windows:
            for hour in range(int((each.start - BEGIN) / HOUR), int((each.end - BEGIN) / HOUR)):
                assert hour not in told
                told[hour] = kind
    return told


async def test_every_hour_is_of_the_kind_that_its_windows_say(connection: Connection) -> None:
    for seed in range(30):
        await connection.execute("DELETE FROM sync.windows; DELETE FROM sync.accounts")
        await register(connection)
        await assert_kinds_are_those_of_random_windows(connection, random.Random(seed))


async def assert_kinds_are_those_of_random_windows(connection: Connection, dice: random.Random) -> None:
    states = ["done"] * 3 + ["failed", "planned"]
    begins, ledger_hours = dice.randrange(4, 10), []
    for hour in range(begins, begins + dice.randrange(1, 8)):
        overlap = max(begins, hour - dice.choice([0, 0, 1, 2]))
        ledger_hours.append((overlap, hour + 1, dice.choice(states), True))
        await put(connection, "incremental", hours(overlap, hour + 1), ledger_hours[-1][2])
    for _ in range(dice.randrange(0, 6)):
        first = dice.randrange(0, 20)
        past = first + dice.randrange(1, 4)
        ledger_hours.append((first, past, dice.choice(states), False))
        await put(connection, dice.choice(OTHERS), hours(first, past), ledger_hours[-1][2])
    planned_to = max(past for _, past, _, proves in ledger_hours if proves)
    proven_to = min([first for first, _, state, proves in ledger_hours if proves and state != "done"] or [planned_to])

    def kind(hour: int) -> str:
        over = {state for first, past, state, _ in ledger_hours if first <= hour < past}
        if "done" in over or begins <= hour < proven_to:
            return "complete"
        return "failed" if "failed" in over else "waiting" if "planned" in over else "missing"

    first = dice.randrange(0, 12)
    past = first + dice.randrange(1, 12)
    found = await read(connection, hours(first, past))
    assert cells(found) == {hour: kind(hour) for hour in range(first, past)}
    to_read = {
        hour for each in found.to_read for hour in range(*(int((t - BEGIN) / HOUR) for t in (each.start, each.end)))
    }
    assert to_read == {hour for hour in range(first, past) if kind(hour) != "complete"}
    whole = await read(connection, hours(first, past), everything=True)
    assert whole.to_read == [hours(first, past)]
    assert cells(whole) == cells(found)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("hook", ""),
        ("sweep", ", status = 'paid'"),
        ("backfill", ", starts_at = starts_at - interval '1 d', ends_at = ends_at + interval '1 d'"),
        ("backfill", ", feed = 'created'"),
        ("backfill", ", account = 'another'"),
    ],
)
async def test_what_proves_nothing_leaves_a_range_missing(connection: Connection, kind: str, more: str) -> None:
    await register(connection)
    await put(connection, kind, hours(0, 1), "done", more, seen=0 if "interval" in more else 5)
    assert cells(await read(connection, hours(0, 1))) == {0: "missing"}


async def test_a_whole_whose_parts_brought_too_few_is_to_be_read(connection: Connection) -> None:
    await register(connection)
    await put(connection, "backfill", hours(0, 1), "done")
    await put(connection, "backfill", hours(0, 2), "planned", ", part_rows = 3")
    assert cells(await read(connection, hours(0, 3))) == {0: "waiting", 1: "waiting", 2: "missing"}


@pytest.mark.parametrize("range_", [hours(3, 9), hours(3, 12), hours(3, 13)])
async def test_a_long_window_proves_what_lies_before_the_history_and_behind_its_proof(
    connection: Connection, range_: Window
) -> None:
    await register(connection)
    await put(connection, "incremental", hours(5, 12), "done")
    await put(connection, "incremental", hours(12, 13), "failed")
    await put(connection, "sweep", hours(2, 14), "done")
    found = await read(connection, range_, HOUR)
    assert found.to_read == []


async def test_what_lies_beyond_the_reach_is_missing_though_windows_around_it_were_read(connection: Connection) -> None:
    await register(connection)
    for first, past, state in ((1, 2, "done"), (2, 3, "failed"), (3, 4, "done"), (4, 5, "beyond"), (5, 8, "done")):
        await put(connection, "incremental", hours(first, past), state)
    await connection.execute("UPDATE sync.accounts SET proven_from = %s", [at(5)])
    kinds = cells(await read(connection, hours(1, 9)))
    assert kinds == dict(enumerate(["complete", "failed", "complete", "missing", *["complete"] * 3, "missing"], 1))


async def test_what_the_platform_no_longer_lists_is_not_complete(connection: Connection) -> None:
    await register(connection)
    for first, past, state in ((1, 3, "beyond"), (3, 8, "done")):
        await put(connection, "incremental", hours(first, past), state)
    await connection.execute("UPDATE sync.accounts SET proven_from = %s", [at(3)])
    assert cells(await read(connection, hours(1, 8))) == {
        hour: "missing" if hour < 3 else "complete" for hour in range(1, 8)
    }
    assert cells(await read(connection, hours(3, 8))) == dict.fromkeys(range(3, 8), "complete")


async def test_by_another_feed_than_its_own_only_windows_prove_a_range(
    connection: Connection,
) -> None:
    await register(connection)
    await put(connection, "incremental", hours(1, 8), "done")
    await connection.execute("UPDATE sync.accounts SET feed = 'created'")
    await connection.execute("UPDATE sync.windows SET feed = 'created'")
    await put(connection, "sweep", hours(2, 4), "done")
    kinds = cells(await read(connection, hours(1, 6)))
    assert kinds == {1: "missing", 2: "complete", 3: "complete", 4: "missing", 5: "missing"}


async def test_what_a_done_window_shares_with_an_open_one_is_complete(connection: Connection) -> None:
    await register(connection)
    for first, past, state in ((1, 4, "done"), (3, 6, "failed"), (5, 8, "done"), (7, 9, "planned")):
        await put(connection, "incremental", hours(first, past), state)
    kinds = cells(await read(connection, hours(1, 9)))
    assert [hour for hour, kind in kinds.items() if kind == "complete"] == [1, 2, 3, 5, 6, 7]


async def test_an_account_that_is_not_known_yet_has_everything_missing(connection: Connection) -> None:
    found = await read(connection, hours(0, 3), HOUR)
    assert (found.history_from, found.windows, found.calls) == (None, 3, 3)
    assert cells(found) == dict.fromkeys(range(3), "missing")


async def test_a_range_that_lies_in_the_future_has_nothing_to_read(connection: Connection) -> None:
    asked = AskedRange(SHOP, Feed.UPDATED, at(0), LONG, 100)
    [found] = await backfill_ranges.states(connection, [asked], at(5), at(6), everything=True)
    assert (found.to_read, found.windows, found.calls, cells(found)) == ([], 0, 0, {})


@pytest.mark.parametrize(
    ("orders", "calls"),
    [(0, 3), (10, 3), (11, 5), (25, 6)],
)
async def test_calls_are_estimated_from_the_orders_that_are_known(
    connection: Connection, orders: int, calls: int
) -> None:
    """Three windows of an hour, all these orders in the second; ten orders fit on a page."""
    await connection.execute(
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count, created_at) "
        "SELECT '1688', %s, n::text, 'x', 'other', 'CNY', 0, %s FROM generate_series(1, %s) AS n",
        [SHOP, at(1.5), orders],
    )
    found = await read(connection, hours(0, 3), HOUR, page_size=10)
    assert (found.windows, found.calls) == (3, calls)


async def test_of_many_windows_a_few_are_counted_and_of_many_ranges_the_first_are_listed(
    connection: Connection,
) -> None:
    await register(connection)
    for hour in range(0, 60, 2):
        await put(connection, "backfill", hours(hour, hour + 1), "done")
    found = await read(connection, hours(0, 60), timedelta(minutes=1))
    assert (found.complete_ranges, found.missing_ranges, found.windows, found.calls) == (30, 30, 1800, 1800)
    assert len(found.by_kind()["missing"]) == len(found.by_kind()["complete"]) == backfill_ranges.SHOWN
    assert len(found.to_read) == 30


async def test_accounts_come_in_the_order_they_are_asked_in(connection: Connection) -> None:
    asked = [AskedRange(name, Feed.CREATED, at(2), LONG, 100) for name in ("b", "a", "c")]
    found = await backfill_ranges.states(connection, asked, at(0), at(1))
    assert [each.account for each in found] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("not_due", "feed", "past", "missing"),
    [
        (3 * HOUR, Feed.UPDATED, 10, []),  # the next plan of the account is not late yet
        (HOUR, Feed.UPDATED, 12, [hours(10, 12)]),  # it is: nobody reads the account
        (3 * HOUR, Feed.CREATED, 12, [hours(5, 12)]),  # a list that is not planned
    ],
)
async def test_what_is_younger_than_the_last_plan_is_missing_once_the_next_one_is_late(
    connection: Connection, not_due: timedelta, feed: Feed, past: int, missing: list[Window]
) -> None:
    await register(connection)
    await put(connection, "incremental", hours(4, 10), "done")
    asked = AskedRange(SHOP, feed, at(12), LONG, 100, not_due)
    for everything in (False, True):
        [found] = await backfill_ranges.states(connection, [asked], at(5), at(12), everything=everything)
        assert (found.past, found.by_kind()["missing"]) == (at(past), missing)
        assert found.to_read == ([hours(5, past)] if everything else missing)
    [found] = await backfill_ranges.states(connection, [asked], at(11), at(12))
    assert found.missing_ranges == (1 if missing else 0)
