"""`orders-sync backfill`: preview, request, progress, cancel."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from rich.progress import Progress

from orders_sync.cli import progress
from orders_sync.domain.errors import LeaseLostError, TransientError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.engine.results import WindowResult
from orders_sync.sandbox import World
from tests.support.landed import Landed
from tests.support.terminal import Terminal, platforms

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = Window(BEGIN, BEGIN + timedelta(hours=1))
CLAIM = Claim(7, "kingdo", WindowKind.BACKFILL, Feed.UPDATED, HOUR, None, None, 1, 3, 1, 0, BEGIN)
READ = WindowResult(CLAIM, 1, 5, LoadCounts(new=5), None, 0.1)

OUTCOME = ["account", "windows", "calls", "rows", "errors", "waiting", "is_cut_off", "found_empty"]


def test_preview_says_what_is_missing_and_nothing_is_stored_without_a_yes(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-1688", "--from", "2026-11-01", "--to", "2026-11-03", "--by", "created"]
    said = landed.terminal.run(*ask)
    assert said.code == 7
    assert "to read" in said.out
    assert landed.terminal.run("backfill", "list", "--json").assert_well().json == []


def test_preview_says_how_current_orders_before_the_history_will_be(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-ka", "--to", "2026-11-03", "--from"]
    assert "Sweeps keep its orders current" in landed.terminal.run(*ask, "2001-01-01").err.replace("\n", " ")
    assert "kept current" not in landed.terminal.run(*ask, "2026-11-01").err


def test_a_backfill_is_read_at_once_with_wait_and_listed_as_done(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-ka", "--from", "2026-11-01", "--to", "2026-11-03", "--everything"]
    before = landed.terminal.run("backfill", "list", "--json").assert_well().json
    done = landed.terminal.run(*ask, "--yes", "--wait", "--json").assert_well().json
    assert done["outcomes"][0]["errors"] == []
    listed = [row for row in landed.terminal.run("backfill", "list", "--json").json if row not in before]
    assert [(row["account"], row["state"], row["waiting"]) for row in listed] == [("sandbox-ka", "done", 0)]
    refused = landed.terminal.run("backfill", "cancel", str(listed[0]["id"]))
    assert refused.code == 6
    assert "is not open" in refused.err
    for unknown in (["987654"], ["--request", "987654"]):
        never = landed.terminal.run("backfill", "cancel", *unknown)
        assert never.code == 6
        assert "there is no " in never.err


def test_a_dry_run_and_json_without_yes_show_the_cost_and_request_nothing(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-1688", "--from", "2026-11-01", "--to", "2026-11-03", "--by", "created"]
    before = landed.terminal.run("backfill", "list", "--json").assert_well().json
    shown = landed.terminal.run(*ask, "--dry-run").assert_well()
    assert "to read" in shown.out
    for options in (["--json"], ["--json", "--dry-run", "--yes"]):
        said = landed.terminal.run(*ask, *options).assert_well().json
        assert (said["request"], said["backfills"], said["outcomes"]) == (None, [], [])
        [preview] = said["preview"]
        assert (preview["account"], preview["feed"], preview["windows"] > 0) == ("sandbox-1688", "created", True)
    assert landed.terminal.run("backfill", "list", "--json").assert_well().json == before


def test_many_accounts_are_one_request_that_is_listed_and_cancelled_as_one(
    terminal: Terminal, url: str, world: World
) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        ask = ["backfill", "--account", "sandbox-ka", "--account", "sandbox-open", "--from", "2020-01-01"]
        made = terminal.run(*ask, "--to", "2020-01-03", "--yes", "--json").assert_well().json
        assert (made["request"], len(made["backfills"])) == (made["backfills"][0], 2)
        number = str(made["request"])
        rows = terminal.run("backfill", "list", "--json").assert_well().json
        assert {row["request_id"] for row in rows} == {made["request"]}
        listed = terminal.run("backfill", "list").assert_well()
        assert "2 accounts" in listed.out
        assert "2 planned" in listed.out
        again = terminal.run(*ask, "--to", "2020-01-03", "--dry-run").assert_well()
        assert "asks for the same range" in again.err
        assert "sandbox-ka" in terminal.run("backfill", "list", "--request", number).assert_well().out
        one = terminal.run("backfill", "list", "--account", "sandbox-open", "--json").assert_well().json
        assert [row["account"] for row in one] == ["sandbox-open"]
        assert "no backfill fits" in terminal.run("backfill", "list", "--state", "done").assert_well().err
        assert terminal.run("backfill", "cancel").code == 2
        assert "2 backfills" in terminal.run("backfill", "cancel", "--request", number).assert_well().err
        assert terminal.run("backfill", "cancel", "--request", number).code == 6
        states = terminal.run("backfill", "list", "--state", "cancelled", "--json").assert_well().json
        assert [row["state"] for row in states] == ["cancelled", "cancelled"]


@pytest.mark.parametrize("columns", [80, 60])
def test_a_list_on_a_narrow_screen_shows_the_days_and_no_empty_column(landed: Landed, columns: int) -> None:
    shops = ["--account", "sandbox-1688", "--account", "sandbox-ka"]
    landed.terminal.run("backfill", *shops, "--from", "2020-01-01", "--to", "2020-01-03", "--yes").assert_well()
    [*_, last] = landed.terminal.run("backfill", "list", "--json").assert_well().json
    for command in ([], ["--request", str(last["request_id"])]):
        words = landed.terminal.on_screen(columns, "backfill", "list", *command).assert_well().out.split()
        assert {"2020-01-01", "2020-01-03", "(times"} <= set(words)
        assert "left" not in words
    [*_, row] = [row for row in landed.terminal.run("backfill", "list").out.splitlines() if "2020-01-01" in row]
    assert "created, updated" in row
    landed.terminal.run("backfill", "cancel", "--request", str(last["request_id"])).assert_well()


def test_a_plan_is_shown_with_its_ranges_and_started_by_its_number(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        ask = ["backfill", "--account", "sandbox-ka", "--account", "sandbox-open", "--from", "2020-01-01"]
        shown = terminal.run(*ask, "--to", "2020-01-03", "--dry-run").assert_well()
        assert "missing  2020-01-01 00:00:00  2020-01-03 00:00:00" in shown.out
        number = shown.err.split("--plan ")[1].split("`")[0]
        again = terminal.run(*ask, "--to", "2020-01-03", "--json").assert_well().json
        assert again["plan"] == int(number) + 1
        assert again["preview"][0]["ranges"] == {
            "complete": [],
            "missing": [["2020-01-01T00:00:00+08:00", "2020-01-03T00:00:00+08:00"]],
            "failed": [],
            "waiting": [],
        }
        made = terminal.run("backfill", "--plan", number, "--json").assert_well().json
        assert (made["plan"], made["preview"], len(made["backfills"])) == (None, [], 2)
        listed = terminal.run("backfill", "list", "--json").assert_well().json
        assert {row["request_id"] for row in listed} == {made["request"]}
        terminal.run("backfill", "--plan", number).assert_complains("was started already", code=1)
        refused = terminal.run("backfill", "--plan", str(again["plan"]))
        refused.assert_well()  # what waits counts as not read yet: the same would be read
        terminal.run("backfill", "--plan", "987654").assert_complains("there is no plan 987654", code=6)
        terminal.run("backfill", "--plan", number, "--from", "2020-01-01").assert_complains("--plan", code=2)


def test_single_orders_are_read_by_their_numbers_and_others_said_to_be_unreadable(landed: Landed) -> None:
    query = "SELECT order_id FROM orders WHERE account = 'sandbox-ka' ORDER BY created_at DESC LIMIT 2"
    ids = [row[0] for row in landed.tables.query(query)]
    shown = landed.terminal.run("backfill", "--orders", ", ".join(ids), "--dry-run").assert_well()
    for order_id in ids:
        assert order_id in shown.out
    done = landed.terminal.run("backfill", "--orders", ", ".join(ids), "--yes", "--wait", "--json").assert_well().json
    assert list(done) == [
        *("plan", "orders", "not_fetched", "notices", "calls", "seconds", "request", "backfills", "outcomes"),
    ]
    assert list(done["outcomes"][0]) == OUTCOME
    assert [each["order_id"] for each in done["orders"]] == ids
    assert done["outcomes"][0]["errors"] == []
    [row] = landed.terminal.run("backfill", "list", "--request", str(done["request"]), "--json").assert_well().json
    assert (row["state"], row["waiting"]) == ("done", 0)
    some = landed.terminal.run("backfill", "--orders", f"{ids[0]} 99887766", "--dry-run")
    assert some.code == 6
    assert "99887766: no order here has it" in " ".join(some.out.split())
    for extra in (["--from", "2026-11-01"], ["--plan", "1"], ["--account", "sandbox-ka"]):
        landed.terminal.run("backfill", "--orders", ids[0], *extra).assert_complains("--orders", code=2)


def test_a_range_in_the_future_is_said_and_not_called_complete(landed: Landed) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    ask = ["backfill", "--account", "sandbox-ka", "--yes"]
    landed.terminal.run(*ask, "--from", later).assert_complains("must be before --to now", code=2)
    much_later = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    landed.terminal.run(*ask, "--from", later, "--to", much_later).assert_complains("lies in the future", code=2)
    partly = landed.terminal.run(*ask[:-1], "--from", "2026-11-01", "--to", later, "--dry-run").assert_well()
    assert "the range ends in the future: it is read up to" in partly.err


def test_mistakes_are_one_clear_message(landed: Landed) -> None:
    for options, words in (
        (["--from", "2026-11-01"], "which accounts?"),
        (["--account", "sandbox-ka"], "--from is required"),
        (["--account", "sandbox-ka", "--from", "whenever"], "must be a date or a time"),
        (["--account", "sandbox-ka", "--from", "2026-11-02", "--to", "2026-11-01"], "must be before"),
        (["--account", "sandbox-ka", "--from", "2026-11-01", "--by", "updated"], "does not list by updated time"),
    ):
        said = landed.terminal.run("backfill", *options)
        assert said.code == 2
        assert words in said.err


def test_the_names_of_a_preview_and_of_a_result_in_json_stay(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-ka", "--from", "2020-01-01", "--to", "2020-01-02", "--json"]
    shown = landed.terminal.run(*ask).assert_well().json
    assert "notices" in shown["preview"][0]
    [outcome] = landed.terminal.run("sync", "--account", "sandbox-ka", "--json").assert_well().json
    assert list(outcome) == OUTCOME


def test_waiting_windows_count_in_the_exit_code_of_wait(terminal: Terminal, url: str, world: World) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root, "sandbox-ka", extra="[sync]\nretries = 1")
        sandbox.faults.set_rates({"http_5xx": 1.0}, "sandbox-ka")
        assert terminal.run("sync").code == 1
        sandbox.faults.clear()
        ask = ["backfill", "--account", "sandbox-ka", "--from", "2020-01-01", "--to", "2020-01-02", "--yes", "--wait"]
        said = terminal.run(*ask, "--json")
        [outcome] = said.json["outcomes"]
        assert (outcome["errors"], bool(outcome["waiting"])) == ([], True)
        assert said.code == 1, said.text


def test_the_bar_says_how_long_the_rest_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of five is read after twenty minutes: four more take eighty."""
    clock = [0.0]
    console = Console(file=io.StringIO(), force_terminal=True, width=120, get_time=lambda: clock[0])
    monkeypatch.setattr(Progress, "start", lambda _: None)  # no thread draws while the clock is ours

    def shown() -> str:
        with console.capture() as capture:
            console.print(made._progress.get_renderable())
        return capture.get()

    with progress.range_bars({"kingdo": 5 * 3600}, console) as made:
        monkeypatch.setattr(made._progress, "get_time", lambda: clock[0])
        made._progress.tasks[0].start_time = 0.0
        made._progress.tasks[0]._get_time = lambda: clock[0]
        clock[0] = 1200.0
        assert "left" not in shown()
        made.closed(replace(READ, landed=None, is_split=True))
        made.closed(replace(READ, landed=None, error=LeaseLostError(7)))
        assert "left" not in shown()
        made.landed("kingdo", 5)
        made.closed(READ)
        assert "5 orders" in shown()
        assert "about 80 min left" in shown()
        for _ in range(4):
            made.closed(replace(READ, landed=None, error=TransientError("busy")))
        assert "left" not in shown()


@pytest.mark.parametrize(("start", "end"), [("0001-01-01", "2026-11-03"), ("2026-11-01", "9999-12-31")])
def test_a_range_nobody_can_read_is_one_clear_message(landed: Landed, start: str, end: str) -> None:
    ask = ["backfill", "--account", "sandbox-ka", "--from", start, "--to", end, "--yes"]
    landed.terminal.run(*ask).assert_complains("must lie between 1999 and 2200")
