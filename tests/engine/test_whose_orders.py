"""Accounts of the settings and of the tables: who reads what, and whose orders are whose."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.support.story import Story


async def test_a_process_of_other_settings_plans_and_reads_nothing_and_others_go_on_P5(
    tell: Callable[..., Story],
) -> None:
    story = tell(orders=60)
    await story.sync("sandbox-ka")
    with psycopg.connect(story.url, autocommit=True) as session:
        session.execute("UPDATE sync.accounts SET seller = 'another'")
    calls = story.calls.total()
    outcomes = await story.sync("sandbox-ka", "sandbox-1688")
    [error] = outcomes["sandbox-ka"].errors
    assert "Give it one name in all settings files" in error
    assert outcomes["sandbox-1688"].errors == []
    assert story.calls.total() > calls
    assert outcomes["sandbox-ka"].calls == 0
