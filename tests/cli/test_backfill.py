"""`orders-sync backfill`: preview, request, progress, cancel."""

from __future__ import annotations

from tests.cli.conftest import Landed


def test_preview_says_what_is_missing_and_nothing_is_stored_without_a_yes(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-1688", "--from", "2026-11-01", "--to", "2026-11-03", "--by", "created"]
    said = landed.terminal.run(*ask)
    assert said.code == 1
    assert "to read" in said.out
    assert landed.terminal.run("backfill", "list", "--json").assert_well().json == []


def test_a_backfill_is_read_at_once_with_wait_and_listed_as_done(landed: Landed) -> None:
    ask = ["backfill", "--account", "sandbox-ka", "--from", "2026-11-01", "--to", "2026-11-03", "--everything"]
    done = landed.terminal.run(*ask, "--yes", "--wait", "--json").assert_well().json
    assert done["outcomes"][0]["errors"] == []
    listed = landed.terminal.run("backfill", "list", "--json").assert_well().json
    assert [(row["account"], row["state"], row["waiting"]) for row in listed] == [("sandbox-ka", "done", 0)]
    refused = landed.terminal.run("backfill", "cancel", str(listed[0]["id"]))
    assert refused.code == 1
    assert "is not open" in refused.err


def test_mistakes_are_one_clear_message(landed: Landed) -> None:
    for options, words in (
        (["--from", "2026-11-01"], "which accounts?"),
        (["--account", "sandbox-ka"], "--from is missing"),
        (["--account", "sandbox-ka", "--from", "yesterday"], "must be a date or a time"),
        (["--account", "sandbox-ka", "--from", "2026-11-02", "--to", "2026-11-01"], "nothing lies between"),
        (["--account", "sandbox-ka", "--from", "2026-11-01", "--by", "updated"], "does not list by updated time"),
    ):
        said = landed.terminal.run("backfill", *options)
        assert said.code == 1
        assert words in said.err
