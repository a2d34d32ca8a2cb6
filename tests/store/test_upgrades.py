"""Upgrades from former revisions keep the rows that are there: by one revision, and through all of them and back."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

import psycopg
import pytest

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import DatabaseError
from orders_sync.domain.reject_reasons import classify
from orders_sync.store import identities, migrate, order_numbers
from orders_sync.store.flat_orders import fingerprint
from orders_sync.store.tables.columns import PLATFORM
from tests.support.databases import Tables
from tests.support.migrations import REVISIONS, alembic, former_databases

OLDEST = "0004"  # with rows
ADDED_LATER = ("sync.processes", "sync.activity")
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
Former = Callable[[str], AbstractContextManager[Tables]]
ROWS: list[tuple[str, str]] = []  # revision and statements of each `before`


def before(revision: str, *statements: str) -> pytest.MarkDecorator:
    """Let the test's fixture `tables` be of this revision and hold the rows of these statements."""
    ROWS.extend((revision, each) for each in statements)
    return pytest.mark.parametrize("tables", [(revision, *statements)], indirect=True, ids=[revision])


@pytest.fixture(scope="module")
def former(server: str) -> Iterator[Former]:
    with former_databases(server) as made:
        yield made


@pytest.fixture
def tables(former: Former, request: pytest.FixtureRequest) -> Iterator[Tables]:
    revision, *statements = request.param
    with former(revision) as made:
        for statement in statements:
            made.execute(statement)
        yield made


def upgrade(tables: Tables, revision: str) -> None:
    alembic(tables.url, "upgrade", revision)


def downgrade(tables: Tables, revision: str) -> None:
    alembic(tables.url, "downgrade", revision)


@before(
    "0004",
    """
    INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at)
    SELECT 'kingdo', '1688', each, '\\x07' || each, 'broken', now() FROM unnest('{"","\\\\xff007b"}'::bytea[]) AS each
    """,
    "INSERT INTO sync.messages (account, digest, body) VALUES ('ka', '\\x07', 'a message')",
)
def test_rejects_and_messages_of_before_0005_are_known_when_they_come_again_P3(tables: Tables) -> None:
    upgrade(tables, "0005")
    found = tables.query("SELECT payload, payload_hash FROM sync.rejects ORDER BY payload")
    assert found == [(payload, fingerprint(payload)) for payload in (b"", b"\xff\x00{")]
    assert tables.query("SELECT digest FROM sync.messages") == [(fingerprint(b"a message"),)]


@before(
    "0005",
    """
    INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state) VALUES
        ('a', 'created', '2026-10-01 00:00:00.7Z', '2026-10-01 00:00:01.1Z', 'requested'),
        ('a', 'created', '2026-10-01 00:00:00Z', '2026-10-02 00:00:00Z', 'planned'),
        ('a', 'created', '-infinity', 'infinity', 'requested'),
        ('a', 'created', '0001-01-01', '0002-01-01', 'requested'),
        ('a', 'created', '2199-12-31', '9999-12-31', 'cancelled')
    """,
)
def test_backfills_of_before_0006_are_mended_and_what_nobody_can_read_says_so(tables: Tables) -> None:
    upgrade(tables, "0006")
    rows = tables.query("SELECT state, error FROM sync.backfills ORDER BY id")
    utc = "SELECT to_char(starts_at AT TIME ZONE 'UTC', 'SS.US'), to_char(ends_at AT TIME ZONE 'UTC', 'SS.US')"
    assert tables.query(f"{utc} FROM sync.backfills WHERE id = 1") == [("00.000000", "02.000000")]
    assert [row[0] for row in rows] == ["requested", "planned", "failed", "failed", "cancelled"]
    assert [row[1] is None for row in rows] == [True, True, False, False, False]
    assert "-infinity .. infinity" in rows[2][1]
    downgrade(tables, "0005")
    assert tables.query("SELECT count(*) FROM sync.backfills") == [(5,)]


