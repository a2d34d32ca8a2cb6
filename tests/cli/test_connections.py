"""Connections cost a command its time, over TLS most of it: it makes one for all it asks, and few for what it reads."""

from __future__ import annotations

from contextlib import closing

from orders_sync.cli.databases import Host
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import eventually

OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
ONE_SLOT = "[sync]\nworkers = 1\n"  # so that the pool of one account has three connections at most
MOST = {
    "status --check": 1,
    "doctor": 1,
    "accounts list": 1,
    "order 3876532491611498520": 1,
    "export orders -o orders.csv": 1,
    "migrate": 2,  # one by SQLAlchemy
    "backfill list": 1,
    "rejects list": 1,
    "audit list": 1,
    "accounts pause sandbox-ka": 2,
    "accounts resume sandbox-ka": 1,
    "sync --account sandbox-1688": 4,
    "sync --account sandbox-1688 --retry": 4,
    "sync --request": 2,
}


def made(tables: Tables) -> int:
    """Connections that were ever made to the database, once all others have ended."""
    eventually(lambda: not tables.query(OTHERS))
    return int(tables.query("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")[0][0])


def test_a_command_makes_no_connection_twice(copied: Landed) -> None:
    copied.terminal.describe(copied.world, copied.root, extra=ONE_SLOT)
    too_many = {}
    for command, most in MOST.items():
        before = made(copied.tables)
        said = copied.terminal.run(*command.split())
        assert "Traceback" not in said.text
        if (count := made(copied.tables) - before) > most:
            too_many[command] = count
    assert not too_many


def test_the_session_of_a_command_is_replaced_where_it_was_cut(tables: Tables) -> None:
    with closing(Host(tables.url)) as host:
        with host.session() as session:
            first = session.info.backend_pid
        with host.session() as session:
            assert session.info.backend_pid == first
        assert tables.query("SELECT pg_terminate_backend(%s, 60000)", first) == [(True,)]
        with host.session() as session:
            assert session.execute("SELECT 1").fetchall() == [(1,)]


def test_a_closed_host_keeps_no_session(tables: Tables) -> None:
    with closing(Host(tables.url)) as host:
        with host.session():
            assert len(tables.query(OTHERS)) == 1
        assert len(tables.query(OTHERS)) == 1
        host.close()
        eventually(lambda: not tables.query(OTHERS))
        with host.session() as session:
            assert session.execute("SELECT 1").fetchall() == [(1,)]
        eventually(lambda: not tables.query(OTHERS))
