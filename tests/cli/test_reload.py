"""SIGHUP has `run` and its parts read the settings again, without a restart and without losing anything."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.services import ANYWHERE, PACE, equal
from tests.support.terminal import STOP_SECONDS, Pause, Service, Terminal, eventually, platforms

pytestmark = pytest.mark.waits
RUNNING = "SELECT count(*) FROM sync.windows WHERE state = 'running'"


@pytest.fixture
def tables(terminal: Terminal, tables: Tables) -> Tables:
    terminal.variables["DATABASE_URL"] = tables.url
    return tables


@pytest.fixture
def root(world: World) -> Iterator[str]:
    with platforms(world) as (address, _):
        yield address


def reload(service: Service) -> None:
    """Send the signal, and wait until the new settings are in use."""
    before = starts(service)
    service.process.send_signal(signal.SIGHUP)
    eventually(lambda: starts(service) > before or service.process.poll() is not None)


def refused(service: Service, count: int) -> bool:
    return service.said.count("those read before stay in use") == count


def starts(service: Service) -> int:
    """How often it began with settings."""
    return service.said.count('"event": "running"') + service.said.count('"event":"running"')


def test_added_removed_and_renamed_accounts_take_effect(
    terminal: Terminal, tables: Tables, world: World, root: str
) -> None:
    terminal.describe(world, root, "sandbox-1688", "sandbox-ka", extra=PACE)
    service = terminal.serve("run", *ANYWHERE)
    eventually(lambda: equal(tables, world, "sandbox-1688", "sandbox-ka"))
    address = service.root
    terminal.describe(world, root, "sandbox-1688", "sandbox-open", extra=PACE)
    terminal.write(terminal.settings.read_text().replace('name = "sandbox-1688"', 'name = "shop"'))
    reload(service)
    eventually(lambda: equal(tables, world, "sandbox-open"))
    assert tables.query("SELECT name FROM sync.accounts WHERE removed_at IS NULL ORDER BY 1") == [
        ("sandbox-open",),
        ("shop",),
    ]
    changed: dict[str, list[str]] = {"added": ["sandbox-open", "shop"], "removed": ["sandbox-1688", "sandbox-ka"]}
    process = f"process {service.process.pid} on {socket.gethostname()}"
    assert tables.query("SELECT action, account, subject, details FROM sync.activity ORDER BY id") == [
        ("settings.reload", None, process, changed),
        ("account.rename", "shop", None, {"was": "sandbox-1688", "by": "the settings"}),
        ("account.remove", "sandbox-ka", None, {"by": "the settings"}),
    ]
    right = terminal.settings.read_text()
    terminal.write(right.replace('name = "sandbox-open"', 'name = "sandbox-open"\npage_size = 7'))
    reload(service)
    assert tables.query("SELECT action, details FROM sync.activity ORDER BY id DESC LIMIT 1") == [
        ("settings.reload", {"changed": ["sandbox-open"]}),
    ]
    eventually(lambda: httpx.get(f"{address}/readyz").status_code == 200)
    assert 'behind_seconds{account="shop"}' in httpx.get(f"{address}/metrics").text
    said = service.stop()
    assert "sandbox-1688 was renamed to shop" in said
    assert [line for line in said.splitlines() if not line.startswith("{")] == []


def test_a_reload_that_fails_is_one_line_and_leaves_the_settings_in_use(
    terminal: Terminal, tables: Tables, world: World, root: str
) -> None:
    """By wrong settings, where it cannot be recorded, and beside tables of another version."""
    terminal.describe(world, root, "sandbox-1688", extra=PACE)
    right = terminal.settings.read_text()
    service = terminal.serve("run", *ANYWHERE)
    eventually(lambda: equal(tables, world, "sandbox-1688"))
    for count, wrong in enumerate(
        ("[sync", f"{right}[log]\nlevel = 'x'\n[more]\n", "", right.replace('1688"', '"')), 1
    ):
        terminal.write(wrong)
        service.process.send_signal(signal.SIGHUP)
        eventually(partial(refused, service, count))
    assert starts(service) == 1
    victim = next(o for o in world.shop("sandbox-1688").index.orders.values() if o.quirk != "sample")
    world.change("sandbox-1688", victim.order_id, "write_memo", now=datetime.now(UTC))
    assert not equal(tables, world, "sandbox-1688")
    eventually(lambda: equal(tables, world, "sandbox-1688"))

    terminal.describe(world, root, "sandbox-ka", extra=PACE)
    tables.execute("ALTER TABLE sync.activity ADD CONSTRAINT none CHECK (action = '')")
    service.process.send_signal(signal.SIGHUP)
    eventually(lambda: refused(service, count + 1))
    tables.execute("ALTER TABLE sync.activity DROP CONSTRAINT none")
    [(ours,)] = tables.query("SELECT version_num FROM sync.alembic_version")
    tables.execute("UPDATE sync.alembic_version SET version_num = '9999'")
    service.process.send_signal(signal.SIGHUP)
    eventually(lambda: refused(service, count + 2))
    assert tables.query("SELECT count(*) FROM sync.accounts WHERE removed_at IS NOT NULL") == [(0,)]
    assert starts(service) == 1

    tables.execute("UPDATE sync.alembic_version SET version_num = %s", ours)
    reload(service)
    eventually(lambda: equal(tables, world, "sandbox-ka"))
    service.stop()


def test_a_window_in_flight_is_finished_or_handed_back_P5(
    terminal: Terminal, tables: Tables, world: World, root: str
) -> None:
    terminal.describe(world, root, "sandbox-1688", extra=PACE)
    with Pause(world, at=1) as pause:  # later ones may be those of a probe
        service = terminal.serve("run", *ANYWHERE)
        pause.wait()
        assert tables.query(RUNNING) != [(0,)]
        reload(service)
    eventually(lambda: equal(tables, world, "sandbox-1688"))
    assert "Traceback" not in service.said
    service.stop()
    assert tables.query(RUNNING) == [(0,)]


def test_an_account_that_becomes_misconfigured_stops_alone(
    terminal: Terminal, tables: Tables, world: World, root: str
) -> None:
    terminal.describe(world, root, extra=PACE)
    service = terminal.serve("run", *ANYWHERE)
    eventually(lambda: equal(tables, world))
    before, own = terminal.settings.read_text().split('name = "sandbox-ka"')
    terminal.write(f'{before}name = "sandbox-ka"\npage_size = 0{own}')
    reload(service)
    assert 'account_misconfigured{account="sandbox-ka"} 1.0' in httpx.get(f"{service.root}/metrics").text
    eventually(lambda: "sandbox-ka: misconfigured" in terminal.run("status").out)
    assert tables.query("SELECT count(*) FROM sync.accounts WHERE removed_at IS NOT NULL") == [(0,)]
    service.stop()


def test_every_part_of_the_service_reads_them_again(
    terminal: Terminal, tables: Tables, world: World, root: str
) -> None:
    terminal.describe(world, root, "sandbox-1688", extra=PACE)
    services = [terminal.serve(command, *ANYWHERE) for command in ("scheduler", "worker", "console")]
    eventually(lambda: all(map(starts, services)))
    terminal.describe(world, root, extra=PACE)
    for service in services:
        reload(service)
        assert '"accounts": 3' in service.said or '"accounts":3' in service.said, service.log.name
        service.stop()


@pytest.mark.parametrize("command", ["scheduler", "run"])
def test_sigterm_in_the_midst_of_it_ends_the_process(
    terminal: Terminal, tables: Tables, world: World, root: str, command: str
) -> None:
    terminal.describe(world, root, "sandbox-1688", extra=PACE)
    for _ in range(3):
        service = terminal.serve(command, *ANYWHERE)
        eventually(partial(starts, service))
        service.process.send_signal(signal.SIGHUP)
        eventually(partial(is_said, service, "using other settings"))
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(STOP_SECONDS) in (0, 143, -signal.SIGTERM)
        assert "Traceback" not in service.said


def is_said(service: Service, words: str) -> bool:
    return words in service.said


def test_requests_that_come_together_are_all_taken(terminal: Terminal, tables: Tables, world: World, root: str) -> None:
    terminal.describe(world, root, "sandbox-1688", extra=PACE)
    service = terminal.serve("scheduler", *ANYWHERE)
    eventually(lambda: starts(service))
    for _ in range(5):
        service.process.send_signal(signal.SIGHUP)
    terminal.describe(world, root, extra=PACE)
    reload(service)
    eventually(lambda: '"accounts": 3' in service.said or '"accounts":3' in service.said)
    service.stop()
