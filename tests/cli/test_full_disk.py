"""A disk that is full, for real: a file system of a few megabytes. Only where the tests may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from orders_sync import embedded_postgres
from tests.support.databases import Tables
from tests.support.homes import Homes
from tests.support.landed import a_world
from tests.support.terminal import Terminal, platforms, working_folder

pytestmark = pytest.mark.waits
LARGE = "700m"
WHOLE = {"PYTHONHASHSEED": "0"}  # starts the program, which waits for a database that is away as long as in use
ROOM = 8 * 2**20  # bytes: for the orders, and half of what another file of the write-ahead log takes
# bytes for which the files of the write-ahead log are there
LOG_LEFT = """
SELECT 2 ^ 24 * (1 + (SELECT count(*) FROM pg_ls_waldir() WHERE name > file_name)) - file_offset
FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None or mount(folder, f"size={LARGE}") != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    stop_servers(folder)
    if subprocess.run(["umount", str(folder)], capture_output=True).returncode != 0:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(folder: Path, options: str) -> int:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode


def test_full_disk_is_one_message_and_with_more_room_the_next_run_catches_up_P1(small_disk: Path, homes: Homes) -> None:
    """The write-ahead log finds no room, by which the server ends."""
    world = a_world(90)
    terminal = homes.migrated(small_disk)
    with platforms(world) as (root, _):
        terminal.describe(world, root)
        with embedded_postgres.running(terminal.home) as server:
            fill_log(Tables(server.url))
            assert mount(small_disk, f"remount,size={shutil.disk_usage(small_disk).used + ROOM}") == 0
            terminal.run("sync", **WHOLE).assert_complains("No space left on device", "room")
            assert "PANIC" in server.log.read_text()
            assert mount(small_disk, f"remount,size={LARGE}") == 0
        # so that the next run need not wait for what the first one held
        with embedded_postgres.running(terminal.home) as server:
            Tables(server.url).execute("UPDATE sync.windows SET lease_until = now() WHERE state = 'running'")
        terminal.run("sync").assert_well()
        terminal.run("verify", root).assert_well()
    terminal.close()


def fill_log(tables: Tables) -> None:
    """Leave a tenth of a megabyte in the files of the write-ahead log."""
    [(left,)] = tables.query(LOG_LEFT)
    tables.query("SELECT pg_logical_emit_message(false, '', repeat('x', %s))", int(left) - 100_000)


def test_a_dump_that_finds_no_room_names_its_file_and_leaves_nothing(
    small_disk: Path, terminal: Terminal, url: str
) -> None:
    assert mount(small_disk, "remount,size=16k") == 0
    file = small_disk / "orders.dump"
    said = terminal.run("db", "dump", str(file), DATABASE_URL=url).assert_complains(str(file), "more room", code=69)
    assert "nothing of it is left" in said
    assert list(small_disk.iterdir()) == []


def stop_servers(folder: Path) -> None:
    """Whatever a command that was killed, or hung, left running on this file system."""
    left = [process for process in psutil.process_iter() if working_folder(process).startswith(f"{folder}/")]
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=120)