@before(
    "0006",
    """
    INSERT INTO sync.accounts (name, platform, seller, feed, watermark)
    VALUES ('a', '1688', 's', 'updated', '2026-01-01'), ('b', '1688', 's', 'updated', '2026-01-02')
    """,
    """
    INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at)
    VALUES ('1688', 'b', '1', '', '', now())
    """,
)
def test_accounts_of_before_0007_keep_their_proof_and_get_their_host_from_the_settings(tables: Tables) -> None:
    migrate.migrate(tables.url)
    settings = [
        Account("a", "1688", "https://one.example", "s", "app", "secret"),
        Account("b", "1688", "https://two.example", "s", "app", "secret"),
    ]
    with psycopg.connect(tables.url, autocommit=True) as session:
        assert identities.register(session, settings) == []
    found = tables.query("SELECT name, host, watermark::date::text FROM sync.accounts ORDER BY name")
    assert found == [("a", "one.example", "2026-01-01"), ("b", "two.example", "2026-01-02")]
    assert tables.query("SELECT account FROM raw_orders") == [("b",)]


@before(
    "0007",
    """
    INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count)
    SELECT '1688', 'shop', id, 'paid', 'other', 'CNY', 1 FROM unnest('{newer,same,older,settled}'::text[]) AS id
    """,
    """
    INSERT INTO raw_orders (platform, account, order_id, payload_hash, rows_hash, read_at)
    SELECT '1688', 'shop', id, 'stored', '', '2026-11-01' FROM unnest('{newer,same,older,settled}'::text[]) AS id
    """,
    """
    INSERT INTO sync.rejects (account, platform, order_id, payload, payload_hash, reason, read_at, resolved_at)
    VALUES ('shop', '1688', 'newer', '1', '1', 'broken', '2026-11-02', NULL),
        ('shop', '1688', 'same', 'stored', 'stored', 'broken', '2026-11-02', NULL),
        ('shop', '1688', 'older', '2', '2', 'broken', '2026-10-01', NULL),
        ('shop', '1688', 'settled', '3', '3', 'broken', '2026-11-02', now()),
        ('shop', '1688', 'never landed', '4', '4', 'broken', '2026-11-02', NULL)
    """,
)
def test_orders_of_before_0008_say_that_a_newer_version_could_not_be_read(tables: Tables) -> None:
    upgrade(tables, "0008")
    assert tables.query("SELECT order_id FROM orders WHERE unread_version_since IS NOT NULL") == [("newer",)]
    downgrade(tables, "0007")
    assert tables.query("SELECT count(*) FROM orders") == [(4,)]


@before(
    "0008",
    """
    INSERT INTO product_items (platform, order_id, sub_order_id, item_no, unit_price, currency)
    VALUES ('1688', '1', '2', 1, 12.50, 'CNY')
    """,
)
def test_prices_of_before_0009_stay_and_views_on_them_are_as_they_were(tables: Tables) -> None:
    for made in (
        "CREATE VIEW prices WITH (security_barrier=true) AS SELECT order_id, unit_price FROM product_items",
        "CREATE VIEW dearest AS SELECT max(unit_price) AS price FROM prices WHERE order_id LIKE '1%'",
        "COMMENT ON VIEW prices IS 'what it''s worth'",
        "GRANT SELECT ON prices TO PUBLIC",
    ):
        tables.execute(made)
    views = """
        SELECT relname::text, relacl::text, reloptions::text, obj_description(oid), pg_get_viewdef(oid)
        FROM pg_class WHERE relkind = 'v' AND relname IN ('prices', 'dearest') ORDER BY 1
    """
    as_they_were = tables.query(views)
    migrate.migrate(tables.url)
    assert tables.query(views) == as_they_were
    tables.execute("UPDATE product_items SET unit_price = unit_price + 0.035")
    assert tables.query("SELECT price FROM dearest") == [(Decimal("12.535"),)]
    migrate.check(tables.url)
    downgrade(tables, "0008")
    assert tables.query("SELECT price FROM dearest") == [(Decimal("12.54"),)]


@before("0008")
def test_a_materialized_view_on_prices_stops_the_upgrade_and_is_named(tables: Tables) -> None:
    tables.execute("CREATE MATERIALIZED VIEW kept AS SELECT unit_price FROM product_items")
    with pytest.raises(DatabaseError, match=r"public\.kept .* drop it"):
        migrate.migrate(tables.url)
    tables.execute("DROP MATERIALIZED VIEW kept")
    upgrade(tables, "0009")


