"""Bringing a database to our tables: from nothing, again, at once from many, and never over somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import DatabaseError
from orders_sync.domain.reject_reasons import classify
from orders_sync.platforms import PLATFORMS
from orders_sync.store import identities, locks, migrate, order_numbers, order_statuses, schema
from orders_sync.store.flat_orders import fingerprint
from orders_sync.store.session_settings import OLDEST
from orders_sync.store.tables import metadata
from orders_sync.store.tables.columns import PLATFORM
from tests.support.databases import Tables
from tests.support.migrations import alembic
from tests.support.servers import installed, system_server

ROOT = Path(migrate.__file__).resolve().parents[2]
REVISIONS = [
    step.revision for step in reversed(list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions("base", "heads")))
]
MIGRATE = "import sys; from orders_sync.store.migrate import migrate; print(migrate(sys.argv[1]))"

REASONS = [
    "id: missing or empty",
    "id: a number with a fraction, which may be damaged",
    "id: longer than 255 characters",
    "read as order 7, known as order 8",
    "Expected `object`, got `str`",
    "nested too deep",
    "not UTF-8: invalid start byte",
    "another order has the id 7: shop read it from h",
    "refused by the database: value too long",
    "colour: is no colour",
]
EVERYTHING = """
    SELECT n.nspname, c.relkind::text, c.relname, c.oid, c.relfilenode
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION SELECT nspname, 'schema', '', oid, 0 FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1, 2, 3
"""


def ask(url: str, query: str, *values: object) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []


def names(url: str) -> list[Any]:
    return ask(
        url, "SELECT platform, status, name_zh, name_en, status_group, is_final FROM order_statuses ORDER BY 1, 2"
    )


DOCUMENTED = sorted(
    (platform.name, each.status, each.name_zh, each.name_en, str(each.group), each.is_final)
    for platform in PLATFORMS.values()
    for each in platform.statuses
)


def test_an_empty_database_gets_every_table_and_a_second_time_nothing(empty_url: str) -> None:
    assert migrate.migrate(empty_url) == REVISIONS
    made = ask(empty_url, EVERYTHING)
    assert migrate.migrate(empty_url) == []
    assert ask(empty_url, EVERYTHING) == made
    found = ask(
        empty_url,
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('public', 'sync')",
    )
    ours = {(table.schema or "public", table.name) for table in metadata.tables.values()}
    assert ours | {("sync", "alembic_version")} == set(found) - {each for each in found if each[0].startswith("pg_")}


def test_the_version_the_code_works_on_is_the_newest_migration(url: str) -> None:
    assert ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_heads() == [schema.HEAD]
    assert REVISIONS[-1] == schema.HEAD
    with psycopg.connect(url) as connection:
        assert schema.is_current(connection)


def test_a_database_without_our_tables_or_with_others_is_not_current(url: str, empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        assert not schema.is_current(connection)
    ask(url, "UPDATE sync.alembic_version SET version_num = '9999'")
    with psycopg.connect(url) as connection:
        assert not schema.is_current(connection)


def test_many_processes_migrate_at_once_and_one_of_them_does_it(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])
        commands = [
            subprocess.Popen(
                [sys.executable, "-c", MIGRATE, empty_url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for _ in range(2)
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while gate.execute(waiting).fetchone() != (2,) and all(each.poll() is None for each in commands):
            pass
    said = sorted(b"".join(each.communicate()).decode().strip() for each in commands)
    assert said == sorted(["[]", str(REVISIONS)])


def test_every_table_and_column_of_ours_is_explained_in_the_database(url: str) -> None:
    tables = ask(
        url,
        """
        SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'sync') AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname <> 'alembic_version'
          AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''
        """,
    )
    columns = ask(
        url,
        """
        SELECT table_schema, table_name, column_name FROM information_schema.columns
        WHERE table_schema IN ('public', 'sync') AND table_name <> 'alembic_version'
          AND coalesce(col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position), '') = ''
        """,
    )
    assert tables == columns == []


def test_statuses_have_both_names_and_are_those_of_the_code(url: str) -> None:
    assert names(url) == DOCUMENTED


def test_a_status_that_says_something_else_is_put_right_and_the_others_are_not_written(url: str) -> None:
    ask(url, "UPDATE order_statuses SET name_zh = '?', status_group = 'other' WHERE status = 'success'")
    ask(url, "DELETE FROM order_statuses WHERE status = 'cancel'")
    ask(url, "INSERT INTO order_statuses VALUES ('1688', 'their own', '自己的', 'own', 'other', false)")
    versions = "SELECT platform, status, xmin::text FROM order_statuses"
    before = ask(url, versions)
    with psycopg.connect(url) as connection:
        order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
    written = {each[:2] for each in set(ask(url, versions)) - set(before)}
    assert written == {("1688", "success"), ("1688", "cancel")}
    assert [each for each in names(url) if each[1] != "their own"] == DOCUMENTED
    assert len(names(url)) == len(DOCUMENTED) + 1


def test_check_finds_nothing_in_a_migrated_database_and_writes_nothing(url: str) -> None:
    ask(url, "UPDATE order_statuses SET name_en = 'changed by hand'")
    before = ask(url, EVERYTHING)
    migrate.check(url)
    assert ask(url, EVERYTHING) == before
    assert {each[3] for each in names(url)} == {"changed by hand"}


@pytest.mark.parametrize(
    "difference",
    [
        "ALTER TABLE orders ADD COLUMN ours text",
        "ALTER TABLE orders DROP COLUMN closed_by",
        "ALTER TABLE sync.windows ALTER COLUMN total TYPE bigint",
        "ALTER TABLE orders ALTER COLUMN status DROP NOT NULL",
        "ALTER TABLE orders ALTER COLUMN synced_at DROP DEFAULT",
        "DROP INDEX ix_orders_order_no",
        "DROP TABLE order_parcels CASCADE",
        "DROP VIEW bi.sync_health",
        "COMMENT ON COLUMN orders.status IS 'something else'",
    ],
)
def test_check_finds_what_was_changed_by_hand(url: str, difference: str) -> None:
    ask(url, difference)
    with pytest.raises(DatabaseError):
        migrate.check(url)


def test_check_of_a_database_without_our_tables_says_so_and_writes_nothing(empty_url: str) -> None:
    before = ask(empty_url, EVERYTHING)
    with pytest.raises(DatabaseError, match="holds no tables of orders-sync yet"):
        migrate.check(empty_url)
    assert ask(empty_url, EVERYTHING) == before


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        pytest.param("CREATE TABLE orders (id int)", "orders", id="a table"),
        pytest.param("CREATE VIEW sub_orders AS SELECT 1 AS id", "sub_orders", id="a view"),
        pytest.param("CREATE MATERIALIZED VIEW orders AS SELECT 1 AS id", "orders", id="a materialized view"),
        pytest.param("CREATE TABLE order_statuses (id int)", "order_statuses", id="a table filled by us"),
        pytest.param("CREATE SCHEMA sync; CREATE TABLE sync.windows (id int)", "sync.windows", id="a table in sync"),
        pytest.param("CREATE TYPE orders AS (id int)", "orders", id="a type"),
    ],
)
def test_somebody_elses_under_our_name_is_refused_and_nothing_is_changed(
    empty_url: str, theirs: str, name: str
) -> None:
    ask(empty_url, theirs)
    before = ask(empty_url, EVERYTHING)
    with pytest.raises(DatabaseError, match=name):
        migrate.migrate(empty_url)
    assert ask(empty_url, EVERYTHING) == before


def test_others_live_in_the_same_database_undisturbed(empty_url: str) -> None:
    ask(empty_url, "CREATE TABLE theirs (id int); CREATE SCHEMA bi; CREATE TABLE bi.orders (id int)")
    assert migrate.migrate(empty_url) == REVISIONS
    migrate.check(empty_url)


def test_a_schema_made_for_us_is_taken(empty_url: str) -> None:
    ask(empty_url, "CREATE SCHEMA sync")
    assert migrate.migrate(empty_url) == REVISIONS


def test_a_database_from_a_newer_version_is_left_alone(url: str) -> None:
    ask(url, "UPDATE sync.alembic_version SET version_num = '9999'")
    ask(url, "UPDATE order_statuses SET name_en = 'newer'")
    before = ask(url, EVERYTHING)
    with pytest.raises(DatabaseError, match="newer version of orders-sync"):
        migrate.migrate(url)
    assert ask(url, EVERYTHING) == before
    assert {each[3] for each in names(url)} == {"newer"}


def test_a_database_that_is_not_there_is_said_in_plain_words_without_the_password_P8(server: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        migrate.migrate("postgresql://nobody:very-secret@127.0.0.1:1/none")
    assert "very-secret" not in str(caught.value)
    assert "none on 127.0.0.1:1" in str(caught.value)


def test_the_alembic_command_migrates_the_database_of_the_environment(empty_url: str) -> None:
    for words in (["upgrade", "head"], ["check"]):
        subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": empty_url},
            check=True,
            capture_output=True,
        )
    assert migrate.migrate(empty_url) == []
    assert names(empty_url) == DOCUMENTED


def test_rejects_and_messages_of_before_0005_are_known_when_they_come_again_P3(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0004")
    ask(
        empty_url,
        "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at) "
        "SELECT 'kingdo', '1688', each, '\\x07' || each, 'broken', now() FROM unnest(%s::bytea[]) AS each",
        [b"", b"\xff\x00{"],
    )
    ask(empty_url, "INSERT INTO sync.messages (account, digest, body) VALUES ('ka', '\\x07', %s)", b"a message")
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0005") :]
    for payload, payload_hash in ask(empty_url, "SELECT payload, payload_hash FROM sync.rejects"):
        assert payload_hash == fingerprint(payload)
    assert ask(empty_url, "SELECT digest FROM sync.messages") == [(fingerprint(b"a message"),)]


def test_backfills_of_before_0006_are_mended_and_what_nobody_can_read_says_so(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0005")
    ask(
        empty_url,
        """
        INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state) VALUES
            ('a', 'created', '2026-10-01 00:00:00.7Z', '2026-10-01 00:00:01.1Z', 'requested'),
            ('a', 'created', '2026-10-01 00:00:00Z', '2026-10-02 00:00:00Z', 'planned'),
            ('a', 'created', '-infinity', 'infinity', 'requested'),
            ('a', 'created', '0001-01-01', '0002-01-01', 'requested'),
            ('a', 'created', '2199-12-31', '9999-12-31', 'cancelled')
        """,
    )
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0006") :]
    rows = ask(
        empty_url,
        "SELECT state, starts_at::text, ends_at::text, error FROM sync.backfills ORDER BY id",
    )
    with psycopg.connect(empty_url) as connection:
        utc = "SELECT to_char(starts_at AT TIME ZONE 'UTC', 'SS.US'), to_char(ends_at AT TIME ZONE 'UTC', 'SS.US') "
        assert connection.execute(f"{utc} FROM sync.backfills WHERE id = 1".encode()).fetchone() == (
            "00.000000",
            "02.000000",
        )
    assert [row[0] for row in rows] == ["requested", "planned", "failed", "failed", "cancelled"]
    assert [row[3] is None for row in rows] == [True, True, False, False, False]
    assert "-infinity .. infinity" in rows[2][3]
    alembic(empty_url, "downgrade", "0005")
    alembic(empty_url, "upgrade", "head")


def test_orders_of_before_0008_say_that_a_newer_version_could_not_be_read(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0007")
    ask(
        empty_url,
        """
        INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count)
        SELECT '1688', 'shop', id, 'paid', 'other', 'CNY', 1 FROM unnest('{newer,same,older,settled}'::text[]) AS id;
        INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at)
        SELECT '1688', 'shop', id, 'stored', '', '2026-11-01' FROM unnest('{newer,same,older,settled}'::text[]) AS id;
        INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at, resolved_at)
        VALUES ('shop', '1688', 'newer', '', '1', 'broken', '2026-11-02', NULL),
            ('shop', '1688', 'same', '', 'stored', 'broken', '2026-11-02', NULL),
            ('shop', '1688', 'older', '', '2', 'broken', '2026-10-01', NULL),
            ('shop', '1688', 'settled', '', '3', 'broken', '2026-11-02', now()),
            ('shop', '1688', 'never landed', '', '4', 'broken', '2026-11-02', NULL)
        """,
    )
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0008") :]
    assert ask(empty_url, "SELECT order_id FROM orders WHERE unread_version_since IS NOT NULL") == [("newer",)]
    alembic(empty_url, "downgrade", "0007")
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0008") :]


def test_prices_of_before_0009_stay_and_views_on_them_are_as_they_were(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0008")
    ask(
        empty_url,
        "INSERT INTO product_items (platform, order_id, sub_order_id, item_no, unit_price, currency) "
        "VALUES ('1688', '1', '2', 1, 12.50, 'CNY')",
    )
    made = """
        CREATE VIEW prices WITH (security_barrier=true) AS SELECT order_id, unit_price FROM product_items;
        CREATE VIEW dearest AS SELECT max(unit_price) AS price FROM prices WHERE order_id LIKE '1%';
        COMMENT ON VIEW prices IS 'what it''s worth';
        GRANT SELECT ON prices TO PUBLIC
    """
    with psycopg.connect(empty_url) as connection:
        connection.execute(made.encode())
    views = """
        SELECT relname::text, relacl::text, reloptions::text, obj_description(oid), pg_get_viewdef(oid)
        FROM pg_class WHERE relkind = 'v' AND relname IN ('prices', 'dearest') ORDER BY 1
    """
    before = ask(empty_url, views)
    migrate.migrate(empty_url)
    assert ask(empty_url, views) == before
    ask(empty_url, "UPDATE product_items SET unit_price = unit_price + 0.035")
    assert ask(empty_url, "SELECT price FROM dearest") == [(Decimal("12.535"),)]
    migrate.check(empty_url)
    alembic(empty_url, "downgrade", "0008")
    assert ask(empty_url, "SELECT price FROM dearest") == [(Decimal("12.54"),)]


def test_a_materialized_view_on_prices_stops_the_upgrade_and_is_named(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0008")
    ask(empty_url, "CREATE MATERIALIZED VIEW kept AS SELECT unit_price FROM product_items")
    with pytest.raises(DatabaseError, match=r"public\.kept .* drop it"):
        migrate.migrate(empty_url)
    ask(empty_url, "DROP MATERIALIZED VIEW kept")
    migrate.migrate(empty_url)


def test_windows_of_before_0011_keep_what_they_were_and_may_lie_beyond_the_reach(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0010")
    ask(
        empty_url,
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) SELECT 'kingdo', 'incremental', "
        "'updated', now() - interval '1 day', now(), each FROM unnest(%s::text[]) AS each",
        ["planned", "done", "failed", "split"],
    )
    migrate.migrate(empty_url)
    states = "SELECT state, not_before FROM sync.windows ORDER BY id"
    assert ask(empty_url, states) == [(state, None) for state in ("planned", "done", "failed", "split")]
    ask(empty_url, "UPDATE sync.windows SET state = 'beyond' WHERE state = 'failed'")
    alembic(empty_url, "downgrade", "0010")
    assert ("failed",) in ask(empty_url, "SELECT state FROM sync.windows")


def test_windows_of_before_0012_stay_and_the_one_claimed_last_is_found_by_an_index(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0011")
    insert = (
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, fence) "
        "SELECT 'kingdo', 'hook', 'created', now() - interval '1 day', now(), each FROM generate_series(0, 3) AS each"
    )
    ask(empty_url, insert)
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT max(fence) FROM sync.windows WHERE account = 'kingdo' AND fence > 0") == [(3,)]
    assert ask(empty_url, "SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_windows_claimed'") == [(1,)]
    alembic(empty_url, "downgrade", "0011")
    assert ask(empty_url, "SELECT count(*) FROM sync.windows") == [(4,)]


def test_windows_of_before_0013_are_read_for_no_order_and_repeat_nothing(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0012")
    insert = (
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) "
        "SELECT 'kingdo', 'hook', 'created', now() - interval '1 day', now(), each FROM unnest(%s::text[]) AS each"
    )
    ask(empty_url, insert, ["planned", "done"])
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT state, orders, repeats FROM sync.windows ORDER BY id") == [
        ("planned", None, 0),
        ("done", None, 0),
    ]
    alembic(empty_url, "downgrade", "0012")
    assert ask(empty_url, "SELECT count(*) FROM sync.windows") == [(2,)]


def test_differences_of_before_0014_are_by_creation_time_and_stay_when_it_is_taken_back(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0013")
    insert = """
        INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, repaired_at)
        SELECT 1, day, day + interval '1 day', 2, 1, NULL
        FROM unnest('{2026-11-01Z,2026-11-02Z}'::timestamptz[]) AS day
    """
    ask(empty_url, insert)
    migrate.migrate(empty_url)
    feeds = "SELECT feed, count(*) FROM sync.audit_differences GROUP BY feed ORDER BY feed"
    assert ask(empty_url, feeds) == [("created", 2)]
    ask(
        empty_url,
        "INSERT INTO sync.audit_differences SELECT audit_id, starts_at, ends_at, 2, 1, NULL, 'updated' "
        "FROM sync.audit_differences",
    )
    assert ask(empty_url, feeds) == [("created", 2), ("updated", 2)]
    alembic(empty_url, "downgrade", "0013")
    assert ask(empty_url, "SELECT count(*) FROM sync.audit_differences") == [(2,)]
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0014") :]


def test_accounts_of_before_0018_stay_and_are_not_called_empty(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0017")
    account = "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('kingdo', '1688', 'kingdo', 'updated')"
    ask(empty_url, account)
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT name, empty_since, empty_read_at FROM sync.accounts") == [("kingdo", None, None)]
    alembic(empty_url, "downgrade", "0017")
    assert ask(empty_url, "SELECT name FROM sync.accounts") == [("kingdo",)]


def test_a_ledger_of_before_0020_stays_and_no_process_is_known_yet(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0019")
    ask(empty_url, "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('kingdo', '1688', 'x', 'updated')")
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT count(*) FROM sync.processes") == [(0,)]
    alembic(empty_url, "downgrade", "0019")
    assert ask(empty_url, "SELECT name FROM sync.accounts") == [("kingdo",)]


def test_orders_of_before_0022_are_found_by_an_index_of_every_number(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0021")
    ask(
        empty_url,
        "INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, payment_no) "
        "VALUES ('1688', '7', 'kingdo', 's', 'other', 'CNY', 0, 'pay7'), "
        "('1688', '8', 'kingdo', 's', 'other', 'CNY', 0, NULL)",
    )
    migrate.migrate(empty_url)
    indexed = ask(empty_url, "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'ix_%_payment_no'")
    assert indexed == [(2,)]
    with psycopg.connect(empty_url) as connection:
        assert [match.order_id for match in order_numbers.find(connection, ["pay7"])] == ["7"]
    alembic(empty_url, "downgrade", "0021")
    assert ask(empty_url, "SELECT order_id FROM orders ORDER BY 1") == [("7",), ("8",)]


def test_indexes_that_no_query_needs_go_in_0045_and_orders_stay(empty_url: str) -> None:
    gone = ["ix_orders_status_created_at", "ix_sub_orders_refund_status", "ix_sub_orders_status"]
    query = "SELECT indexname FROM pg_indexes WHERE indexname = ANY(%s) ORDER BY 1"
    alembic(empty_url, "upgrade", "0044")
    ask(
        empty_url,
        "INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count) "
        "VALUES ('1688', '7', 'kingdo', 's', 'other', 'CNY', 1)",
    )
    assert ask(empty_url, query, gone) == [(name,) for name in gone]
    migrate.migrate(empty_url)
    assert ask(empty_url, query, gone) == []
    assert ask(empty_url, "SELECT order_id FROM orders WHERE status = 's'") == [("7",)]
    alembic(empty_url, "downgrade", "0044")
    assert ask(empty_url, query, gone) == [(name,) for name in gone]


def test_rejects_of_before_0024_have_a_kind_of_reason_and_are_open(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0023")
    ask(
        empty_url,
        "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at) SELECT 'shop', '1688', "
        "'', reason::bytea, reason, now() FROM unnest(%s::text[]) AS reason",
        REASONS,
    )
    role = f"reader_{os.getpid()}"
    ask(empty_url, f"CREATE ROLE {role}")
    ask(empty_url, f"GRANT SELECT (id, resolved_at) ON sync.rejects TO {role}")
    migrate.migrate(empty_url)
    may = "SELECT has_column_privilege(%s, 'sync.rejects', 'ignored_at', 'SELECT')"
    assert ask(empty_url, may, role) == [(True,)]
    ask(empty_url, f"DROP OWNED BY {role}")
    ask(empty_url, f"DROP ROLE {role}")
    found = ask(empty_url, "SELECT reason, reason_key FROM sync.rejects WHERE ignored_at IS NULL ORDER BY id")
    assert found == [(reason, classify(reason)) for reason in REASONS]
    alembic(empty_url, "downgrade", "0023")
    assert ask(empty_url, "SELECT count(*) FROM sync.rejects") == [(len(REASONS),)]


def test_differences_of_before_0025_are_settled_by_the_audits_that_compared_them_again(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0024")
    ask(
        empty_url,
        "INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at) SELECT account, "
        "'2026-01-01Z', '2026-02-01Z', began, CASE WHEN ended THEN began + interval '1 minute' END "
        "FROM (VALUES ('shop', '2026-03-01Z'::timestamptz, true), ('shop', '2026-03-02Z', true), "
        "('shop', '2026-03-03Z', false), ('other', '2026-03-09Z', true)) AS v (account, began, ended)",
    )
    ask(
        empty_url,
        "INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders) "
        "SELECT id, starts_at, starts_at + interval '1 day', 2, 1 FROM sync.audits WHERE finished_at IS NOT NULL",
    )
    migrate.migrate(empty_url)
    found = "SELECT audit_id, settled_by FROM sync.audit_differences ORDER BY 1"
    assert ask(empty_url, found) == [(1, 2), (2, None), (4, None)]
    assert ask(empty_url, "SELECT audit_id FROM sync.audit_differences WHERE repaired_at IS NOT NULL") == [(1,)]
    alembic(empty_url, "downgrade", "0024")
    assert ask(empty_url, "SELECT count(*) FROM sync.audit_differences") == [(3,)]


def test_columns_of_before_0019_say_that_a_platform_may_be_of_any_package(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0018")
    tables = Tables(empty_url)
    tables.execute("INSERT INTO order_statuses VALUES ('1688', 'x', 'x', 'x', 'other', false)")
    said = (
        "SELECT DISTINCT col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
        "WHERE attname = 'platform' AND relkind IN ('r', 'p')"
    )
    before = tables.query(said)
    alembic(empty_url, "upgrade", "0019")
    assert tables.query(said) == [(PLATFORM,)]
    assert tables.query("SELECT count(*) FROM order_statuses WHERE status = 'x'") == [(1,)]
    alembic(empty_url, "downgrade", "0018")
    assert tables.query(said) == before


def test_windows_of_before_0015_stay_and_nothing_is_said_of_their_parts(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0014")
    insert = (
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, total) "
        "VALUES ('kingdo', 'incremental', 'updated', now() - interval '1 day', now(), 'split', 8006)"
    )
    ask(empty_url, insert)
    migrate.migrate(empty_url)
    query = "SELECT state, total, part_rows, parts_again_at FROM sync.windows"
    assert ask(empty_url, query) == [("split", 8006, None, None)]
    alembic(empty_url, "downgrade", "0014")
    assert ask(empty_url, "SELECT state, total FROM sync.windows") == [("split", 8006)]


def test_no_order_of_before_0016_is_missing(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0015")
    ask(empty_url, "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('kingdo', '1688', 'x', 'updated')")
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT count(*) FROM sync.missing_orders") == [(0,)]
    alembic(empty_url, "downgrade", "0015")
    assert ask(empty_url, "SELECT name FROM sync.accounts") == [("kingdo",)]


def test_no_window_of_before_0017_brought_anything_late(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0016")
    insert = (
        "INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state) "
        "VALUES ('kingdo', 'confirm', 'updated', now() - interval '1 day', now(), 'done')"
    )
    ask(empty_url, insert)
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT state, late_by FROM sync.windows") == [("done", None)]
    alembic(empty_url, "downgrade", "0016")
    assert ask(empty_url, "SELECT state FROM sync.windows") == [("done",)]


@pytest.mark.db
@pytest.mark.parametrize("major", sorted(installed()) or [pytest.param("", marks=pytest.mark.skip("none installed"))])
def test_every_postgres_of_the_system_takes_the_tables_or_is_said_to_be_too_old(
    major: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with system_server(installed()[major], tmp_path_factory.mktemp(f"postgres-{major}")) as url:
        assert ask(url, "SHOW server_version")[0][0].startswith(major)
        if int(major) < OLDEST:
            with pytest.raises(DatabaseError, match="too old"):
                migrate.migrate(url)
            return
        assert migrate.migrate(url) == REVISIONS
        assert migrate.migrate(url) == []
        migrate.check(url)


def test_accounts_of_before_0007_keep_their_proof_and_get_their_host_from_the_settings(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0006")
    ask(
        empty_url,
        "INSERT INTO sync.accounts (name, platform, seller, feed, watermark) VALUES"
        " ('a', '1688', 's', 'updated', '2026-01-01'), ('b', '1688', 's', 'updated', '2026-01-02')",
    )
    ask(
        empty_url,
        "INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at)"
        " VALUES ('1688', 'b', '1', '', '', now())",
    )
    migrate.migrate(empty_url)
    settings = [
        Account("a", "1688", "https://one.example", "s", "app", "secret"),
        Account("b", "1688", "https://two.example", "s", "app", "secret"),
    ]
    with psycopg.connect(empty_url, autocommit=True) as session:
        assert identities.register(session, settings) == []
    found = ask(empty_url, "SELECT name, host, watermark::date::text FROM sync.accounts ORDER BY name")
    assert found == [("a", "one.example", "2026-01-01"), ("b", "two.example", "2026-01-02")]
    assert ask(empty_url, "SELECT account FROM raw_orders") == [("b",)]


@pytest.mark.parametrize("most", ["1688", "xportcn_ka"])
def test_orders_of_before_0021_are_sales_or_purchases_and_those_of_the_usual_direction_are_not_written(
    empty_url: str, most: str
) -> None:
    alembic(empty_url, "upgrade", "0020")
    fewest = {"1688": "xportcn_ka", "xportcn_ka": "1688"}[most]
    for number, platform in enumerate([most, most, fewest, "not installed"]):
        ask(
            empty_url,
            "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count)"
            " VALUES (%s, 'shop', %s, 'paid', 'other', 'CNY', 0)",
            platform,
            str(number),
        )
        ask(
            empty_url,
            "INSERT INTO order_history (platform, order_id, read_at) VALUES (%s, %s, now())",
            platform,
            str(number),
        )
    versions = "SELECT platform, xmin::text, ctid::text FROM orders"
    before = ask(empty_url, versions)
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0021") :]
    directions = {"1688": "sale", "xportcn_ka": "purchase", "not installed": None}
    for table in ("orders", "order_history"):
        found = ask(empty_url, f"SELECT platform, direction FROM {table}")
        assert len(found) == 4
        assert set(found) == set(directions.items())
    assert {each[0] for each in set(ask(empty_url, versions)) - set(before)} == {fewest, "not installed"}
    migrate.check(empty_url)


def test_orders_of_before_0026_are_read_by_whoever_follows_changes_from_the_beginning(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0025")
    order = (
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count) "
        "SELECT '1688', 'shop', each, 'x', 'other', 'CNY', 0 FROM unnest(%s::text[]) AS each"
    )
    ask(empty_url, order, ["a", "b"])
    migrate.migrate(empty_url)
    ask(empty_url, order, ["c"])
    feed = "SELECT order_id, kind FROM bi.changes_since(NULL)"
    assert ask(empty_url, feed) == [("a", "changed"), ("b", "changed"), ("c", "changed")]
    alembic(empty_url, "downgrade", "0025")
    assert ask(empty_url, "SELECT count(*) FROM orders") == [(3,)]
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0026") :]


def test_a_ledger_of_before_0038_stays_and_nobody_has_done_anything_yet(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0037")
    ask(empty_url, "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('kingdo', '1688', 'x', 'updated')")
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT count(*) FROM sync.activity") == [(0,)]
    alembic(empty_url, "downgrade", "0037")
    assert ask(empty_url, "SELECT name FROM sync.accounts") == [("kingdo",)]


def test_rejects_of_before_0041_stay_and_are_listed_by_their_reason(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0040")
    ask(
        empty_url,
        "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, reason_key, read_at) "
        "VALUES ('kingdo', '1688', '', '', 'id: missing', 'no_order_id', now())",
    )
    migrate.migrate(empty_url)
    kept = "SELECT reason_key FROM sync.rejects WHERE resolved_at IS NULL AND reason_key = 'no_order_id'"
    assert ask(empty_url, kept) == [("no_order_id",)]
    alembic(empty_url, "downgrade", "0040")
    assert ask(empty_url, kept) == [("no_order_id",)]


def test_who_decided_before_0048_is_the_person_where_the_action_is_kept_else_the_role(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0047")
    ask(
        empty_url,
        """
        INSERT INTO sync.rejects (id, account, platform, payload, payload_hash, reason, read_at, ignored_at, ignored_by)
        OVERRIDING SYSTEM VALUE
        SELECT n, 'shop', '1688', '', decode(md5(n::text), 'hex'), 'x', now(), now(), 'service'
        FROM generate_series(1, 2) AS n;
        INSERT INTO sync.audits (id, account, starts_at, ends_at) OVERRIDING SYSTEM VALUE
        VALUES (7, 'shop', now(), now());
        INSERT INTO sync.audit_differences (
            audit_id, starts_at, ends_at, platform_orders, table_orders, acknowledged_at, acknowledged_by
        )
        VALUES (7, now(), now(), 2, 1, now(), 'service');
        INSERT INTO sync.activity (actor, origin, action, account, subject, details)
        VALUES ('ana', 'cli', 'rejects.ignore', 'shop', NULL, '{"count": 1, "ids": [2]}'),
            ('ana', 'cli', 'audit.acknowledge', 'shop', 'audit 7', '{}')
        """,
    )
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT ignored_by FROM sync.rejects ORDER BY id") == [("service",), ("ana",)]
    assert ask(empty_url, "SELECT acknowledged_by FROM sync.audit_differences") == [("ana",)]
    alembic(empty_url, "downgrade", "0047")
    assert ask(empty_url, "SELECT count(*) FROM sync.rejects") == [(2,)]


def test_reports_by_day_have_statistics_of_the_days(url: str) -> None:
    assert ask(url, "SELECT stxname FROM pg_statistic_ext") == [("orders_shop_days",)]


def test_backfills_cancelled_before_0053_do_not_know_their_parts(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0052")
    row = "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state) VALUES ('shop', 'created', %s, %s)"
    day = "timestamptz '2026-10-01', timestamptz '2026-10-02'"
    for state in ("cancelled", "planned"):
        ask(empty_url, row % (day, f"'{state}'"))
    ask(
        empty_url,
        "INSERT INTO sync.windows (account, feed, kind, starts_at, ends_at, state, backfill_id)"
        f" VALUES ('shop', 'created', 'backfill', {day}, 'planned', 2)",
    )
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0053") :]
    assert ask(empty_url, "SELECT sync.cancel_backfill(1), sync.cancel_backfill(2)") == [(0, 1)]
    assert ask(empty_url, "SELECT state, cancelled_windows FROM sync.backfills ORDER BY id") == [
        ("cancelled", 0),
        ("cancelled", 1),
    ]
    assert ask(empty_url, "SELECT count(*) FROM sync.windows") == [(0,)]
    migrate.check(empty_url)
    alembic(empty_url, "downgrade", "0052")
    assert ask(empty_url, "SELECT count(*) FROM sync.backfills") == [(2,)]


def test_rejects_of_before_0050_show_no_time(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0049")
    ask(
        empty_url,
        "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at) "
        "VALUES ('shop', '1688', '', '', 'id: missing', now())",
    )
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0050") :]
    assert ask(empty_url, "SELECT reason, listed_at FROM sync.rejects") == [("id: missing", None)]
    migrate.check(empty_url)
    alembic(empty_url, "downgrade", "0049")
    assert ask(empty_url, "SELECT reason FROM sync.rejects") == [("id: missing",)]


def test_audits_of_before_0049_do_not_know_their_rejects(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0048")
    ask(empty_url, "INSERT INTO sync.audits (account, starts_at, ends_at, awaited) VALUES ('shop', now(), now(), 3)")
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0049") :]
    assert ask(empty_url, "SELECT awaited, rejects FROM sync.audits") == [(3, None)]
    migrate.check(empty_url)
    alembic(empty_url, "downgrade", "0048")
    assert ask(empty_url, "SELECT awaited FROM sync.audits") == [(3,)]


def test_processes_and_audits_of_before_0039_report_nothing_new(empty_url: str) -> None:
    alembic(empty_url, "upgrade", "0038")
    ask(
        empty_url,
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)"
        " VALUES ('a:1:b', ARRAY['worker'], '0', '0038', 'a', 1, now())",
    )
    ask(empty_url, "INSERT INTO sync.audits (account, starts_at, ends_at) VALUES ('shop', now(), now())")
    assert migrate.migrate(empty_url) == REVISIONS[REVISIONS.index("0039") :]
    assert ask(empty_url, "SELECT accounts, failing FROM sync.processes") == [([], {})]
    assert ask(empty_url, "SELECT awaited FROM sync.audits") == [(None,)]
    migrate.check(empty_url)
    alembic(empty_url, "downgrade", "0038")
    assert ask(empty_url, "SELECT count(*) FROM sync.processes") == [(1,)]
