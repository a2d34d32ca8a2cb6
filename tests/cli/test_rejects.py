"""`orders-sync rejects` and `orders-sync renormalize`: what could not be read, and rows made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from orders_sync.sandbox import Faults
from tests.support.databases import Tables, made_database
from tests.support.landed import a_world
from tests.support.terminal import Terminal, platforms

BYTES = b'{"id": 7, "name": "\xff\xfe\x00\x1b[31m"}'


@dataclass(frozen=True)
class Shop:
    """The KA account of a sandbox that breaks some of its orders, synced."""

    terminal: Terminal
    tables: Tables
    mended: dict[str, bytes]  # by order id, as the platform would send it unbroken

    def open(self) -> int:
        return int(self.tables.query("SELECT count(*) FROM sync.rejects WHERE resolved_at IS NULL")[0][0])

    def odd_one(self) -> str:
        """The number of a reject whose bytes are no text; added when it is not there."""
        self.tables.execute(
            "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, reason_key, read_at) VALUES "
            "('sandbox-ka', 'xportcn_ka', %s, '\\x07', 'not UTF-8', 'not_utf8', now()) ON CONFLICT DO NOTHING",
            BYTES,
        )
        return str(self.tables.query("SELECT id FROM sync.rejects WHERE payload_hash = '\\x07'")[0][0])


@pytest.fixture(scope="module")
def synced(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop whose tables are copied for each test."""
    world, faults = a_world(300), Faults(hang_seconds=0.01, retry_after=0)
    faults.set_rates({"malformed": 0.1})
    with made_database(server, "rejects", template) as tables, platforms(world, faults) as (root, _):
        terminal = Terminal(tmp_path_factory.mktemp("rejects"), {"DATABASE_URL": tables.url})
        terminal.describe(world, root, "sandbox-ka")
        assert "orders-sync rejects list" in terminal.run("sync").assert_well().err
        orders = world.shop("sandbox-ka").index.orders.values()
        yield Shop(terminal, tables, {order.order_id: order.record for order in orders})
        terminal.close()


@pytest.fixture
def shop(server: str, synced: Shop) -> Iterator[Shop]:
    with made_database(server, "rejects", synced.tables.name) as tables:
        synced.terminal.variables["DATABASE_URL"] = tables.url
        yield replace(synced, tables=tables)


def test_rejects_are_listed_shown_and_replayed_P4(shop: Shop) -> None:
    odd = shop.odd_one()
    listed = shop.terminal.run("rejects", "list", "--json").assert_well().json
    assert len(listed) == shop.open() > 3
    assert {"id", "account", "platform", "order_id", "reason", "rejected_at", "read_at"} <= listed[0].keys()
    table = shop.terminal.run("rejects", "list", "--account", "sandbox-ka", "--ids").assert_well()
    assert all(row["reason"][:30] in table.out for row in listed)
    grouped = shop.terminal.run("rejects", "list", "--json", "--groups").assert_well().json
    assert sum(each["records"] for each in grouped) == len(listed)
    assert {each["reason_key"] for each in grouped} == {row["reason_key"] for row in listed} > {"not_utf8"}
    shown = shop.terminal.run("rejects", "list").assert_well()
    assert all(f"{each['reason_key']} " in shown.out for each in grouped)
    assert f"1 of {len(listed)} are shown" in shop.terminal.run("rejects", "list", "--ids", "--limit", "1").err
    assert "no open rejects of nobody" in shop.terminal.run("rejects", "list", "--account", "nobody").assert_well().err

    shown = shop.terminal.run("rejects", "show", odd).assert_well()
    assert "\\xff\\xfe␀␛[31m" in shown.out
    assert "not UTF-8" in shown.out
    assert shop.terminal.run("rejects", "show", odd, "--json").assert_well().json["id"] == int(odd)

    [broken, *others] = [row for row in listed if row["order_id"]]
    shop.tables.execute(
        "UPDATE sync.rejects SET payload = %s WHERE id = %s", shop.mended[broken["order_id"]], broken["id"]
    )  # as if today's code could read it
    said = shop.terminal.run("rejects", "replay", "--all", "--json")
    assert (said.code, said.json["landed"], said.json["older"]) == (1, 1, 0)
    assert {row["id"] for row in said.json["rejected"]} == {row["id"] for row in listed} - {broken["id"]}
    found = shop.tables.query("SELECT order_id FROM orders WHERE order_id = %s", broken["order_id"])
    assert found == [(broken["order_id"],)]
    assert broken["id"] not in [row["id"] for row in shop.terminal.run("rejects", "list", "--json").json]
    assert broken["id"] in [row["id"] for row in shop.terminal.run("rejects", "list", "--all", "--json").json]
    again = shop.terminal.run("rejects", "replay", str(broken["id"])).assert_well()
    assert "nothing to replay: all of these are settled" in again.err
    result = shop.terminal.run("rejects", "replay", str(others[0]["id"]))
    assert "0 stored, 0 older than the stored version, 1 still rejected" in result.out
    assert f" {others[0]['id']} " in result.out