@before(
    "0010",
    """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state)
    SELECT 'kingdo', 'incremental', 'updated', now() - interval '1 day', now(), each
    FROM unnest('{planned,done,failed,split}'::text[]) AS each
    """,
)
def test_windows_of_before_0011_keep_what_they_were_and_may_lie_beyond_the_reach(tables: Tables) -> None:
    upgrade(tables, "0011")
    states = "SELECT state, not_before FROM sync.windows ORDER BY id"
    assert tables.query(states) == [(state, None) for state in ("planned", "done", "failed", "split")]
    tables.execute("UPDATE sync.windows SET state = 'beyond' WHERE state = 'failed'")
    downgrade(tables, "0010")
    assert ("failed",) in tables.query("SELECT state FROM sync.windows")


@before(
    "0011",
    """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, fence)
    SELECT 'kingdo', 'hook', 'created', now() - interval '1 day', now(), each FROM generate_series(0, 3) AS each
    """,
)
def test_windows_of_before_0012_stay_and_the_one_claimed_last_is_found_by_an_index(tables: Tables) -> None:
    upgrade(tables, "0012")
    assert tables.query("SELECT max(fence) FROM sync.windows WHERE account = 'kingdo' AND fence > 0") == [(3,)]
    assert tables.query("SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_windows_claimed'") == [(1,)]
    downgrade(tables, "0011")
    assert tables.query("SELECT count(*) FROM sync.windows") == [(4,)]


@before(
    "0012",
    """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state)
    SELECT 'kingdo', 'hook', 'created', now() - interval '1 day', now(), each
    FROM unnest('{planned,done}'::text[]) AS each
    """,
)
def test_windows_of_before_0013_are_read_for_no_order_and_repeat_nothing(tables: Tables) -> None:
    upgrade(tables, "0013")
    assert tables.query("SELECT state, orders, repeats FROM sync.windows ORDER BY id") == [
        ("planned", None, 0),
        ("done", None, 0),
    ]
    downgrade(tables, "0012")
    assert tables.query("SELECT count(*) FROM sync.windows") == [(2,)]


@before(
    "0013",
    """
    INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders, repaired_at)
    SELECT 1, day, day + interval '1 day', 2, 1, NULL
    FROM unnest('{2026-11-01Z,2026-11-02Z}'::timestamptz[]) AS day
    """,
)
def test_differences_of_before_0014_are_by_creation_time_and_stay_when_it_is_taken_back(tables: Tables) -> None:
    upgrade(tables, "0014")
    feeds = "SELECT feed, count(*) FROM sync.audit_differences GROUP BY feed ORDER BY feed"
    assert tables.query(feeds) == [("created", 2)]
    tables.execute(
        "INSERT INTO sync.audit_differences SELECT audit_id, starts_at, ends_at, 2, 1, NULL, 'updated' "
        "FROM sync.audit_differences"
    )
    assert tables.query(feeds) == [("created", 2), ("updated", 2)]
    downgrade(tables, "0013")
    assert tables.query("SELECT count(*) FROM sync.audit_differences") == [(2,)]
    upgrade(tables, "0014")
    assert tables.query(feeds) == [("created", 2)]


@before(
    "0014",
    """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state, total)
    VALUES ('kingdo', 'incremental', 'updated', now() - interval '1 day', now(), 'split', 8006)
    """,
)
def test_windows_of_before_0015_stay_and_nothing_is_said_of_their_parts(tables: Tables) -> None:
    upgrade(tables, "0015")
    query = "SELECT state, total, part_rows, parts_again_at FROM sync.windows"
    assert tables.query(query) == [("split", 8006, None, None)]
    downgrade(tables, "0014")
    assert tables.query("SELECT state, total FROM sync.windows") == [("split", 8006)]


@before("0015", "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('of 15', '1688', 'x', 'updated')")
def test_no_order_of_before_0016_is_missing(tables: Tables) -> None:
    upgrade(tables, "0016")
    assert tables.query("SELECT count(*) FROM sync.missing_orders") == [(0,)]
    downgrade(tables, "0015")
    assert tables.query("SELECT name FROM sync.accounts") == [("of 15",)]


