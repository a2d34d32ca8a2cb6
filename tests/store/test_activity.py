"""What people did is kept whole, read in pages, and never in the way of what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from orders_sync.domain.activity import LONGEST_NAME, Action, Actor, Origin
from orders_sync.store import activity, identities
from orders_sync.store.database import Connection

ANA = Actor("ana", Origin.CONSOLE)


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ana", "ana"),
        ("  ana ", "ana"),
        ("", "unknown"),
        (" \t", "unknown"),
        ("a\x00b\x1b[2J", "a␀b␛[2J"),
        ("安娜", "安娜"),
        ("\ud800", "<U+D800>"),
        ("x" * 1000, "x" * LONGEST_NAME),
    ],
)
def test_an_actor_has_a_name_that_can_be_stored_and_shown(name: str, kept: str) -> None:
    assert Actor(name, Origin.CLI).name == kept


async def test_an_action_of_several_accounts_is_a_row_for_each(connection: Connection) -> None:
    details = {"from": datetime(2026, 11, 1, tzinfo=UTC), "ids": [1, 2]}
    await activity.record(
        connection, ANA, Action.BACKFILL_START, accounts=["a", "b"], subject="backfill 1", details=details
    )
    await activity.record(connection, ANA, Action.DATABASE_DUMP)
    whole, *rows = await activity.listed(connection)
    assert (whole.account, whole.subject, whole.details) == (None, None, {})
    assert sorted(str(each.account) for each in rows) == ["a", "b"]
    for each in rows:
        assert (each.actor, each.origin, each.action, each.subject) == (
            "ana",
            "console",
            "backfill.start",
            "backfill 1",
        )
        assert each.details == {"from": "2026-11-01T00:00:00+00:00", "ids": [1, 2]}
        assert each.role


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", {"a\x00": "\x00"}, ["\x00", ("\ud800",)]], ids=repr)
async def test_details_and_subjects_that_postgres_cannot_store_are_replaced_and_do_not_stop_the_action(
    connection: Connection, value: Any
) -> None:
    await activity.record(connection, ANA, Action.ACCOUNT_PAUSE, subject=str(value), details={"reason": value})
    [found] = await activity.listed(connection)
    assert set(str(found.details)) & {"␀", "�"}
    assert "\x00" not in str(found.subject)


async def test_pages_by_the_last_number_bring_every_row_once_while_new_ones_come(connection: Connection) -> None:
    for number in range(7):
        await activity.record(connection, ANA, Action.REJECTS_REPLAY, subject=str(number))
    pages, before = [], None
    while page := await activity.listed(connection, before=before, limit=3):
        pages += page
        before = page[-1].id
        await activity.record(connection, ANA, Action.REJECTS_REPLAY, subject="new")
    assert [each.subject for each in pages] == ["6", "5", "4", "3", "2", "1", "0"]


async def test_rows_are_found_by_account_person_kind_and_time(connection: Connection) -> None:
    await activity.record(connection, ANA, Action.ACCOUNT_PAUSE, account="a")
    await activity.record(connection, Actor("ben", Origin.CLI), Action.ACCOUNT_RESUME, account="b")
    newest, oldest = await activity.listed(connection)
    for asked, found in (
        ({"account": "a"}, [oldest]),
        ({"actor": "ben"}, [newest]),
        ({"action": "account.pause"}, [oldest]),
        ({"since": newest.at}, [newest]),
        ({"since": newest.at + timedelta(hours=1)}, []),
        ({"account": "nobody"}, []),
    ):
        assert await activity.listed(connection, **asked) == found


async def test_kinds_of_a_newer_version_are_shown_as_they_are(connection: Connection) -> None:
    await connection.execute("INSERT INTO sync.activity (actor, origin, action) VALUES ('', 'cli', 'moon.land')")
    [found] = await activity.listed(connection)
    assert (found.actor, found.action) == ("", "moon.land")


async def test_an_account_that_gets_another_name_keeps_what_was_done_to_it(connection: Connection, url: str) -> None:
    shop = "INSERT INTO sync.accounts (name, platform, host, seller, feed) VALUES (%s, '1688', %s, 's', 'updated')"
    for name in ("old", "other"):
        await connection.execute(shop, [name, name])
        await activity.record(connection, ANA, Action.ACCOUNT_PAUSE, account=name)
    with psycopg.connect(url, autocommit=True) as session:
        identities.rename(session, ANA, "old", "new")
        assert [(each.action, each.details) for each in await activity.listed(connection, account="new")] == [
            ("account.rename", {"was": "old"}),
            ("account.pause", {}),
        ]
        identities.merge(session, ANA, "new", "other")
    assert [each.action for each in await activity.listed(connection, account="other")] == [
        "account.merge",
        "account.rename",
        "account.pause",
        "account.pause",
    ]
