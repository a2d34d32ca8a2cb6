"""`run`, `scheduler`, `worker`, `console`: left running, they keep the tables current, whatever happens around them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from orders_sync.sandbox import Sandbox, World
from orders_sync.sandbox.messages import build_message
from orders_sync.sandbox.states import State
from tests.support.databases import Tables
from tests.support.homes import Homes
from tests.support.passwords import PASSWORD, WRONG, with_password
from tests.support.services import ANYWHERE, PACE, equal
from tests.support.terminal import STOP_SECONDS, Pause, Terminal, eventually, platforms

pytestmark = pytest.mark.waits
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def serving(terminal: Terminal, world: World, *, policy: str = PACE) -> Iterator[Sandbox]:
    with platforms(world) as (root, sandbox):
        terminal.describe(world, root, extra=policy)
        yield sandbox


@pytest.fixture
def tables(terminal: Terminal, tables: Tables) -> Tables:
    terminal.variables["DATABASE_URL"] = tables.url
    return tables


def test_run_lands_everything_and_what_changes_later_also_when_connections_were_cut(
    terminal: Terminal, tables: Tables, world: World
) -> None:
    with serving(terminal, world):
        service = terminal.serve("run", *ANYWHERE)
        eventually(lambda: equal(tables, world))
        victim = next(o for o in world.shop("sandbox-1688").index.orders.values() if o.quirk != "sample")
        for statement in ("SELECT 1", CUT):
            tables.query(statement)
            world.change("sandbox-1688", victim.order_id, "write_memo", now=datetime.now(UTC))
            assert not equal(tables, world)
            eventually(lambda: equal(tables, world))
        service.stop()


def test_sigterm_in_mid_window_leaves_nobody_waiting_P5(terminal: Terminal, tables: Tables, world: World) -> None:
    with serving(terminal, world), Pause(world, at=1) as pause:
        service = terminal.serve("run", *ANYWHERE)
        pause.wait()
        assert tables.query("SELECT count(*) > 0 FROM sync.windows WHERE state = 'running'") == [(True,)]
        service.stop()
        assert tables.query("SELECT count(*) FROM sync.windows WHERE state = 'running'") == [(0,)]


def test_two_at_once_do_no_work_twice_P3(terminal: Terminal, tables: Tables, world: World) -> None:
    with serving(terminal, world):
        pair = [terminal.serve("run", *ANYWHERE) for _ in range(2)]
        eventually(lambda: equal(tables, world))
        for service in pair:
            service.stop()
    twice = "SELECT account, kind, starts_at, ends_at FROM sync.windows GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
    assert tables.query(twice) == []
    assert tables.query("SELECT count(*) FROM order_history") == tables.query("SELECT count(*) FROM orders")


def test_a_scheduler_and_workers_do_what_run_does(terminal: Terminal, tables: Tables, world: World) -> None:
    with serving(terminal, world):
        parts = [terminal.serve(name) for name in ("scheduler", "worker", "worker")]
        eventually(lambda: equal(tables, world))
        for part in parts:
            part.stop()


def test_a_killed_postgres_of_our_own_comes_back_and_reading_goes_on(
    homes: Homes, tmp_path: Path, world: World
) -> None:
    terminal = homes.migrated(tmp_path / "migrated")
    with serving(terminal, world):
        service = terminal.serve("run", *ANYWHERE)
        pid_file = terminal.home / "postgres" / "data" / "postmaster.pid"
        eventually(pid_file.exists)
        tables = Tables(terminal.run("db", "url").out.strip())
        eventually(lambda: equal(tables, world))
        postmaster = int(pid_file.read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        victim = next(o for o in world.shop("sandbox-1688").index.orders.values() if o.quirk != "sample")
        world.change("sandbox-1688", victim.order_id, "write_memo", now=datetime.now(UTC))
        eventually(lambda: equal(tables, world))
        assert int(pid_file.read_text().split()[0]) != postmaster
        service.stop()
    terminal.close()


def test_a_port_that_is_taken_is_one_clear_message(terminal: Terminal, tables: Tables, world: World) -> None:
    with serving(terminal, world), socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        terminal.run("console", "--listen", listen).assert_complains(
            listen, "already in use", "--listen", code=1
        )  # it may be free later: systemd tries again
        terminal.run("run", "--listen", "nonsense").assert_complains("nonsense", "address:port")


def test_without_a_database_it_says_so_and_ends(terminal: Terminal, world: World) -> None:
    terminal.variables["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    with serving(terminal, world):
        terminal.run("run", *ANYWHERE).assert_complains("cannot be reached")


def test_a_message_has_its_order_read_again_long_before_the_next_interval(
    terminal: Terminal, tables: Tables, world: World
) -> None:
    with serving(terminal, world, policy='[sync]\ninterval = "1h"\nlag = "0s"\nsweep = "1d every 1d"\n'):
        service = terminal.serve("run", *ANYWHERE)
        eventually(lambda: equal(tables, world))
        shop = world.shop("sandbox-ka")
        victim = next(o for o in shop.index.orders.values() if o.quirk != "sample" and o.state is State.TO_SHIP)
        world.change("sandbox-ka", victim.order_id, "ship", now=datetime.now(UTC))
        assert not equal(tables, world)
        path = f"/hooks/xportcn/sandbox-ka/{shop.account.hook_token}"
        answer = httpx.post(service.root + path, content=build_message(victim))
        assert answer.status_code == 200
        eventually(lambda: equal(tables, world))
        service.stop()


def test_nothing_the_service_writes_holds_a_secret_P8(terminal: Terminal, tables: Tables, world: World) -> None:
    """At its most talkative, in every trouble: refused credentials, pages for people, cut connections.

    One account is called like its own access key, so that every line about it holds a credential to be redacted.
    """
    terminal.variables["DATABASE_URL"] = with_password(tables.url)
    with serving(terminal, world, policy=PACE + '[log]\nlevel = "debug"\n') as sandbox:
        right = world.shop("sandbox-open").account.app_secret
        key = world.shop("sandbox-ka").account.app_id
        settings = terminal.settings.read_text().replace(right, WRONG)
        terminal.write(settings.replace('name = "sandbox-ka"', f'name = "{key}"'))
        sandbox.faults.set_rates({"html": 0.2, "garbled": 0.2, "reset": 0.2})
        service = terminal.serve("run", *ANYWHERE)
        eventually(lambda: tables.query("SELECT 1 FROM sync.accounts WHERE suspended_at IS NOT NULL"))
        token = world.shop("sandbox-ka").account.hook_token
        root = service.root
        for path in (f"/hooks/xportcn/{key}/{token}", f"/hooks/xportcn/nobody/{token}", "/metrics", "/healthz"):
            httpx.request("POST" if "hooks" in path else "GET", root + path)
        tables.query(CUT)
        sandbox.faults.clear()
        eventually(lambda: tables.query("SELECT 1 FROM orders WHERE account = %s", key))
        service.process.terminate()
        service.process.wait(STOP_SECONDS)
    written = service.said
    secrets = [each.app_secret for each in world.accounts] + [each.app_id for each in world.accounts]
    tokens = [each.hook_token for each in world.accounts if each.hook_token]
    assert '"level": "debug"' in written
    assert '"account": "***"' in written
    assert [secret for secret in [*secrets, *tokens, PASSWORD, WRONG] if secret in written] == []
