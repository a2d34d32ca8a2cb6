"""Whatever becomes of a command's streams, its arguments and its user: one message at most, never a traceback."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys

import pytest

from orders_sync.cli import output
from orders_sync.domain.errors import EmbeddedError
from orders_sync.embedded_postgres import default_home
from tests.support.landed import Landed
from tests.support.terminal import Terminal, result

READERS = ("status", "status --json", "accounts list", "doctor", "--help", "db url")


def faults(said: subprocess.CompletedProcess[bytes]) -> bytes:
    """Return the errors of a command, without remarks on an account."""
    lines = said.stderr.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"sandbox-"))


@pytest.mark.parametrize("command", READERS)
def test_a_closed_full_or_unread_output_ends_in_one_message_at_most(landed: Landed, command: str) -> None:
    usual = landed.terminal.shell(f"orders-sync {command} >/dev/null")  # doctor may find something; then it ends with 1
    closed = landed.terminal.shell(f"orders-sync {command} >&-")
    assert (closed.returncode, faults(closed)) == (usual.returncode, faults(usual))
    neither = landed.terminal.shell(f"orders-sync {command} >&- 2>&- <&-")
    assert neither.returncode == usual.returncode
    full = landed.terminal.shell(f"orders-sync {command} >/dev/full")
    [said] = faults(full).decode().splitlines()
    words = "cannot write the output: No space left on device"
    as_json = json.dumps({"error": words, "kind": "failed", "exit_code": 1})
    assert (full.returncode, said) == (1, as_json if "--json" in command else f"orders-sync: {words}")
    unread = landed.terminal.shell(f"orders-sync {command} | head -c 0; exit ${{PIPESTATUS[0]}}")
    assert (unread.returncode, faults(unread)) == (1, b"")


def test_a_sync_with_closed_streams_reads_as_always(landed: Landed) -> None:
    """A socket that is given the number of a closed stream would be written to."""
    for closed in (">&-", "2>&-", ">&- 2>&- <&-"):
        assert landed.terminal.shell(f"orders-sync sync {closed}").returncode == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "gbk", "latin-1", "utf-16"])
def test_json_is_json_in_every_encoding(landed: Landed, encoding: str) -> None:
    [(order_id, title)] = landed.tables.query(
        "SELECT order_id, title FROM product_items WHERE title <> '' ORDER BY platform, order_id LIMIT 1"
    )
    said = landed.terminal.shell(f"orders-sync order {order_id} --json", PYTHONIOENCODING=encoding)
    assert (said.returncode, said.stderr) == (0, b"")
    assert title in [each["title"] for each in json.loads(said.stdout.decode(encoding))[0]["product_items"]]
    raw = landed.terminal.shell(f"orders-sync order {order_id} --raw", PYTHONIOENCODING=encoding)
    assert title in json.dumps(json.loads(raw.stdout), ensure_ascii=False)
    assert landed.terminal.shell(f"orders-sync order {order_id}", PYTHONIOENCODING=encoding).returncode == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "gbk", "latin-1", "utf-16"])
def test_json_is_json_though_the_encoding_knows_none_of_it(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a stream writes an escape of Python instead of a letter, which is an escape of JSON only by chance."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding, errors="backslashreplace"))
    value = {"é": "café 跨境 😀 \x9b\u202e \ud800"}
    output.print_json(value)
    sys.stdout.flush()
    assert json.loads(written.getvalue().decode(encoding)) == value


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "xx_YY.junk"},
        {"TERM": "", "COLUMNS": "x"},
        {"COLUMNS": "0"},
        {"TZ": "nowhere/x", "TMPDIR": "/nowhere"},
    ],
)
def test_an_environment_that_says_little_is_enough(landed: Landed, variables: dict[str, str]) -> None:
    said = landed.terminal.shell("orders-sync status", **variables)
    assert (said.returncode, b"orders-sync" in said.stderr, b"Traceback" in said.stderr) == (0, False, False)
    assert all(account.name.encode() in said.stdout for account in landed.world.accounts)


def test_a_folder_that_is_gone_is_no_hindrance(landed: Landed) -> None:
    assert landed.terminal.shell("mkdir gone && cd gone && rmdir ../gone && orders-sync status").returncode == 0


@pytest.mark.parametrize(
    ("command", "argument"),  # what is no text does not depend on where it stands
    [
        *(("order", argument) for argument in (r"\xff\xfe", r"\e[2J", r"38\x07", r"\xc2\x9b2J")),
        *((command, r"\e[2J") for command in ("accounts resume", "sync --account", "status --config", "")),
    ],
)
def test_an_argument_that_is_no_text_is_refused_and_not_obeyed(landed: Landed, command: str, argument: str) -> None:
    said = landed.terminal.shell(f"orders-sync {command} $'{argument}'")
    assert (said.returncode, said.stdout) == (2, b"")
    assert said.stderr.decode().rstrip("\n").isprintable()
    assert said.stderr.startswith(b"orders-sync: argument ")


@pytest.mark.parametrize("pasted", [" {} ", "#{}", "\u200e{}\u202c", "\ufeff{}\n", "\u3000{}"])
def test_a_number_is_found_as_it_is_pasted(landed: Landed, pasted: str) -> None:
    [(order_id,)] = landed.tables.query("SELECT order_id FROM orders ORDER BY platform, order_id LIMIT 1")
    [found] = landed.terminal.run("order", pasted.format(order_id), "--json").assert_well().json
    assert found["order"]["order_id"] == order_id


@pytest.mark.parametrize("year", ["0001-01-01", "1998-12-31", "3000-01-01", "9999-12-31T23:59:59-12:00"])
def test_a_date_no_platform_knows_is_one_sentence(landed: Landed, year: str) -> None:
    asked = [
        landed.terminal.start("audit", "--from", year),
        landed.terminal.start("backfill", "--account", "sandbox-ka", "--from", "2026-01-01", "--to", year, "-y"),
    ]
    for process in asked:
        result(process).assert_complains("must lie between 1999 and 2200", year)


def test_version_and_what_was_nearly_typed(terminal: Terminal) -> None:
    assert terminal.run("--version").assert_well().out.startswith("orders-sync 0.")
    asked = {
        "'sync'": ["snyc"],
        "'shell'": ["db", "shll"],
        "--account": ["sync", "--acount", "x"],
        "--version": ["--verson"],
    }
    for meant, arguments in asked.items():
        said = terminal.run(*arguments)
        assert (said.code, said.out) == (2, "")
        assert meant in said.err


def test_help_shows_brackets_as_they_are_written_and_commands_by_use(terminal: Terminal) -> None:
    helps = {
        "[service]": ["run", "-h"],
        "[database] listen": ["db", "serve", "-h"],
        "[retention]": ["renormalize", "-h"],
    }
    for words, arguments in helps.items():
        assert words in terminal.on_screen(100, *arguments).out
    said = terminal.on_screen(80, "-h").out
    places = [said.index(panel) for panel in ("─ Daily ", "─ Repair ", "─ Setup ", "─ Try ")]
    assert places == sorted(places)
    assert "Exit codes: 0 done" in said


@pytest.fixture
def interrupted_early(terminal: Terminal) -> None:
    """SIGINT the moment the program's own code begins to be imported."""
    hook = terminal.folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import importlib.abc, os, signal, sys\n"
        "class Hook(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == os.environ['INTERRUPT_AT']:\n"
        "            sys.meta_path.remove(self)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Hook())\n"
    )
    terminal.variables["PYTHONPATH"] = str(hook)