@before(
    "0016",
    """
    INSERT INTO sync.windows (account, kind, feed, starts_at, ends_at, state)
    VALUES ('kingdo', 'confirm', 'updated', now() - interval '1 day', now(), 'done')
    """,
)
def test_no_window_of_before_0017_brought_anything_late(tables: Tables) -> None:
    upgrade(tables, "0017")
    assert tables.query("SELECT state, late_by FROM sync.windows") == [("done", None)]
    downgrade(tables, "0016")
    assert tables.query("SELECT state FROM sync.windows") == [("done",)]


@before("0017", "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('of 17', '1688', 'x', 'updated')")
def test_accounts_of_before_0018_stay_and_are_not_called_empty(tables: Tables) -> None:
    upgrade(tables, "0018")
    assert tables.query("SELECT name, empty_since, empty_read_at FROM sync.accounts") == [("of 17", None, None)]
    downgrade(tables, "0017")
    assert tables.query("SELECT name FROM sync.accounts") == [("of 17",)]


@before("0018", "INSERT INTO order_statuses VALUES ('1688', 'x', 'x', 'x', 'other', false)")
def test_columns_of_before_0019_say_that_a_platform_may_be_of_any_package(tables: Tables) -> None:
    said = (
        "SELECT DISTINCT col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
        "WHERE attname = 'platform' AND relkind IN ('r', 'p')"
    )
    as_it_was = tables.query(said)
    upgrade(tables, "0019")
    assert tables.query(said) == [(PLATFORM,)]
    assert tables.query("SELECT count(*) FROM order_statuses WHERE status = 'x'") == [(1,)]
    downgrade(tables, "0018")
    assert tables.query(said) == as_it_was


@before("0019", "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('of 19', '1688', 'x', 'updated')")
def test_a_ledger_of_before_0020_stays_and_no_process_is_known_yet(tables: Tables) -> None:
    upgrade(tables, "0020")
    assert tables.query("SELECT count(*) FROM sync.processes") == [(0,)]
    downgrade(tables, "0019")
    assert tables.query("SELECT name FROM sync.accounts") == [("of 19",)]


@pytest.mark.parametrize("most", ["1688", "xportcn_ka"])
@before(
    "0020",
    """
    INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count)
    SELECT each, 'shop', 'of 20', 'paid', 'other', 'CNY', 0 FROM unnest('{1688,xportcn_ka,other}'::text[]) AS each
    """,
    """
    INSERT INTO order_history (platform, order_id, read_at)
    SELECT each, 'of 20', now() FROM unnest('{1688,xportcn_ka,other}'::text[]) AS each
    """,
)
def test_orders_of_before_0021_are_sales_or_purchases_and_those_of_the_usual_direction_are_not_written(
    tables: Tables, most: str
) -> None:
    tables.execute(
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count)"
        " VALUES (%s, 'shop', 'another', 'paid', 'other', 'CNY', 0)",
        most,
    )
    versions = "SELECT platform, xmin::text, ctid::text FROM orders"
    as_they_were = tables.query(versions)
    upgrade(tables, "0021")
    directions = {"1688": "sale", "xportcn_ka": "purchase", "other": None}
    assert set(tables.query("SELECT platform, direction FROM orders")) == set(directions.items())
    assert tables.query("SELECT count(*) FROM orders") == [(4,)]
    assert sorted(tables.query("SELECT platform, direction FROM order_history")) == sorted(directions.items())
    written = set(tables.query(versions)) - set(as_they_were)
    assert {platform for platform, *_ in written} == directions.keys() - {most}


@before(
    "0021",
    """
    INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, payment_no)
    VALUES ('1688', 'paid', 'kingdo', 's', 'other', 'CNY', 0, 'pay7'),
        ('1688', 'unpaid', 'kingdo', 's', 'other', 'CNY', 0, NULL)
    """,
)
def test_orders_of_before_0022_are_found_by_an_index_of_every_number(tables: Tables) -> None:
    migrate.migrate(tables.url)
    indexed = tables.query("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'ix_%_payment_no'")
    assert indexed == [(2,)]
    with psycopg.connect(tables.url) as connection:
        assert [match.order_id for match in order_numbers.find(connection, ["pay7"])] == ["paid"]
    downgrade(tables, "0021")
    assert tables.query("SELECT order_id FROM orders ORDER BY 1") == [("paid",), ("unpaid",)]


