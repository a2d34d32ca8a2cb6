"""What is kept of accounts and processes through the revisions that added to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import config as alembic_config
from alembic.script import ScriptDirectory

from orders_sync.store import migrate
from tests.support.databases import Tables

ROOT = Path(migrate.__file__).resolve().parents[2]
SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))


def upgrade_to_before(url: str, words: str) -> None:
    """Bring an empty database to the revision before the one that is named so."""
    [revision] = [each for each in SCRIPTS.walk_revisions() if words in each.path]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        alembic_config.main(["-c", str(ROOT / "alembic.ini"), "upgrade", str(revision.down_revision)])


def test_processes_of_before_stay_and_are_kept_from_no_account(empty_url: str) -> None:
    upgrade_to_before(empty_url, "misconfigured_accounts")
    tables = Tables(empty_url)
    tables.execute(
        "INSERT INTO sync.processes (id, parts, version, tables, host, pid, seen_at)"
        " VALUES ('one', '{worker}', '0.1', '0020', 'h', 1, now())"
    )
    migrate.migrate(empty_url)
    assert tables.query("SELECT id, misconfigured::text FROM sync.processes") == [("one", "{}")]


def test_accounts_of_before_stay_and_are_not_paused(empty_url: str) -> None:
    upgrade_to_before(empty_url, "paused_accounts")
    tables = Tables(empty_url)
    tables.execute(
        "INSERT INTO sync.accounts (name, platform, host, seller, feed, watermark)"
        " VALUES ('a', '1688', 'h', 's', 'updated', '2026-01-01')"
    )
    migrate.migrate(empty_url)
    assert tables.query("SELECT name, watermark::date::text, paused_at FROM sync.accounts") == [
        ("a", "2026-01-01", None)
    ]


def test_backfills_of_before_stay_and_none_was_planned(empty_url: str) -> None:
    upgrade_to_before(empty_url, "plans_of_backfills")
    tables = Tables(empty_url)
    tables.execute(
        "INSERT INTO sync.backfills (account, feed, starts_at, ends_at)"
        " VALUES ('kingdo', 'updated', '2026-10-01', '2026-10-02')"
    )
    migrate.migrate(empty_url)
    assert tables.query("SELECT account, state FROM sync.backfills") == [("kingdo", "requested")]
    assert tables.query("SELECT count(*) FROM sync.backfill_plans") == [(0,)]


def test_accounts_of_before_stay_and_nobody_has_asked_for_anything(empty_url: str) -> None:
    upgrade_to_before(empty_url, "requests.py")
    tables = Tables(empty_url)
    tables.execute("INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('kingdo', '1688', 'x', 'updated')")
    migrate.migrate(empty_url)
    assert tables.query("SELECT name FROM sync.accounts") == [("kingdo",)]
    assert tables.query("SELECT count(*) FROM sync.requests") == [(0,)]