def test_a_replay_counts_first_and_sums_up_by_reason(shop: Shop) -> None:
    before = shop.open()
    reasons = {reason for (reason,) in shop.tables.query("SELECT DISTINCT reason_key FROM sync.rejects")}
    said = shop.terminal.run("rejects", "replay")
    assert said.code == 1
    assert f"replaying {before} rejects" in said.err
    first, title, head, *rows = said.out.splitlines()
    assert first == f"0 stored, 0 older than the stored version, {before} still rejected"
    assert (title, head.split()[0]) == ("Still rejected, by reason", "--reason")
    assert {row.split()[0] for row in rows} == reasons
    assert sum(int(row.split()[2]) for row in rows) == before
    assert "replaying 2 rejects" in shop.terminal.run("rejects", "replay", "--limit", "2").err

    [(number,)] = shop.tables.query("SELECT min(id) FROM sync.rejects")
    shop.terminal.run("rejects", "ignore", str(number), "--yes").assert_well()
    assert f"replaying {before - 1} rejects" in shop.terminal.run("rejects", "replay").err
    assert f"replaying {before} rejects" in shop.terminal.run("rejects", "replay", "--all").err
    ignored = shop.terminal.run("rejects", "list", "--ignored", "--json").json
    assert [row["id"] for row in ignored] == [number]  # though it was rejected again


def test_all_beside_ids_is_refused_for_one_of_the_two_is_not_meant(shop: Shop) -> None:
    odd, before = shop.odd_one(), shop.open()
    for command in ("replay", "ignore", "unignore", "drop"):
        shop.terminal.run("rejects", command, odd, "--all").assert_complains("--all goes with no ID", code=2)
        assert shop.open() == before, command


def test_rejects_are_dropped_after_a_yes_and_mistakes_drop_nothing(shop: Shop) -> None:
    odd, before = shop.odd_one(), shop.open()
    assert shop.terminal.run("rejects", "drop", odd).code == 7  # nobody said yes
    for command in ("drop", "replay", "show"):
        numbers = ["31415926"] if command == "show" else [odd, "31415926"]
        shop.terminal.run("rejects", command, *numbers).assert_complains("31415926", "orders-sync rejects list --all")
    assert shop.open() == before
    shop.terminal.run("rejects", "drop", odd, "--yes").assert_well()
    assert shop.open() == before - 1


def test_rejects_of_a_reason_are_ignored_after_a_yes_and_counted_open_no_more(shop: Shop) -> None:
    shop.odd_one()
    before = shop.open()
    shop.terminal.run("rejects", "ignore").assert_complains("--reason", "--account", "--all")
    refused = shop.terminal.run("rejects", "ignore", "--reason", "not_utf8")
    assert refused.code == 7
    assert "Ignore reject" in refused.text
    done = shop.terminal.run("rejects", "ignore", "--reason", "not_utf8", "--yes", "--json").assert_well().json
    assert (done["ignored"], len(done["ids"])) == (1, 1)
    listed = shop.terminal.run("rejects", "list").assert_well()
    assert "not_utf8" not in listed.out
    assert "1 more are ignored" in listed.err
    [row] = [row for row in shop.terminal.run("status", "--json").json if row["account"] == "sandbox-ka"]
    assert (row["rejects"], row["ignored_rejects"]) == (before - 1, 1)
    shown = shop.terminal.run("rejects", "list", "--ignored").assert_well()
    assert "not_utf8" in shown.out
    assert "rejects unignore --reason" in shown.err
    assert "rejects ignore" not in shown.err
    replayed = shop.terminal.run("rejects", "replay", "--reason", "not_utf8").assert_well()
    assert "nothing to replay: none of these is open" in replayed.err
    shop.terminal.run("rejects", "unignore", "--all", "--yes").assert_well()
    assert "not_utf8" in shop.terminal.run("rejects", "list").assert_well().out
    shop.terminal.run("rejects", "drop", "--reason", "not_utf8", "--yes").assert_well()
    assert shop.open() == before - 1


def test_a_reject_of_a_platform_that_is_not_installed_is_replayed_to_a_sentence(shop: Shop) -> None:
    number = shop.odd_one()
    shop.tables.execute("UPDATE sync.rejects SET platform = 'gone' WHERE id = %s", number)
    said = shop.terminal.run("rejects", "replay", number)
    shop.terminal.run("rejects", "drop", number, "--yes").assert_well()
    assert said.code == 1
    assert "platform gone is not installed" in " ".join(said.out.split())


def test_renormalize_says_what_it_did_and_mistakes_are_one_message(shop: Shop) -> None:
    [(order_id,)] = shop.tables.query("SELECT order_id FROM orders ORDER BY 1 LIMIT 1")
    shop.tables.execute("UPDATE raw_orders SET rows_hash = '\\x00' WHERE order_id = %s", order_id)
    shop.tables.execute("UPDATE orders SET status_group = 'of old' WHERE order_id = %s", order_id)
    [said] = shop.terminal.run("renormalize", "--json").assert_well().json
    orders = shop.tables.counts()["orders"]
    assert said == {
        "platform": "xportcn_ka",
        "looked_at": orders,
        "rebuilt": 1,
        "equal": orders - 1,
        "rejected": 0,
        "moved": 0,
    }
    history = "SELECT changed FROM order_history WHERE order_id = %s AND changed IS NOT NULL"
    assert shop.tables.query(history, order_id) == [(["status_group"],)]
    result = shop.terminal.run("renormalize", "--account", "sandbox-ka", "--platform", "xportcn_ka").assert_well()
    assert all(key.replace("_", " ") in result.out for key in said)
    result = shop.terminal.run("renormalize", "--platform", "xportcn_open").assert_well()
    assert "no orders of xportcn_open are stored yet" in result.err
    shop.terminal.run("renormalize", "--platform", "taobao").assert_complains("taobao", "xportcn_ka")
    shop.terminal.run("renormalize", "--account", "nobody").assert_complains("nobody", "orders-sync status")
