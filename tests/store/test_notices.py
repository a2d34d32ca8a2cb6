"""What people were sent notices about outlives upgrades, and follows the names of accounts."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from alembic import config as alembic_config
from alembic.script import ScriptDirectory

from orders_sync.domain.accounts import Account
from orders_sync.domain.windows import Feed
from orders_sync.store import identities, ledger, migrate
from orders_sync.store.database import Connection
from tests.support.databases import Tables

ROOT = Path(migrate.__file__).resolve().parents[2]
SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))


def test_backfills_of_before_stay_and_of_none_was_a_notice(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [revision] = [each for each in SCRIPTS.walk_revisions() if each.path.endswith("_notices.py")]
    monkeypatch.setenv("DATABASE_URL", empty_url)
    alembic_config.main(["-c", str(ROOT / "alembic.ini"), "upgrade", str(revision.down_revision)])
    tables = Tables(empty_url)
    tables.execute(
        "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, everything, state) "
        "VALUES ('kingdo', 'updated', '2026-01-01', '2026-01-02', false, 'done')"
    )
    migrate.migrate(empty_url)
    assert tables.query("SELECT count(*) FROM sync.notices") == [(0,)]
    assert tables.query("SELECT count(*) FROM sync.outgoing_notices") == [(0,)]
    assert tables.query("SELECT account, state FROM sync.backfills") == [("kingdo", "done")]
    alembic_config.main(["-c", str(ROOT / "alembic.ini"), "downgrade", str(revision.down_revision)])
    assert tables.query("SELECT account, state FROM sync.backfills") == [("kingdo", "done")]


async def test_notices_follow_the_names_of_accounts(connection: Connection, url: str) -> None:
    def account(name: str, seller: str) -> Account:
        return Account(name, "1688", "https://h", seller, "app", "secret")

    for name, seller in (("a", "one"), ("b", "two")):
        await ledger.register(connection, account(name, seller), Feed.UPDATED)
    tables = Tables(url)
    for subject, amount in (("a", 1), ("b", 2), ("c", 3), ("#12", 12)):
        tables.execute(
            "INSERT INTO sync.notices (kind, subject, began_at, amount) VALUES ('behind', %s, now(), %s)",
            subject,
            amount,
        )
    with psycopg.connect(url, autocommit=True) as session:
        identities.register(session, [account("b", "one"), account("c", "two")])
    assert tables.query("SELECT subject, amount FROM sync.notices ORDER BY amount") == [("b", 1), ("c", 2), ("#12", 12)]
