"""PgBouncer in front of the tests' server."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.cable import cable
from tests.support.terminal import eventually

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needed = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")


@asynccontextmanager
async def bouncer(url: str, mode: str, **settings: object) -> AsyncIterator[str]:
    """The URL of the same database through a PgBouncer of its own in this pool mode."""
    async with cable(url) as wire:  # the server's socket lies in a folder that other users may not enter
        with _running(wire.url, pool_mode=mode, **settings) as folder:
            yield f"postgresql://{conninfo_to_dict(url)['user']}@/orders?host={folder}"


@contextmanager
def _running(url: str, **settings: object) -> Iterator[Path]:
    """The folder with the socket of a PgBouncer in front of a database: a port might be taken before it is there."""
    assert PROGRAM is not None
    upstream = conninfo_to_dict(url)
    names = ("host", "port", "dbname", "user", "password")
    folder = Path(tempfile.mkdtemp(prefix="orders-sync-pgbouncer-"))
    lines = {"listen_addr": "", "listen_port": 5432, "unix_socket_dir": folder, "auth_type": "any", **settings}
    text = "[databases]\norders = " + " ".join(f"{name}='{upstream[name]}'" for name in names if name in upstream)
    text += "\n[pgbouncer]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())
    file = folder / "pgbouncer.ini"
    file.write_text(text, encoding="utf-8")
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PgBouncer does not run as root
        nobody = pwd.getpwnam("nobody")
        for path in (folder, file):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, str(file)], stdout=log, stderr=log, cwd="/", **user)
    try:
        eventually(lambda: _accepts(folder / ".s.PGSQL.5432"))
        yield folder
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
