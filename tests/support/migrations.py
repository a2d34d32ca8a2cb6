"""Databases of former revisions, and migrations to a revision as `alembic` makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from alembic import config as alembic_config
from alembic.script import ScriptDirectory

from orders_sync.cli import databases
from orders_sync.cli.databases import Host
from tests.support.databases import Tables, made_database

ROOT = Path(__file__).parents[2]
_CONFIG = str(ROOT / "alembic.ini")
_COMMAND_LINE = alembic_config.CommandLine()
_SCRIPTS = ScriptDirectory.from_config(alembic_config.Config(_CONFIG))
REVISIONS = [each.revision for each in reversed(list(_SCRIPTS.walk_revisions()))]  # oldest first


def alembic(url: str, *words: str) -> None:
    """The command, in this process, with scripts and options that are read once: all take longer than what it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setattr(ScriptDirectory, "from_config", lambda _: _SCRIPTS)
        _COMMAND_LINE.main(["-c", _CONFIG, *words])


def bring_up(url: str) -> list[str]:
    """The migration of a command that writes; return the revisions it applied."""
    with closing(Host(url)) as host:
        return databases.bring_up(host)


@contextmanager
def former_databases(server: str) -> Iterator[Callable[[str], AbstractContextManager[Tables]]]:
    """A function that makes an empty database of a former revision.

    One database goes on from revision to revision and is copied, so ask for them in their order: each migration then
    runs once. Asked for an older revision, it goes back by the downgrades.
    """
    with made_database(server, "walking") as walking:
        name = walking.query("SELECT current_database()")[0][0]
        current = ""

        def made(revision: str) -> AbstractContextManager[Tables]:
            nonlocal current
            if revision != current:
                alembic(walking.url, "upgrade" if revision > current else "downgrade", revision)
            current = revision
            return made_database(server, f"before_{revision}", name)

        yield made