@pytest.mark.parametrize("module", ["typer", "httpx", "psycopg", "rich.text"])
@pytest.mark.usefixtures("interrupted_early")
def test_ctrl_c_while_it_starts_is_no_traceback(terminal: Terminal, module: str) -> None:
    """Before it asks for its database."""
    said = terminal.run("status", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing", INTERRUPT_AT=module)
    assert said.code in (-signal.SIGINT, 130)
    assert "Traceback" not in said.err


def test_a_user_without_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.delenv("ORDERS_SYNC_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("4242")))
    with pytest.raises(EmbeddedError, match="set ORDERS_SYNC_HOME"):
        default_home()
    monkeypatch.setenv("ORDERS_SYNC_HOME", "~nobody-of-this-name/x")
    with pytest.raises(EmbeddedError, match="set ORDERS_SYNC_HOME"):
        default_home()


@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/below", "/proc/nowhere"])
def test_a_home_that_cannot_be_one_is_one_sentence(terminal: Terminal, home: str) -> None:
    for process in [terminal.start(*command, ORDERS_SYNC_HOME=home) for command in (["status"], ["demo"])]:
        result(process).assert_complains("embedded Postgres", "DATABASE_URL")
    if home.startswith("/proc"):
        return  # nothing is there yet, which is no fault before something is to be made
    said = terminal.run("doctor", ORDERS_SYNC_HOME=home)
    assert said.code == 1
    assert "✗ database: the embedded Postgres" in said.out
