"""What a command changed is one JSON object where it is asked for with --json, and standard error stays JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.terminal import Terminal

SHOP = "sandbox-ka"
ACCOUNTS = """
    INSERT INTO sync.accounts (name, platform, host, seller, feed, suspended_at, suspended_because) VALUES
    ('old', '1688', 'h', 's', 'updated', NULL, NULL), ('older', '1688', 'h', 't', 'updated', now(), 'no')
"""
BACKFILLS = """
    SELECT sync.request_backfills(ARRAY['old', 'older'], '2026-10-01', '2026-10-02');
"""
AUDIT = """
    INSERT INTO sync.audits (account, starts_at, ends_at, finished_at) VALUES ('old', now(), now(), now());
    INSERT INTO sync.audit_differences (audit_id, starts_at, ends_at, platform_orders, table_orders)
    SELECT id, now(), now(), 2, 1 FROM sync.audits
"""
ACTIONS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "pause": (
        ["accounts", "pause", SHOP, "--reason", "moves", "--until", "2199-01-01"],
        {"account": SHOP, "paused_because": "moves", "paused_until": "2199-01-01T00:00:00+08:00"},
    ),
    "resume": (["accounts", "resume", "older"], {"account": "older"}),
    "rename": (["accounts", "rename", "old", "new"], {"account": "new", "was": "old"}),
    "retire": (["accounts", "retire", "old"], {"account": "old"}),
    "merge": (["accounts", "merge", "old", "older"], {"account": "older", "merged": "old"}),
    "cancel": (["backfill", "cancel", "1"], {"backfill": 1, "request": None, "cancelled": 1}),
    "cancel a request": (["backfill", "cancel", "--request", "1"], {"backfill": None, "request": 1, "cancelled": 2}),
    "acknowledge": (["audit", "acknowledge", "1", "--reason", "known"], {"audit": 1, "acknowledged": 1}),
}


@pytest.fixture
def url(emptied_url: str) -> str:
    """One database of all tests here."""
    return emptied_url


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_prints_one_object(terminal: Terminal, url: str, world: World, action: str) -> None:
    terminal.variables["DATABASE_URL"] = url
    terminal.describe(world, "http://127.0.0.1:1", SHOP)
    tables = Tables(url)
    for statement in (ACCOUNTS, BACKFILLS, AUDIT):
        tables.execute(statement)
    arguments, expected = ACTIONS[action]
    said = terminal.run(*arguments, "--json").assert_well()
    assert expected.items() <= said.json.items()
    assert [line for line in said.err.splitlines() if set(json.loads(line)) != {"notice"}] == []
