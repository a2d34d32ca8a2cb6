"""What probes found of an account's platform: `probe` in `sync.accounts.observed`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

import msgspec
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from orders_sync.domain.assumptions import Found, Probe
from orders_sync.domain.sanitize import sanitize
from orders_sync.store.database import Connection
from orders_sync.store.schema import Session

AGAIN = timedelta(hours=1)  # after a probe that a fault ended, or that saw no orders

_READ = "SELECT name, observed -> 'probe' FROM sync.accounts WHERE observed ? 'probe' AND name = ANY(%s)"
_KEEP = """
    UPDATE sync.accounts SET observed = coalesce(observed, '{}') || jsonb_build_object('probe',
        coalesce(observed -> 'probe', '{}') || jsonb_build_object(%s::text, clock_timestamp()) || %s)
    WHERE name = %s
"""


async def now(connection: Connection) -> datetime:
    """The database's time."""
    cursor = connection.cursor(row_factory=scalar_row)
    return cast("datetime", await (await cursor.execute("SELECT clock_timestamp()")).fetchone())


async def begin(connection: Connection, account: str) -> bool:
    """Take the account's automatic probe, and return whether it is ours.

    None has come to its end, and nobody began one lately.
    """
    cursor = await connection.execute(
        _KEEP
        + """
        AND observed -> 'probe' -> 'answers' IS NULL
        AND coalesce((observed -> 'probe' ->> 'begun_at')::timestamptz < clock_timestamp() - %s::interval, true)
        """,
        ["begun_at", Jsonb({}), account, AGAIN],
    )
    return cursor.rowcount == 1


async def keep(connection: Connection, account: str, answers: Mapping[str, Found]) -> None:
    """Keep the answers instead of those of an earlier probe."""
    kept = Jsonb({"answers": msgspec.to_builtins(answers), "fault": ""})
    await connection.execute(_KEEP, ["probed_at", kept, account])


async def keep_fault(connection: Connection, account: str, fault: str) -> None:
    """Keep why a probe came to no end. The answers of an earlier one stay."""
    await connection.execute(_KEEP, ["failed_at", Jsonb({"fault": sanitize(fault)}), account])


def kept(connection: Session, accounts: list[str]) -> dict[str, Probe]:
    """What is kept of these accounts, by their names; those that came to no answer are left out."""
    rows = connection.execute(_READ.encode(), [accounts]).fetchall()
    found = {str(name): msgspec.convert(probe, Probe) for name, probe in rows}
    return {name: probe for name, probe in found.items() if probe.answers}