@before(
    "0023",
    "INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at) SELECT 'shop', '1688', "
    f"reason::bytea, reason::bytea, reason, now() FROM unnest(ARRAY{REASONS}) AS reason",
)
def test_rejects_of_before_0024_have_a_kind_of_reason_and_are_open(tables: Tables) -> None:
    role = f"reader_{os.getpid()}"
    tables.execute(f"CREATE ROLE {role}")
    tables.execute(f"GRANT SELECT (id, resolved_at) ON sync.rejects TO {role}")
    upgrade(tables, "0024")
    may = "SELECT has_column_privilege(%s, 'sync.rejects', 'ignored_at', 'SELECT')"
    assert tables.query(may, role) == [(True,)]
    tables.execute(f"DROP OWNED BY {role}")
    tables.execute(f"DROP ROLE {role}")
    found = tables.query("SELECT reason, reason_key FROM sync.rejects WHERE ignored_at IS NULL ORDER BY id")
    assert found == [(reason, classify(reason)) for reason in REASONS]
    downgrade(tables, "0023")
    assert tables.query("SELECT count(*) FROM sync.rejects") == [(len(REASONS),)]


@before(
    "0024",
    """
    INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)
    VALUES ('one', '{worker}', '0.1', '0020', 'h', 1, now())
    """,
)
def test_processes_of_before_0025_stay_and_are_kept_from_no_account(tables: Tables) -> None:
    upgrade(tables, "0025")
    assert tables.query("SELECT id, misconfigured::text FROM sync.processes") == [("one", "{}")]


@before(
    "0025",
    """
    INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count)
    SELECT '1688', 'shop', each, 'x', 'other', 'CNY', 0 FROM unnest('{a,b}'::text[]) AS each
    """,
)
def test_orders_of_before_0026_are_read_by_whoever_follows_changes_from_the_beginning(tables: Tables) -> None:
    migrate.migrate(tables.url)
    tables.execute(
        "INSERT INTO orders (platform, account, order_id, status, status_group, currency, line_count) "
        "VALUES ('1688', 'shop', 'c', 'x', 'other', 'CNY', 0)"
    )
    feed = "SELECT order_id, kind FROM bi.changes_since(NULL)"
    assert tables.query(feed) == [("a", "changed"), ("b", "changed"), ("c", "changed")]
    downgrade(tables, "0025")
    assert tables.query("SELECT count(*) FROM orders") == [(3,)]


@before(
    "0028",
    """
    INSERT INTO sync.audits (account, starts_at, ends_at, started_at, finished_at)
    SELECT account, '2026-01-01Z', '2026-02-01Z', began, CASE WHEN ended THEN began + interval '1 minute' END
    FROM (VALUES ('shop', '2026-03-01Z'::timestamptz, true), ('shop', '2026-03-02Z', true),
        ('shop', '2026-03-03Z', false), ('other', '2026-03-09Z', true)) AS v (account, began, ended)
    """,
    """
    INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders)
    SELECT id, starts_at, starts_at + interval '1 day', 2, 1 FROM sync.audits WHERE finished_at IS NOT NULL
    """,
)
def test_differences_of_before_0029_are_settled_by_the_audits_that_compared_them_again(tables: Tables) -> None:
    upgrade(tables, "0029")
    found = "SELECT audit_id, settled_by FROM sync.audit_differences ORDER BY 1"
    assert tables.query(found) == [(1, 2), (2, None), (4, None)]
    assert tables.query("SELECT audit_id FROM sync.audit_differences WHERE repaired_at IS NOT NULL") == [(1,)]
    downgrade(tables, "0028")
    assert tables.query("SELECT count(*) FROM sync.audit_differences") == [(3,)]


@before(
    "0030",
    """
    INSERT INTO sync.accounts (name, platform, host, seller, feed, watermark)
    VALUES ('of 30', '1688', 'h', 's', 'updated', '2026-01-01')
    """,
)
def test_accounts_of_before_0031_stay_and_are_not_paused(tables: Tables) -> None:
    upgrade(tables, "0031")
    found = tables.query("SELECT name, watermark::date::text, paused_at FROM sync.accounts")
    assert found == [("of 30", "2026-01-01", None)]


