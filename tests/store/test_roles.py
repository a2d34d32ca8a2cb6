"""What each role may and may not, tried by a login of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from orders_sync.cli import databases
from orders_sync.store import bi, change_feed, migrate, roles
from tests.support.databases import Tables
from tests.support.migrations import bring_up

DOC = (Path(__file__).parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
[ONE_SHOP] = [block for block in re.findall(r"```sql\n(.*?)```", DOC, re.DOTALL) if "security_barrier" in block]

EVERYBODY = set(roles.ROLES)
SEES_PERSONAL_DATA = {roles.PII_READER, roles.CONSOLE}
SEES_LEDGER = {roles.OPERATOR, roles.CONSOLE}
VIEWS = [each.name for each in bi.definitions() if each.kind == "VIEW" and each.name != "order_persons"]
# who may run what; all others must be refused
ALLOWED = {
    **{f"SELECT * FROM bi.{view} LIMIT 1": EVERYBODY for view in VIEWS},
    "SELECT * FROM bi.orders_as_of(now())": EVERYBODY,
    "SELECT bi.day_start('2026-11-01')": EVERYBODY,
    "SELECT * FROM bi.changes_since(NULL)": EVERYBODY,
    "SELECT * FROM bi.feed_lag()": EVERYBODY,
    "SELECT order_id, total_amount, direction, buyer_id FROM orders": EVERYBODY,
    "SELECT * FROM sub_orders, product_items, order_parcels, order_history, order_statuses": EVERYBODY,
    "SELECT * FROM bi.order_persons": SEES_PERSONAL_DATA,
    "SELECT * FROM orders": SEES_PERSONAL_DATA,
    **{f"SELECT {column} FROM orders": SEES_PERSONAL_DATA for column in roles.PERSONAL},
    "SELECT * FROM order_receivers": SEES_PERSONAL_DATA,
    "SELECT payload FROM raw_orders": SEES_PERSONAL_DATA,
    "SELECT * FROM sync.accounts, sync.windows, sync.backfills, sync.audits, sync.processes": SEES_LEDGER,
    "SELECT id, reason, reason_key, ignored_at FROM sync.rejects": SEES_LEDGER,
    "SELECT payload FROM sync.rejects": {roles.CONSOLE},
    "SELECT body FROM sync.messages": {roles.CONSOLE},
    "SELECT * FROM sync_jobs.procrastinate_jobs": SEES_LEDGER,
    "SELECT sync.request_backfill('shop', '2026-10-01', '2026-11-01')": SEES_LEDGER,
    "SELECT sync.request_backfills(ARRAY['shop', 'shop'], '2026-10-01', '2026-11-01')": SEES_LEDGER,
    "SELECT sync.cancel_backfill(1), sync.cancel_backfill_request(1)": SEES_LEDGER,
    "SELECT * FROM sync.activity": SEES_LEDGER,
    "INSERT INTO sync.activity (actor, origin, action) VALUES ('ana', 'console', 'account.pause')": SEES_LEDGER,
    "INSERT INTO sync.activity (actor, origin, action, at) VALUES ('ana', 'console', 'x', now())": set(),
    "INSERT INTO sync.activity (actor, origin, action, role) VALUES ('ana', 'console', 'x', 'postgres')": set(),
    "UPDATE sync.activity SET actor = 'ben'": set(),
    "DELETE FROM sync.activity": set(),
    "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, requested_by)"
    " VALUES ('shop', 'created', '2026-10-01', '2026-10-02', 'somebody else')": set(),
    "INSERT INTO sync.backfills (account, feed, starts_at, ends_at, state)"
    " VALUES ('shop', 'created', '2026-10-01', '2026-10-02', 'done')": set(),
    "UPDATE sync.backfills SET state = 'cancelled'": set(),
    "UPDATE sync.accounts SET watermark = now()": set(),
    "DELETE FROM orders": set(),
    "UPDATE orders SET total_amount = 0": set(),
    "INSERT INTO order_statuses VALUES ('1688', 'x', 'x', 'x', 'x', false)": set(),
    "TRUNCATE order_history": set(),
    "CREATE VIEW bi.mine AS SELECT 1": set(),
    "CREATE OR REPLACE FUNCTION bi.time_zone() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'UTC'": set(),
    "CREATE TABLE mine (id int)": set(),
    "DROP VIEW bi.check_lines": set(),
}


class Logins:
    """Logins of a database, each a member of one role."""

    def __init__(self, url: str) -> None:
        self.tables = Tables(url)
        self.names: list[str] = []

    def add(self, role: str, suffix: str = "") -> str:
        """Return the URL of a new login that is a member of `role`."""
        name = f"{role}_{os.getpid()}{suffix}"
        self.tables.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE {role}")
        self.names.append(name)
        return self.url(name)

    def url(self, name: str) -> str:
        return self.tables.url.replace("//postgres@", f"//{name}:x@")


@pytest.fixture
def logins(url: str) -> Iterator[Logins]:
    if "//postgres@" not in url:
        pytest.skip("roles of TEST_DATABASE_URL's server may not log in as these do")
    with psycopg.connect(url) as connection:
        change_feed.restart_if_moved(connection)  # the database is a copy of another
    made = Logins(url)
    made.tables.execute(
        "INSERT INTO sync.accounts (name, platform, seller, feed) VALUES ('shop', '1688', 's', 'updated')"
    )
    yield made
    for name in made.names:
        made.tables.execute(f"DROP OWNED BY {name}")
        made.tables.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_login_of_a_role_may_do_what_is_its_and_nothing_else(logins: Logins, role: str) -> None:
    refused = set()
    with psycopg.connect(logins.add(role), autocommit=True) as connection:
        for statement in ALLOWED:
            try:
                connection.execute(statement.encode())
            except InsufficientPrivilege:
                refused.add(statement)
    assert refused == {statement for statement, allowed in ALLOWED.items() if role not in allowed}


def test_tables_and_views_of_later_versions_follow(logins: Logins) -> None:
    logins.tables.execute("CREATE VIEW bi.later AS SELECT 1")
    logins.tables.execute("CREATE TABLE sync.later (id int)")
    logins.tables.execute("CREATE TABLE public.later (id int)")
    may_read = {
        role: [name for name in ("bi.later", "public.later", "sync.later") if _may_read(logins, role, name)]
        for role in roles.ROLES
    }
    assert may_read == {
        "orders_reader": ["bi.later"],
        "orders_pii_reader": ["bi.later", "public.later"],
        "orders_operator": ["bi.later"],
        "orders_console": ["bi.later", "public.later", "sync.later"],
    }


def _may_read(logins: Logins, role: str, name: str) -> bool:
    [(answer,)] = logins.tables.query("SELECT has_table_privilege(%s, %s, 'SELECT')", role, name)
    return bool(answer)


def test_the_view_of_personal_data_made_again_is_read_by_no_more_roles_than_before(logins: Logins) -> None:
    logins.tables.execute("DROP VIEW bi.order_persons")
    migrate.migrate(logins.tables.url)
    assert {role for role in roles.ROLES if _may_read(logins, role, "bi.order_persons")} == SEES_PERSONAL_DATA


def test_where_roles_may_not_be_created_the_migration_goes_on_and_says_what_to_run(
    logins: Logins, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{role}_{os.getpid()}" for role in roles.ROLES]
    monkeypatch.setattr(roles, "ROLES", names)
    monkeypatch.setattr(roles, "TAKEN", names[2:])
    owner, theirs = f"owner_{os.getpid()}", Tables(empty_url)
    [(database,)] = theirs.query("SELECT current_database()")
    theirs.execute(f"CREATE ROLE {owner} LOGIN PASSWORD 'x'")
    logins.names.append(owner)
    theirs.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
    url = empty_url.replace("//postgres@", f"//{owner}:x@")
    migrate.migrate(url)
    assert theirs.query("SELECT count(*) FROM bi.orders") == [(0,)]
    with psycopg.connect(url) as connection:
        advice = roles.advice(connection) or ""
        assert databases.remarks(connection) == [advice]
    create, _, grant = advice.partition("run ")[2].partition("; then")[0].rpartition("; ")
    assert create == "; ".join(f"CREATE ROLE {name} NOLOGIN" for name in names)
    assert grant == f"GRANT {', '.join(names[2:])} TO {owner}"
    theirs.execute(create)
    migrate.migrate(url)
    with psycopg.connect(url) as connection:
        assert (roles.advice(connection) or "").endswith(f"as an administrator run {grant}")
    theirs.execute(grant)
    with psycopg.connect(url) as connection:
        assert roles.advice(connection) is None
    assert theirs.query("SELECT has_table_privilege(%s, 'bi.orders', 'SELECT')", names[0]) == [(True,)]
    theirs.execute(f"REASSIGN OWNED BY {owner} TO postgres")
    for name in (*names, owner):
        theirs.execute(f"DROP OWNED BY {name}")
    for name in names:
        theirs.execute(f"DROP ROLE {name}")


def test_roles_without_rights_in_schema_bi_migrate_and_run(logins: Logins, empty_url: str) -> None:
    name = f"outsider_{os.getpid()}"
    logins.tables.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    logins.names.append(name)
    theirs = Tables(empty_url)
    [(database,)] = theirs.query("SELECT current_database()")
    theirs.execute(
        f"CREATE SCHEMA bi; GRANT CREATE ON DATABASE {database} TO {name}; GRANT ALL ON SCHEMA public TO {name}"
    )
    bring_up(empty_url.replace("//postgres@", f"//{name}:x@"))
    assert theirs.query("SELECT time_zone FROM sync.daily_zone") == [("Asia/Shanghai",)]
    with psycopg.connect(empty_url) as connection:
        assert bi.difference(connection) is not None
    theirs.execute(f"DROP OWNED BY {name}")

    ours = logins.tables
    ours.execute(
        f"GRANT USAGE ON SCHEMA public, sync TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA public, sync TO {name}"
    )
    assert bring_up(logins.url(name)) == []
    ours.execute(
        "CREATE OR REPLACE FUNCTION bi.time_zone() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'no such zone';"
        f"GRANT USAGE ON SCHEMA bi TO {name}"
    )
    for url in (logins.url(name), ours.url):
        assert bring_up(url) == []
    assert ours.query("SELECT time_zone FROM sync.daily_zone") == [("Asia/Shanghai",)]


def test_a_role_of_one_shop_sees_that_shop_alone(logins: Logins) -> None:
    tables = logins.tables
    tables.execute("CREATE ROLE my_shop_reader LOGIN PASSWORD 'x'")
    logins.names.append("my_shop_reader")
    for account in ("my-shop", "other"):
        tables.execute(
            "INSERT INTO orders (platform, account, order_id, direction, status, status_group, currency, line_count)"
            " VALUES ('1688', %s, %s, 'sale', 'success', 'completed', 'CNY', 0)",
            account,
            account,
        )
    for platform, account in (("xportcn_ka", "my-shop"), ("xportcn_open", "other")):
        tables.execute(
            "INSERT INTO orders (platform, account, order_id, order_no, status, status_group, currency, line_count)"
            " VALUES (%s, %s, %s, 'in both lists', '11', 'shipped', 'CNY', 0)",
            platform,
            account,
            f"{account}-both",
        )
    tables.execute(ONE_SHOP)
    tables.execute(ONE_SHOP)
    with psycopg.connect(logins.url("my_shop_reader"), autocommit=True) as connection:
        assert connection.execute("SELECT order_id, also_listed_as FROM my_shop_reader.orders").fetchall() == [
            ("my-shop", None),
            ("my-shop-both", None),
        ]
        connection.execute("SELECT * FROM my_shop_reader.daily_sales")
        connection.execute("SELECT bi.day_start('2026-11-01')")
        for refused in (
            "bi.orders", "public.orders", "bi.order_persons", "bi.shops", "sync.accounts",
            "bi.changes_since(NULL)", "bi.feed_lag()", "bi.orders_as_of(now())",
        ):  # fmt: skip
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {refused}".encode())
    tables.execute("DROP SCHEMA my_shop_reader CASCADE")


def test_functions_that_act_by_the_rights_of_their_owner_are_nobodys_unless_granted(url: str) -> None:
    tables = Tables(url)
    assert (
        tables.query(
            "SELECT oid::regprocedure::text FROM pg_proc AS p"
            " WHERE pronamespace IN ('bi'::regnamespace, 'sync'::regnamespace, 'public'::regnamespace) AND prosecdef"
            "   AND prorettype <> 'trigger'::regtype AND (proacl IS NULL OR EXISTS ("
            "     SELECT FROM aclexplode(proacl) WHERE grantee = 0 AND privilege_type = 'EXECUTE'))"
        )
        == []
    )
