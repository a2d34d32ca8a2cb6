"""A password of the console that is typed: the one with which its person logs in."""

from __future__ import annotations

import asyncio
import getpass
import sys
from pathlib import Path

import pytest

from orders_sync.cli import console
from orders_sync.console import passwords
from orders_sync.domain.errors import UsageError
from tests.support.databases import Tables
from tests.support.terminal import Terminal

STORED = "SELECT password_hash FROM sync.console_people WHERE name = 'lin'"


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, terminal: Terminal) -> pytest.MonkeyPatch:
    """A terminal where `lin` may log in; `getpass` is to be replaced by what is typed."""
    terminal.run("console", "add", "lin", DATABASE_URL=url).assert_well()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    return monkeypatch


def test_white_space_around_it_does_not_count_as_in_the_log_in(typing: pytest.MonkeyPatch, url: str) -> None:
    for typed in ("correct horse battery", "  correct horse battery ", "correct horse battery\t"):
        change(typing, typed)
        [(stored,)] = Tables(url).query(STORED)
        assert asyncio.run(passwords.is_right("correct horse battery", stored)), repr(typed)


def test_one_that_could_not_be_checked_whole_is_refused(typing: pytest.MonkeyPatch, url: str) -> None:
    before = Tables(url).query(STORED)
    for typed in ("short", " " * 20, "x" * (passwords.LONGEST + 1)):
        with pytest.raises(UsageError, match=str(passwords.LONGEST)):
            change(typing, typed)
        assert Tables(url).query(STORED) == before, repr(typed)


def change(typing: pytest.MonkeyPatch, typed: str) -> None:
    """Change the password of `lin` to what is typed."""
    typing.setattr(getpass, "getpass", lambda _: typed)
    console.password("lin")
