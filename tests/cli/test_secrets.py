"""P8: no secret and no password in what is printed, stored, or shown in a process list, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from orders_sync import settings
from orders_sync.sandbox import Faults
from tests.support.databases import made_database
from tests.support.landed import a_world
from tests.support.passwords import PASSWORD, WRONG, with_password
from tests.support.terminal import Said, Terminal, closed_port, platforms, result

pytestmark = pytest.mark.waits
FAULTS = ("reset", "html", "http_5xx", "flow_limit")
ACCOUNT = f"""
[[accounts]]
name = "kingdo"
platform = "1688"
seller_nick = "kingdo"
app_id = "app"
app_secret = "{WRONG}"
history_from = "2025-01-01"
"""
MALFORMED = {
    "quote missing": ACCOUNT.replace(f'{WRONG}"', WRONG),
    "misspelt key": ACCOUNT.replace("app_secret", "app_secrte"),
    "in the address": ACCOUNT.replace("[[accounts]]", f'[[accounts]]\nbase_url = "https://me:{WRONG}@kf.fw199.com"'),
    "in the database's URL": f'[database]\nurl = "postgres//me:{PASSWORD}@db/orders"\n{ACCOUNT}',
}


@dataclass(frozen=True)
class Heard:
    """Everything that was said, by what went wrong, and what must not be in it."""

    said: dict[str, Said]
    stored: str
    redacted: tuple[str, ...]


@pytest.fixture(scope="module")
def heard(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    """One account after the other in trouble; the first call meets every fault, one a try."""
    world = a_world(60)
    terminals: list[Terminal] = []

    def terminal(text: str, url: str | None) -> Terminal:
        made = Terminal(tmp_path_factory.mktemp("secrets"), {"DATABASE_URL": url} if url else {})
        made.write(text)
        terminals.append(made)
        return made

    with (
        made_database(server, "secrets", template) as tables,
        platforms(world, Faults(script=FAULTS, retry_after=0)) as (root, sandbox),
        closed_port() as port,
    ):
        url = with_password(tables.url)
        own = terminal("", url)
        own.describe(world, root, "sandbox-ka")
        right = own.settings.read_text()
        said = {"faults": own.run("sync")}
        assert set(sandbox.faults.counts) == set(FAULTS)
        sandbox.faults.set_rates({"html": 1.0}, "sandbox-open")
        wrong = terminal(right.replace(world.shop("sandbox-ka").account.app_secret, WRONG), url)
        lost = terminal(right, f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/orders")
        page = terminal("", url)
        page.describe(world, root, "sandbox-open", extra="[sync]\nretries = 1")
        running = {
            "wrong secret": wrong.start("sync"),
            "wrong secret, doctor": wrong.start("doctor", "--json"),
            "a page for people": page.start("sync", "--json"),
            "a page for people, doctor": page.start("doctor"),
            "no database": lost.start("sync"),
            "no database, doctor": lost.start("doctor"),
            "no database, migrate": lost.start("migrate"),
            **{f"settings, {kind}": terminal(text, None).start("sync") for kind, text in MALFORMED.items()},
        }
        said |= {kind: result(process) for kind, process in running.items()}
        said["status"] = own.run("status")
        secrets = (WRONG, PASSWORD, *(account.app_secret for account in world.accounts))
        yield Heard(said, tables.everything(), secrets)
        for each in terminals:
            each.close()


def test_whatever_goes_wrong_no_secret_is_printed_P8(heard: Heard) -> None:
    for kind, said in heard.said.items():
        assert said.text, kind
        assert [secret for secret in heard.redacted if secret in said.text] == [], kind


def test_everything_that_should_go_wrong_did(heard: Heard) -> None:
    """Else the test above would look at nothing."""
    assert {kind for kind, said in heard.said.items() if said.code == 0} == {"faults", "status"}


def test_no_secret_is_in_the_database_P8(heard: Heard) -> None:
    assert "sandbox-ka" in heard.stored
    assert [secret for secret in heard.redacted if secret in heard.stored] == []


def test_no_password_is_in_the_process_list_while_psql_runs_P8(terminal: Terminal, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN up")
        connection.execute("SELECT pg_advisory_lock(1)")
        shell = terminal.start(
            *("db", "shell", "--", "-q", "-c", "NOTIFY up", "-c", "SELECT pg_advisory_lock(1)"),
            DATABASE_URL=with_password(url),
        )
        assert next(connection.notifies(timeout=300, stop_after=1), None), "psql never came"
        family = [psutil.Process(shell.pid), *psutil.Process(shell.pid).children(recursive=True)]
        lines = []
        for each in family:
            with suppress(psutil.NoSuchProcess):  # one that ended meanwhile
                lines.append(" ".join(each.cmdline()))
        connection.execute("SELECT pg_advisory_unlock(1)")
    assert any("psql" in line for line in lines)
    assert [line for line in lines if PASSWORD in line] == []
    result(shell).assert_well()


def test_no_secret_is_in_a_repr_P8(tmp_path: Path) -> None:
    file = tmp_path / "orders_sync.toml"
    file.write_text(f'[database]\nurl = "postgresql://me:{PASSWORD}@db/orders"\n{ACCOUNT}')
    found = settings.load(file, {})
    [account] = found.accounts
    ready = account.account()
    shown = " ".join(f"{each!r} {each}" for each in (found, found.database, account, ready))
    assert "kingdo" in shown
    assert [secret for secret in (WRONG, PASSWORD) if secret in shown] == []
