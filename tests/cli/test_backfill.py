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
    done = landed.terminal.run(*ask, "--yes", "--wait", "--json").assert_well().json
    assert done["outcomes"][0]["errors"] == []
    listed = landed.terminal.run("backfill", "list", "--json").assert_well().json
    assert [(row["account"], row["state"], row["waiting"]) for row in listed] == [("sandbox-ka", "done", 0)]
    refused = landed.terminal.run("backfill", "cancel", str(listed[0]["id"]))
    assert refused.code == 6
    assert "is not open" in refused.err


def test_mistakes_are_one_clear_message(landed: Landed) -> None:
    for options, words in (
        (["--from", "2026-11-01"], "which accounts?"),
        (["--account", "sandbox-ka"], "--from is required"),
        (["--account", "sandbox-ka", "--from", "yesterday"], "must be a date or a time"),
        (["--account", "sandbox-ka", "--from", "2026-11-02", "--to", "2026-11-01"], "must be before"),
        (["--account", "sandbox-ka", "--from", "2026-11-01", "--by", "updated"], "does not list by updated time"),
    ):
        said = landed.terminal.run("backfill", *options)
        assert said.code == 2
        assert words in said.err


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
