"""The tests themselves: what several of them need is in `tests/support`, and quick ones start no Postgres."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.support import databases, quick
from tests.support.fork_server import ForkedCommand
from tests.support.terminal import Terminal, result

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))
IMPORT = re.compile(r"^[ \t]*(?:from ([\w.]+) import (\([^)]*\)|.*)|import (.*))", re.MULTILINE)


@pytest.fixture(scope="module")
def shared() -> None:
    """What a module's tests share."""


def test_tests_that_share_what_is_made_once_run_in_one_worker(shared: None, request: pytest.FixtureRequest) -> None:
    assert not hasattr(request.config, "workerinput") or request.node.nodeid.endswith("@tests/test_suite.py")


def test_no_test_imports_another_test_or_a_conftest() -> None:
    sideways = [
        f"{file.relative_to(TESTS)} imports {module}"
        for file in FILES
        for module in imported(file)
        if module.startswith("tests.") and module.split(".")[-1].startswith(("test_", "conftest"))
    ]
    assert sideways == []


@pytest.mark.parametrize("program", ["postgres", "/somewhere/bin/initdb", "orders-sync"])
def test_a_test_without_the_mark_db_can_start_no_server_and_not_the_whole_program(program: str) -> None:
    with pytest.raises(RuntimeError, match=r"pytest\.mark\.db"):
        subprocess.run([program, "--version"])


def test_what_a_run_without_databases_leaves_out_has_the_mark(request: pytest.FixtureRequest) -> None:
    assert all((TESTS / name).is_dir() for name in quick.FOLDERS)
    for item in request.session.items:
        if item.path.is_relative_to(TESTS) and item.path.relative_to(TESTS).parts[0] in quick.FOLDERS:
            assert item.get_closest_marker("db"), item.nodeid


@pytest.mark.db
def test_a_forked_command_does_what_a_started_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code, both streams, whether closed, full or of another encoding, folder, variables, a screen, a signal."""
    monkeypatch.setenv("ORDERS_SYNC_NONSENSE", "not for commands")
    terminal = Terminal(tmp_path, {"ORDERS_SYNC_DISPLAY__TIME_ZONE": "nowhere"})
    for command in (["order", "\x1b"], ["status", "--json"], ["order", "-"]):
        both = terminal.start(*command), terminal.start(*command, PYTHONHASHSEED="0")
        assert [type(process) for process in both] == [ForkedCommand, subprocess.Popen]
        forked_said, whole_said = map(result, both)
        assert forked_said == whole_said
    seen = terminal.on_screen(60, "snyc", both=True)
    assert seen == terminal.on_screen(60, "snyc", both=True, PYTHONHASHSEED="0")
    for line, variables in (
        ("orders-sync status >&- 2>&- <&-", {}),
        ("orders-sync config example >/dev/full", {}),
        (r"orders-sync order $'\xff'", {}),
        ("orders-sync config example", {"PYTHONIOENCODING": "utf-16"}),
    ):
        forked, whole = (terminal.shell(line, **variables, **more) for more in ({}, {"PYTHONHASHSEED": "0"}))
        assert (forked.returncode, forked.stdout, forked.stderr) == (whole.returncode, whole.stdout, whole.stderr), line
    process, _ = terminal.serve_sandbox()
    assert isinstance(process, ForkedCommand)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert (process.wait(), process.poll(), process.returncode) == (-signal.SIGKILL,) * 3
    terminal.close()


def test_a_forked_command_is_refused_without_the_mark_db(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"pytest\.mark\.db"):
        Terminal(tmp_path).run("--version")


def test_what_a_killed_run_left_in_memory_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "MEMORY", tmp_path)
    monkeypatch.setattr(databases, "MEMORY_NEEDED", 0)
    with subprocess.Popen(["true"]) as ended:
        pass
    (tmp_path / f"{databases.PREFIX}{ended.pid}-x").mkdir()
    (tmp_path / f"{databases.PREFIX}{os.getppid()}-x").mkdir()
    with databases.fast_folder() as folder:
        assert folder
        assert sorted(tmp_path.iterdir()) == sorted([folder, tmp_path / f"{databases.PREFIX}{os.getppid()}-x"])
    assert not folder.exists()
    monkeypatch.setattr(databases, "MEMORY_NEEDED", 2**60)
    with databases.fast_folder() as none:
        assert none is None


def test_databases_of_tests_and_their_sessions_end_and_none_is_left(server: str) -> None:
    def present(url: str) -> bool:
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        return bool(databases.Tables(server).query("SELECT 1 FROM pg_database WHERE datname = %s", name))

    with databases.temporary_databases(server) as made:
        with made.new("first") as first, psycopg.connect(first) as session:
            session.execute("SELECT 1")
        assert present(first)
        with made.new("second") as second, made.new("third") as third:
            session = psycopg.connect(third)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        assert [present(each) for each in (first, second, third)] == [False, True, False]
    assert not present(second)


def imported(file: Path) -> list[str]:
    """The modules and names that a file imports, by its text: a syntax tree of each file takes a second."""
    found = []
    for origin, names, modules in IMPORT.findall(file.read_text(encoding="utf-8")):
        each = re.findall(r"[\w.]+(?: as \w+)?", names or modules)
        found += [origin, *(f"{origin}.{name}".lstrip(".").split()[0] for name in each)]
    return found
