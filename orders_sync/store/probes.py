"""Observations of what a platform does where no document says it, by account: `sync.accounts.observed`.

page_size   the most rows a page that reads were given
probe       the answers of the newest probe
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from psycopg.types.json import Jsonb

from orders_sync.domain.assumptions import Probe, ProbeAnswer
from orders_sync.domain.sanitize import sanitize
from orders_sync.store.database import Connection, Session
from orders_sync.store.pauses import IS_PAUSED
from orders_sync.store.queries import select_dict

REPROBE_AFTER = timedelta(hours=1)  # after a probe that a fault ended, or that saw no orders

_READ = "SELECT name, observed -> 'probe' FROM sync.accounts WHERE observed ? 'probe' AND name = ANY(%s)"
_KEEP = """
    UPDATE sync.accounts AS a SET observed = coalesce(observed, '{}') || jsonb_build_object('probe',
        coalesce(observed -> 'probe', '{}') || jsonb_build_object(%s::text, clock_timestamp()) || %s)
    WHERE name = %s
"""


async def record_page_size(connection: Connection, account: str, rows: int) -> None:
    """Store the most rows a page that the platform gives, where more were asked for."""
    await connection.execute(
        "UPDATE sync.accounts SET observed = coalesce(observed, '{}') || %s WHERE name = %s",
        [Jsonb({"page_size": rows}), account],
    )


async def begin(connection: Connection, account: str) -> bool:
    """Begin the automatic probe; return False if one has ended, or was begun less than `REPROBE_AFTER` ago.

    Also for an account that was paused while it was read: no further call is made for it.
    """
    cursor = await connection.execute(
        _KEEP
        + f"""
        AND NOT {IS_PAUSED}
        AND observed -> 'probe' -> 'answers' IS NULL
        AND coalesce((observed -> 'probe' ->> 'begun_at')::timestamptz < clock_timestamp() - %s::interval, true)
        """,
        ["begun_at", Jsonb({}), account, REPROBE_AFTER],
    )
    return cursor.rowcount == 1


async def keep(connection: Connection, account: str, answers: Mapping[str, ProbeAnswer]) -> None:
    """Store the answers of a probe instead of those of an earlier one."""
    kept = Jsonb({"answers": msgspec.to_builtins(answers), "fault": ""})
    await connection.execute(_KEEP, ["probed_at", kept, account])


async def keep_fault(connection: Connection, account: str, fault: str) -> None:
    """Store why a probe could not be finished. The answers of an earlier one stay."""
    await connection.execute(_KEEP, ["failed_at", Jsonb({"fault": sanitize(fault)}), account])


def stored(connection: Session, accounts: list[str]) -> dict[str, Probe]:
    """Return the stored probes of these accounts by name, without those that have no answers."""
    found = select_dict(connection, _READ, [accounts], dict[str, Probe])
    return {name: probe for name, probe in found.items() if probe.answers}
