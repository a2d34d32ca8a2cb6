"""Every action of a command is recorded with it, and `orders-sync activity` shows who did what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orders_sync.cli.activity import _details
from tests.support.databases import Tables, made_database
from tests.support.landed import a_world
from tests.support.terminal import Terminal, platforms

KA, OPEN = "sandbox-ka", "sandbox-open"
GONE = "gone"
RANGE = ["--account", KA, "--account", OPEN, "--from", "2020-01-01", "--to", "2020-01-03", "--yes"]
# what may be looked at to see that nothing was done
STATE = """
SELECT json_build_array(
    (SELECT json_agg(row(name, paused_at, paused_because, suspended_at, retired_at) ORDER BY name)
        FROM sync.accounts),
    (SELECT json_agg(row(id, state) ORDER BY id) FROM sync.backfills),
    (SELECT json_agg(row(id, ignored_at, resolved_at) ORDER BY id) FROM sync.rejects),
    (SELECT json_agg(row(audit_id, acknowledged_at, repaired_at)) FROM sync.audit_differences),
    (SELECT count(*) FROM sync.audits),
    (SELECT count(*) FROM sync.windows),
    (SELECT count(*) FROM sync.windows WHERE state = 'failed'),
    (SELECT count(*) FROM sync.requests)
)::text
"""
REJECT = """
INSERT INTO sync.rejects (id, account, platform, order_id, payload, payload_hash, reason, read_at)
OVERRIDING SYSTEM VALUE
VALUES ({id}, '{account}', 'xportcn_ka', 'R{id}', '\\x7b7d', decode(md5('{id}'), 'hex'), 'no id', now())
"""
AUDIT = f"""
INSERT INTO sync.audits (id, account, starts_at, ends_at, finished_at) OVERRIDING SYSTEM VALUE
VALUES (90, '{KA}', '2026-01-01', '2026-02-01', now());
INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders)
VALUES (90, '2026-01-01', '2026-01-02', 2, 1)
"""
UNRECORDED = """
CREATE FUNCTION sync.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the record is full'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON sync.activity FOR EACH ROW EXECUTE FUNCTION sync.refuse()
"""
ORDER = "5000777"
STORED = f"""
UPDATE orders SET order_id = '{ORDER}' WHERE order_id = (SELECT min(order_id) FROM orders WHERE account = '{KA}');
INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, attempts, finished_at)
VALUES ('{KA}', 'backfill', 'created', '2019-01-01', '2019-01-02', 'failed', 9, now())
"""
SUSPENDED = f"UPDATE sync.accounts SET suspended_at = now(), suspended_because = 'refused' WHERE name = '{OPEN}'"
SAME_NUMBERS = """
SELECT setval(pg_get_serial_sequence('sync.backfills', 'id'), coalesce(max(id), 0) + 1, false) FROM sync.backfills
"""
# a command, and what it is recorded as: (action, account, subject)
ACTIONS: list[tuple[list[str], list[tuple[str, str | None, str | None]]]] = [
    (["accounts", "pause", KA, "--reason", "moves"], [("account.pause", KA, None)]),
    (["accounts", "resume", KA], [("account.resume", KA, None)]),
    (["accounts", "resume", OPEN], [("account.resume", OPEN, None)]),
    (["accounts", "rename", GONE, "left"], [("account.rename", "left", None)]),
    (["accounts", "retire", "left"], [("account.retire", "left", None)]),
    (
        ["backfill", *RANGE],
        [("backfill.start", OPEN, "request 1"), ("backfill.start", KA, "request 1")],
    ),
    (["backfill", "cancel", "2"], [("backfill.cancel", KA, "backfill 2")]),
    (["backfill", "cancel", "--request", "1"], [("backfill.cancel", OPEN, "request 1")]),
    (["backfill", "--orders", ORDER, "--yes"], [("order.fetch", KA, "request 3")]),
    (["backfill", "again", "1"], [("backfill.start", OPEN, "request 4"), ("backfill.start", KA, "request 4")]),
    (["accounts", "retry", KA], [("windows.retry", KA, None)]),
    (["order", ORDER, "--persons"], [("persons.reveal", KA, f"order {ORDER}")]),
    (["export", "order_persons", "-o", "a.csv"], [("persons.export", None, None)]),
    (["rejects", "ignore", "91", "--yes"], [("rejects.ignore", KA, "reject 91")]),
    (["rejects", "unignore", "91", "--yes"], [("rejects.unignore", KA, "reject 91")]),
    (["rejects", "replay", "91", "92"], [("rejects.replay", KA, None), ("rejects.replay", OPEN, None)]),
    (["rejects", "drop", "91", "92", "--yes"], [("rejects.drop", KA, None), ("rejects.drop", OPEN, None)]),
    (["sync", "--account", KA, "--request"], [("account.sync", KA, None)]),
    (["audit", "--account", KA, "--request"], [("audit.run", KA, None)]),
    (["audit", "repair", "90"], [("audit.repair", KA, None)]),
    (["audit", "acknowledge", "90", "--reason", "known"], [("audit.acknowledge", KA, "audit 90")]),
    (["audit", "--account", KA], [("audit.run", KA, None)]),
    (["audit", "--account", KA, "--repair"], [("audit.run", KA, None)]),
    (["renormalize", "--platform", "1688"], [("renormalize", None, "1688")]),
    (["db", "dump", "a.dump"], [("database.dump", None, None)]),
]


@pytest.fixture(scope="module")
def synced(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tables, str]]:
    """Tables that are copied for each test, and the text of the settings."""
    world = a_world(300)
    with made_database(server, "synced", template) as made, platforms(world) as (root, _):
        terminal = Terminal(tmp_path_factory.mktemp("synced"), {"DATABASE_URL": made.url})
        terminal.describe(world, root)
        terminal.run("sync", "--account", KA, "--account", OPEN).assert_well()
        made.execute(
            "INSERT INTO sync.accounts (name, platform, host, seller, feed, removed_at) "
            f"VALUES ('{GONE}', '1688', 'h', 's', 'updated', now())"
        )
        for number, account in ((91, KA), (92, OPEN)):
            made.execute(REJECT.format(id=number, account=account))
        made.execute(AUDIT)
        made.execute(STORED)
        made.execute(SUSPENDED)
        yield made, terminal.settings.read_text()
        terminal.close()


@pytest.fixture
def tables(server: str, synced: tuple[Tables, str], terminal: Terminal) -> Iterator[Tables]:
    prepared, settings = synced
    with made_database(server, "activity", prepared.name) as made:
        terminal.variables |= {"DATABASE_URL": made.url, "ORDERS_SYNC_USER": "ana"}
        terminal.write(settings)
        with made.in_one_session() as tables:
            yield tables


def recorded(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.query("SELECT action, account, subject, actor, origin FROM sync.activity ORDER BY id")


def test_the_beginning_of_a_range_is_shown_before_its_end() -> None:
    details = {"to": "2026-11-02T00:00:00+08:00", "plan": 2, "from": "2026-11-01T00:00:00+08:00"}
    assert _details(details) == "from: 2026-11-01 00:00:00 +08:00, to: 2026-11-02 00:00:00 +08:00, plan: 2"


def test_every_action_is_recorded_with_who_did_it_or_not_done(terminal: Terminal, tables: Tables) -> None:
    """Each command fails while nothing can be recorded, changes nothing, and is done once it can."""
    for command, rows in ACTIONS:
        tables.execute("DELETE FROM sync.activity")
        tables.execute(UNRECORDED)
        before = tables.query(STATE)
        terminal.run(*command).assert_complains("the record is full", code=69)
        assert tables.query(STATE) == before, command
        assert not (terminal.folder / "a.dump").exists()
        assert not (terminal.folder / "a.csv").exists() or "export" not in command
        tables.execute("DROP TRIGGER refuse ON sync.activity; DROP FUNCTION sync.refuse")
        tables.execute(SAME_NUMBERS)
        said = terminal.run(*command)
        assert said.code in (0, 1, 5), (command, said.text)  # a reject stays one, an audit finds a difference
        assert recorded(tables) == [(*row, "ana", "cli") for row in rows], command
        if command[:2] == ["rejects", "ignore"]:
            assert "ana" in terminal.run("rejects", "show", "91").assert_well().out.split()
    assert "ana" in terminal.run("audit", "show", "90").assert_well().out.split()


def test_the_list_shows_who_did_what_in_pages(terminal: Terminal, tables: Tables) -> None:
    assert "nothing was recorded yet" in terminal.run("activity").assert_well().err
    assert terminal.run("activity", "--json").assert_well().json == []
    terminal.run("accounts", "pause", KA, "--reason", "moves", "--until", "2199-01-01").assert_well()
    terminal.run("accounts", "resume", KA, ORDERS_SYNC_USER="Ben").assert_well()
    shown = terminal.run("activity", "--limit", "1").assert_well()
    assert "Ben" in shown.out
    assert "ana" not in shown.out.split()
    older = shown.err.split("--before ")[1].split()[0]
    rest = terminal.run("activity", "--before", older).assert_well()
    for words in ("ana", "account.pause", KA, "reason: moves", "until: 2199-01-01 00:00:00 +08:00"):
        assert words in rest.out
    rows = terminal.run("activity", "--account", KA, "--since", "2020-01-01", "--json").assert_well().json
    assert [(row["actor"], row["action"]) for row in rows] == [("Ben", "account.resume"), ("ana", "account.pause")]
    assert terminal.run("activity", "--since", "2199-01-01", "--json").assert_well().json == []
    assert [row["actor"] for row in terminal.run("activity", "--actor", "Ben", "--json").json] == ["Ben"]
    numbers = list(range(1, 101))
    tables.execute(
        "INSERT INTO sync.activity (actor, origin, action, details) VALUES ('ana', 'console', 'moon.land', %s)",
        json.dumps({"count": 4000, "ids": numbers, "odd": None, "from": "not a time", "nested": {"a": [1]}}),
    )
    many = terminal.run("activity", "--limit", "1").assert_well()
    assert "moon.land" in many.out
    assert "ids: 1 2 3 4 5 and 95 more" in " ".join(many.out.split())
    terminal.run("activity", "--since", "whenever").assert_complains("--since", code=2)
    assert [row["actor"] for row in terminal.run("activity", "--since", "1d", "--actor", "Ben", "--json").json] == [
        "Ben"
    ]


def test_a_narrow_screen_says_who_and_what_was_acted_on(terminal: Terminal, tables: Tables) -> None:
    tables.execute(
        "INSERT INTO sync.activity (actor, origin, action, account, subject, details) VALUES "
        "('ana', 'cli', 'person.add', NULL, 'lena', '{\"may_act\": false, \"may_see_persons\": false}'), "
        "('ana', 'cli', 'backfill.cancel', 'sandbox-1688', 'request 7', '{}')"
    )
    said = terminal.on_screen(80, "activity").assert_well().out
    words = " ".join(said.split())
    assert all(each in words for each in ("lena, may act: no", "request 7", "sandbox-1688"))
    assert len(said.splitlines()) <= 7, said  # a table, not one record below the other


def test_failed_windows_that_a_sync_reads_at_once_are_recorded(terminal: Terminal, tables: Tables) -> None:
    terminal.run("sync", "--retry", "--account", KA)
    assert recorded(tables) == [("windows.retry", KA, None, "ana", "cli")]
    terminal.run("sync", "--retry", "--account", KA).assert_well()  # none is failed any more
    assert len(recorded(tables)) == 1


def test_without_a_name_in_the_environment_it_is_the_user_of_the_shell(terminal: Terminal, tables: Tables) -> None:
    for variables, name in (
        ({"ORDERS_SYNC_USER": "", "SUDO_USER": "carla"}, "carla"),
        ({"ORDERS_SYNC_USER": "", "SUDO_USER": "", "LOGNAME": "dan"}, "dan"),
    ):
        terminal.run("accounts", "pause", KA, **variables).assert_well()
        assert tables.query("SELECT actor FROM sync.activity ORDER BY id DESC LIMIT 1") == [(name,)]


def test_a_database_is_dumped_before_its_tables_have_a_place_for_it(
    terminal: Terminal, url: str, tmp_path: Path
) -> None:
    terminal.variables["DATABASE_URL"] = url
    tables = Tables(url)
    tables.execute("DROP TABLE sync.activity")
    tables.execute("UPDATE sync.alembic_version SET version_num = '0037'")
    said = terminal.run("db", "dump", str(tmp_path / "old.dump"), "--json").assert_well()
    assert json.loads(said.out)["bytes"] > 0
