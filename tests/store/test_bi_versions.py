"""Views of schema `bi` are made anew where they are of another version, and those of others stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from orders_sync.domain.errors import DatabaseError
from orders_sync.store import bi, migrate
from tests.support.databases import Tables
from tests.support.migrations import bring_up
from tests.support.rows import add_order


def difference(tables: Tables) -> str | None:
    """What `migrate.check` says of the views, without its comparison of the tables, which takes 0.2 s."""
    with psycopg.connect(tables.url) as connection:
        assert bi.obstacle(connection) is None
        return bi.difference(connection)


def test_a_view_dropped_or_changed_by_hand_is_made_again_and_others_stay(tables: Tables) -> None:
    tables.execute("DROP VIEW bi.sync_health")
    tables.execute("CREATE VIEW bi.theirs AS SELECT * FROM bi.orders")
    tables.execute("UPDATE sync.views SET definition_hash = '' WHERE name = 'buyers'")
    assert migrate.migrate(tables.url) == []
    assert difference(tables) is None
    assert tables.query("SELECT count(*) FROM bi.theirs") == [(0,)]
    assert tables.query("SELECT count(*) FROM bi.sync_health") == [(0,)]


def test_somebody_elses_view_under_our_name_keeps_ours_away_and_nothing_else(tables: Tables) -> None:
    drop_views(tables)
    tables.execute("CREATE VIEW bi.orders AS SELECT 1 AS theirs")
    migrate.migrate(tables.url)
    assert tables.query("SELECT * FROM bi.orders") == [(1,)]
    with psycopg.connect(tables.url) as connection:
        assert "bi.orders: not ours" in str(bi.obstacle(connection))
    tables.execute("DROP VIEW bi.orders")
    migrate.migrate(tables.url)
    assert tables.query("SELECT count(*) FROM bi.orders") == [(0,)]


def drop_views(tables: Tables) -> None:
    with psycopg.connect(tables.url) as connection:
        bi.drop(connection)
        connection.execute("DELETE FROM sync.views")


def test_views_dropped_by_a_migration_back_are_made_by_the_next_one(tables: Tables) -> None:
    drop_views(tables)
    migrate.migrate(tables.url)
    assert difference(tables) is None
    assert tables.query("SELECT count(*) FROM bi.orders") == [(0,)]


def test_the_time_zone_that_a_shop_chose_stays(tables: Tables) -> None:
    add_order(tables, "a", created_at="2026-10-31 16:30:00Z")
    assert tables.query("SELECT ordered_day::text FROM bi.orders") == [("2026-11-01",)]
    tables.execute(
        "CREATE OR REPLACE FUNCTION bi.time_zone() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'America/New_York'"
    )
    tables.execute("UPDATE sync.views SET definition_hash = ''")
    migrate.migrate(tables.url)
    assert tables.query("SELECT ordered_day::text FROM bi.orders") == [("2026-10-31",)]
    assert tables.query("SELECT bi.day_start('2026-11-01') = '2026-11-01 04:00:00Z'") == [(True,)]


def made(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.query("SELECT name, definition_hash, xmin::text FROM sync.views ORDER BY name")


def test_a_command_makes_the_views_of_an_older_version_anew_without_a_revision_of_the_tables(tables: Tables) -> None:
    current = made(tables)
    assert bring_up(tables.url) == []
    assert made(tables) == current
    tables.execute("UPDATE sync.views SET definition_hash = '' WHERE name = 'buyers'")
    tables.execute("UPDATE sync.view_sets SET fingerprint = 'older'")
    with pytest.raises(DatabaseError, match=r"bi\.buyers: not as in this version. Run `orders-sync migrate`"):
        migrate.check(tables.url)
    assert bring_up(tables.url) == []
    assert [row[:2] for row in made(tables)] == [row[:2] for row in current]
    assert difference(tables) is None


@pytest.mark.parametrize("command", [bring_up, migrate.migrate])
def test_a_command_leaves_the_views_of_a_newer_version_and_makes_only_what_is_missing(
    tables: Tables, command: Callable[[str], list[str]]
) -> None:
    tables.execute("UPDATE sync.views SET definition_hash = 'newer'")
    tables.execute("INSERT INTO sync.view_sets (fingerprint) VALUES ('newer')")
    newer = made(tables)
    assert command(tables.url) == []
    assert difference(tables) is None
    assert made(tables) == newer
    tables.execute("DROP VIEW bi.sync_health")  # as after `db restore`, whose dumps hold no views
    assert command(tables.url) == []
    assert tables.query("SELECT count(*) FROM bi.sync_health") == [(0,)]
    assert [row for row in made(tables) if row[0] != "sync_health"] == [row for row in newer if row[0] != "sync_health"]
    assert tables.query("SELECT fingerprint FROM sync.view_sets ORDER BY number DESC LIMIT 1") == [(b"newer",)]


def test_the_fingerprint_of_all_views_changes_with_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    before, found = bi.set_fingerprint(), bi.definitions()
    for place, each in enumerate(found):
        changed = (*found[:place], replace(each, comment="other"), *found[place + 1 :])
        monkeypatch.setattr(bi, "definitions", lambda changed=changed: changed)
        assert bi.set_fingerprint() != before


def test_a_function_gets_other_columns_and_views_of_others_stay(tables: Tables) -> None:
    tables.execute("DROP FUNCTION bi.orders_as_of")
    tables.execute(
        "CREATE FUNCTION bi.orders_as_of(moment timestamptz) RETURNS TABLE (order_key text) LANGUAGE sql RETURN 'a'"
    )
    tables.execute("UPDATE sync.views SET definition_hash = '' WHERE name = 'orders_as_of'")
    tables.execute("CREATE VIEW public.theirs AS SELECT * FROM bi.orders")
    tables.execute("CREATE VIEW public.of_function AS SELECT * FROM bi.orders_as_of('2026-11-01')")
    migrate.migrate(tables.url)
    assert "bi.orders_as_of: not as in this version" in str(difference(tables))
    tables.execute("DROP VIEW public.of_function")
    migrate.migrate(tables.url)
    assert difference(tables) is None
    assert tables.query("SELECT count(order_no) FROM bi.orders_as_of(now())") == [(0,)]
    assert tables.query("SELECT count(*) FROM public.theirs") == [(0,)]


OLDER = """
    DROP VIEW bi.buyers;
    CREATE VIEW bi.buyers AS SELECT 1 AS direction, now() AS gone;
    UPDATE sync.views SET definition_hash = '' WHERE name = 'buyers';
    CREATE OR REPLACE FUNCTION bi.time_zone() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'America/New_York';
"""


def test_a_view_with_other_columns_is_made_anew_with_all_that_may_use_it(tables: Tables) -> None:
    tables.execute(OLDER)
    migrate.migrate(tables.url)
    assert difference(tables) is None
    assert tables.query("SELECT count(customer_id) FROM bi.buyers") == [(0,)]
    assert tables.query("SELECT bi.time_zone()") == [("America/New_York",)]


def test_a_view_with_other_columns_stays_where_somebody_elses_view_uses_it_and_migrate_says_so(tables: Tables) -> None:
    tables.execute(OLDER + "CREATE VIEW public.theirs AS SELECT gone FROM bi.buyers")
    migrate.migrate(tables.url)
    assert tables.query("SELECT count(gone) FROM public.theirs") == [(1,)]
    assert "bi.buyers: not as in this version" in str(difference(tables))
    tables.execute("DROP VIEW public.theirs")
    migrate.migrate(tables.url)
    assert difference(tables) is None