@before("0037", "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('of 37', '1688', 'x', 'updated')")
def test_a_ledger_of_before_0038_stays_and_nobody_has_done_anything_yet(tables: Tables) -> None:
    upgrade(tables, "0038")
    assert tables.query("SELECT count(*) FROM sync.activity") == [(0,)]
    downgrade(tables, "0037")
    assert tables.query("SELECT name FROM sync.accounts") == [("of 37",)]


@before(
    "0038",
    """
    INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)
    VALUES ('a:1:b', ARRAY['worker'], '0', '0038', 'a', 1, now())
    """,
    "INSERT INTO sync.audits (account, starts_at, ends_at) VALUES ('shop', now(), now())",
)
def test_processes_and_audits_of_before_0039_report_nothing_new(tables: Tables) -> None:
    upgrade(tables, "0039")
    assert tables.query("SELECT accounts, failing FROM sync.processes") == [([], {})]
    assert tables.query("SELECT awaited FROM sync.audits") == [(None,)]
    downgrade(tables, "0038")
    assert tables.query("SELECT count(*) FROM sync.processes") == [(1,)]


@before(
    "0040",
    """
    INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, reason_key, read_at)
    VALUES ('kingdo', '1688', 'of 40', 'of 40', 'id: missing', 'no_order_id', now())
    """,
)
def test_rejects_of_before_0041_stay_and_are_listed_by_their_reason(tables: Tables) -> None:
    upgrade(tables, "0041")
    kept = "SELECT reason_key FROM sync.rejects WHERE resolved_at IS NULL AND reason_key = 'no_order_id'"
    assert tables.query(kept) == [("no_order_id",)]
    downgrade(tables, "0040")
    assert tables.query(kept) == [("no_order_id",)]


@before(
    "0041",
    """
    INSERT INTO sync.backfills (account, feed, starts_at, ends_at)
    VALUES ('kingdo', 'updated', '2026-10-01', '2026-10-02')
    """,
)
def test_backfills_of_before_0042_stay_and_none_was_planned(tables: Tables) -> None:
    upgrade(tables, "0042")
    assert tables.query("SELECT account, state FROM sync.backfills") == [("kingdo", "requested")]
    assert tables.query("SELECT count(*) FROM sync.backfill_plans") == [(0,)]


@before("0042", "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('of 42', '1688', 'x', 'updated')")
def test_accounts_of_before_0043_stay_and_nobody_has_asked_for_anything(tables: Tables) -> None:
    upgrade(tables, "0043")
    assert tables.query("SELECT name FROM sync.accounts") == [("of 42",)]
    assert tables.query("SELECT count(*) FROM sync.requests") == [(0,)]


@before(
    "0044",
    """
    INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count)
    VALUES ('1688', 'of 44', 'kingdo', 's', 'other', 'CNY', 1)
    """,
)
def test_indexes_that_no_query_needs_go_in_0045_and_orders_stay(tables: Tables) -> None:
    gone = ["ix_orders_status_created_at", "ix_sub_orders_refund_status", "ix_sub_orders_status"]
    query = "SELECT indexname FROM pg_indexes WHERE indexname = ANY(%s) ORDER BY 1"
    assert tables.query(query, gone) == [(name,) for name in gone]
    upgrade(tables, "0045")
    assert tables.query(query, gone) == []
    assert tables.query("SELECT order_id FROM orders WHERE status = 's'") == [("of 44",)]
    downgrade(tables, "0044")
    assert tables.query(query, gone) == [(name,) for name in gone]


@before(
    "0047",
    """
    INSERT INTO sync.rejects (id, account, platform, payload, payload_hash, reason, read_at, ignored_at, ignored_by)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'shop', '1688', n::text::bytea, n::text::bytea, 'x', now(), now(), 'service'
    FROM generate_series(1001, 1002) AS n
    """,
    """
    INSERT INTO sync.audits (id, account, starts_at, ends_at) OVERRIDING SYSTEM VALUE
    VALUES (1007, 'shop', now(), now())
    """,
    """
    INSERT INTO sync.audit_differences (
        audit_id, starts_at, ends_at, platform_orders, table_orders, acknowledged_at, acknowledged_by
    )
    VALUES (1007, now(), now(), 2, 1, now(), 'service')
    """,
    """
    INSERT INTO sync.activity (actor, origin, action, account, subject, details)
    VALUES ('ana', 'cli', 'rejects.ignore', 'shop', NULL, '{"count": 1, "ids": [1002]}'),
        ('ana', 'cli', 'audit.acknowledge', 'shop', 'audit 1007', '{}')
    """,
)
def test_who_decided_before_0048_is_the_person_where_the_action_is_kept_else_the_role(tables: Tables) -> None:
    upgrade(tables, "0048")
    assert tables.query("SELECT ignored_by FROM sync.rejects ORDER BY id") == [("service",), ("ana",)]
    assert tables.query("SELECT acknowledged_by FROM sync.audit_differences") == [("ana",)]
    downgrade(tables, "0047")
    assert tables.query("SELECT count(*) FROM sync.rejects") == [(2,)]


