"""`orders-sync audit`: what differs is shown, repaired when asked, and decides the exit code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.cli.audit_tables import summary
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.domain.windows import Window
from orders_sync.engine.audit_results import Audited, Updates
from orders_sync.engine.reconcile import Difference, OrderCounts, Reconciliation
from tests.support.landed import Landed

T = datetime(2026, 11, 1, tzinfo=UTC)


def test_equal_tables_are_exit_code_0_and_leave_their_counts(landed: Landed) -> None:
    finished = "SELECT count(*) FROM sync.audits WHERE finished_at IS NOT NULL"
    [(before,)] = landed.tables.query(finished)
    said = landed.terminal.run("audit", "--json").assert_well()
    assert [(each["platform_orders"], each["table_orders"], each["differences"]) for each in said.json] == [
        (100, 100, [])
    ] * 3
    assert landed.tables.query(finished) == [(before + 3,)]


def test_a_lost_order_is_a_difference_until_it_is_repaired(copied: Landed) -> None:
    terminal, tables = copied.terminal, copied.tables
    [(lost,)] = tables.query("SELECT order_id FROM orders WHERE account = 'sandbox-ka' ORDER BY created_at LIMIT 1")
    for table in ("raw_orders", "orders", "sub_orders", "product_items", "order_receivers", "order_history"):
        tables.execute(f"DELETE FROM {table} WHERE order_id = %s", lost)
    said = terminal.run("audit", "--account", "sandbox-ka")
    assert said.code == ExitCode.DIFFERENCE
    assert "Ranges that differ" in said.out
    assert "audit --repair" in said.err
    assert "sandbox-1688" not in said.out
    assert f"missing: {lost}" in said.out
    [listed] = terminal.run("audit", "list", "--open", "--json").assert_well().json
    assert (listed["state"], listed["open"], listed["missing"]) == ("finished", 1, 1)
    number = str(listed["id"])
    assert lost in terminal.run("audit", "show", number).assert_well().out
    [found] = terminal.run("audit", "show", number, "--json").assert_well().json["difference_list"]
    assert (found["missing_ids"], found["state"]) == ([lost], "open")
    assert terminal.run("audit", "acknowledge", number).code == 2
    terminal.run("audit", "acknowledge", number, "--reason", " ").assert_complains("--reason", code=2)
    terminal.run("audit", "acknowledge", "999", "--reason", "x").assert_complains("no audit 999", "audit list", code=6)
    terminal.run("audit", "show", "999").assert_complains("no audit 999", code=6)
    acknowledged = terminal.run("audit", "acknowledge", number, "--reason", "a test").assert_well()
    assert "1 difference acknowledged" in acknowledged.err
    [again] = terminal.run("audit", "--account", "sandbox-ka", "--json").assert_well().json  # no longer a failure
    assert [each["acknowledged"] for each in again["differences"]] == [True]
    [row] = [row for row in terminal.run("status", "--json").json if row["account"] == "sandbox-ka"]
    assert (row["differences"], row["acknowledged_differences"]) == (0, 1)
    assert terminal.run("audit", "list", "--open", "--json").assert_well().json == []
    [repaired] = terminal.run("audit", "--account", "sandbox-ka", "--repair", "--json").assert_well().json
    assert [(each["missing"], each["missing_ids"], each["repaired"]) for each in repaired["differences"]] == [
        (1, [lost], True)
    ]
    assert "Audits" in terminal.run("audit", "list", "--account", "sandbox-ka", "--limit", "2").assert_well().out
    terminal.run("audit").assert_well()
    assert terminal.run("verify", copied.root).code == 0


def test_a_version_that_is_missing_is_shown_by_update_time_and_repaired(copied: Landed) -> None:
    terminal, tables = copied.terminal, copied.tables
    [(order_id,)] = tables.query(
        "SELECT order_id FROM orders WHERE account = 'sandbox-1688' AND modified_at < now() - interval '2 days' "
        "ORDER BY modified_at DESC LIMIT 1"
    )
    for table in ("orders", "raw_orders"):  # as if its last change had never been listed
        tables.execute(f"UPDATE {table} SET modified_at = modified_at - interval '1 s' WHERE order_id = %s", order_id)
    tables.execute("UPDATE raw_orders SET payload_hash = '1', rows_hash = '1' WHERE order_id = %s", order_id)
    said = terminal.run("audit", "--account", "sandbox-1688")
    assert said.code == ExitCode.DIFFERENCE
    assert "updated" in said.out
    [repaired] = terminal.run("audit", "--account", "sandbox-1688", "--repair", "--json").assert_well().json
    assert [(each["feed"], each["missing"], each["repaired"]) for each in repaired["differences"]] == [
        ("updated", 1, True)
    ]
    assert repaired["updates"]["platform_orders"] == repaired["updates"]["table_orders"] + 1
    assert (repaired["updates"]["rejects"], repaired["updates"]["awaited"]) == (0, 0)
    [equal] = terminal.run("audit", "--account", "sandbox-ka", "--json").assert_well().json
    assert equal["updates"] is None
    assert terminal.run("verify", copied.root).code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "2026-11-02", "--to", "2026-11-01"], "must be before"),
        (["--from", "whenever"], "must be a date or a time"),
        (["--account", "nobody"], "nobody"),
    ],
)
def test_mistakes_are_one_clear_message(landed: Landed, options: list[str], words: str) -> None:
    landed.terminal.run("audit", *options).assert_complains(words)


def test_an_audit_ends_with_a_verdict_that_explains_what_is_awaited() -> None:
    lacking = Difference(Window(T, T + timedelta(minutes=1)), OrderCounts(2, 1), missing=1, missing_ids=("1",))
    equal = Audited("a", found=Reconciliation(platform=505, tables=496, awaited=9))
    by_both = Audited("b", found=Reconciliation(awaited=1), updates=Updates(T, T, Reconciliation(awaited=2)))
    unlisted = Difference(Window(T, T + timedelta(minutes=1)), OrderCounts(1, 2), not_listed_ids=("1", "2"))
    differs = Audited("c", found=Reconciliation(differences=[lacking, unlisted]))
    repaired = Audited("d", found=Reconciliation(differences=[lacking]), repaired=[lacking])
    next_reads = "awaited (changed lately, the next sync reads them)"
    assert summary([equal]) == f"1 account: nothing missing; 9 {next_reads}"
    assert summary([equal, by_both, repaired]) == f"3 accounts: nothing missing; 11 {next_reads}"
    rejected = Audited("f", found=Reconciliation(platform=5, tables=5, rejects=3))
    assert summary([rejected]) == "1 account: nothing missing; 3 not here: rejects (`orders-sync rejects list`)"
    assert summary([differs, Audited("e", error="refused")]) == (
        "1 account: 1 missing; 2 not listed; 1 more could not be compared"
    )
    assert summary([Audited("e", error="refused")]) == "nothing could be compared (1 account)"


def test_an_audit_that_is_shown_again_explains_counts_that_are_not_equal(landed: Landed) -> None:
    assert "nothing missing" in landed.terminal.run("audit", "--account", "sandbox-ka").assert_well().err
    [listed] = landed.terminal.run("audit", "list", "--limit", "1", "--json").assert_well().json
    assert listed["awaited"] == 0
    assert "awaited" not in landed.terminal.run("audit", "show", str(listed["id"])).assert_well().err
    landed.tables.execute(
        "UPDATE sync.audits SET table_orders = table_orders - 9, awaited = 9 WHERE id = %s", listed["id"]
    )
    said = landed.terminal.run("audit", "show", str(listed["id"])).assert_well()
    assert "awaited (changed lately" in " ".join(said.err.split())
    assert [line.split()[-1] for line in said.out.splitlines() if "awaited" in line] == ["9"]
    assert landed.terminal.run("audit", "show", str(listed["id"]), "--json").json["awaited"] == 9
    landed.tables.execute("UPDATE sync.audits SET rejects = 3, finished_at = started_at - interval '9 y'")
    said = landed.terminal.run("audit", "show", str(listed["id"])).assert_well()
    assert "3 not here" in said.err
    assert "orders-sync rejects list --account sandbox-ka" in said.err
    assert "have been read since" in said.err
    [listed] = landed.terminal.run("audit", "list", "--limit", "1", "--json").assert_well().json
    assert (listed["rejects"], listed["are_awaited_read"]) == (3, True)