@before(
    "0048",
    "INSERT INTO sync.audits (account, starts_at, ends_at, awaited) VALUES ('shop', now(), now(), 3)",
)
def test_audits_of_before_0049_do_not_know_their_rejects(tables: Tables) -> None:
    upgrade(tables, "0049")
    assert tables.query("SELECT awaited, rejects FROM sync.audits") == [(3, None)]
    downgrade(tables, "0048")
    assert tables.query("SELECT awaited FROM sync.audits") == [(3,)]


@before(
    "0049",
    """
    INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at)
    VALUES ('shop', '1688', 'of 49', 'of 49', 'id: missing', now())
    """,
)
def test_rejects_of_before_0050_show_no_time(tables: Tables) -> None:
    upgrade(tables, "0050")
    assert tables.query("SELECT reason, listed_at FROM sync.rejects") == [("id: missing", None)]
    downgrade(tables, "0049")
    assert tables.query("SELECT reason FROM sync.rejects") == [("id: missing",)]


@before(
    "0052",
    """
    INSERT INTO sync.backfills (id, account, feed, starts_at, ends_at, state) OVERRIDING SYSTEM VALUE
    VALUES (1001, 'shop', 'created', '2026-10-01', '2026-10-02', 'cancelled'),
        (1002, 'shop', 'created', '2026-10-01', '2026-10-02', 'planned')
    """,
    """
    INSERT INTO sync.windows (account, feed, kind, starts_at, ends_at, state, backfill_id)
    VALUES ('shop', 'created', 'backfill', '2026-10-01', '2026-10-02', 'planned', 1002)
    """,
)
def test_backfills_cancelled_before_0053_do_not_know_their_parts(tables: Tables) -> None:
    upgrade(tables, "0053")
    assert tables.query("SELECT sync.cancel_backfill(1001), sync.cancel_backfill(1002)") == [(0, 1)]
    assert tables.query("SELECT state, cancelled_windows FROM sync.backfills ORDER BY id") == [
        ("cancelled", 0),
        ("cancelled", 1),
    ]
    assert tables.query("SELECT count(*) FROM sync.windows") == [(0,)]
    downgrade(tables, "0052")
    assert tables.query("SELECT count(*) FROM sync.backfills") == [(2,)]


def test_rows_of_every_former_revision_live_through_all_later_ones_back_and_forward_again(empty_url: str) -> None:
    """The rows of every `before` of this file in one database, which is never empty when a migration runs."""
    tables = Tables(empty_url)
    inserted: dict[str, int] = defaultdict(int)
    for revision, statements in groupby(sorted(ROWS, key=itemgetter(0)), key=itemgetter(0)):
        upgrade(tables, revision)
        with psycopg.connect(tables.url) as connection:
            for _, statement in statements:
                inserted[statement.split()[2]] += connection.execute(statement.encode()).rowcount
    assert migrate.migrate(tables.url) == REVISIONS[REVISIONS.index(revision) + 1 :]
    assert counts(tables, inserted) == inserted
    assert all(inserted.values())
    migrate.check(tables.url)
    downgrade(tables, OLDEST)
    first = {name: inserted[name] for name in inserted if name not in ADDED_LATER}
    assert counts(tables, first) == first
    assert migrate.migrate(tables.url) == REVISIONS[REVISIONS.index(OLDEST) + 1 :]
    assert counts(tables, first) == first
    migrate.check(tables.url)


def counts(tables: Tables, names: Iterable[str]) -> dict[str, int]:
    return {name: tables.query(f"SELECT count(*) FROM {name}")[0][0] for name in names}
