"""The processes of the service, as they report themselves in `sync.processes`: one row per process that runs.

start      a row, with version and parts
every 10 s `seen_at` is set
stop       the row is deleted; a process that was killed leaves it behind
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from psycopg.types.json import Jsonb

from orders_sync.store import schema
from orders_sync.store.database import Connection

FORGOTTEN_AFTER = "10 minutes"  # without a heartbeat, until any other process deletes the row

_REPORT = f"""
WITH gone AS (
    DELETE FROM sync.processes WHERE seen_at < clock_timestamp() - interval '{FORGOTTEN_AFTER}' AND id <> %(id)s
)
INSERT INTO sync.processes (id, parts, version, tables, host, pid, accounts, misconfigured, failing, seen_at)
VALUES (
    %(id)s, %(parts)s, %(version)s, %(tables)s, %(host)s, %(pid)s, %(accounts)s, %(misconfigured)s, %(failing)s,
    clock_timestamp()
)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, misconfigured = excluded.misconfigured,
    failing = excluded.failing
"""


@dataclass(frozen=True, slots=True)
class ReportedAccounts:
    """The accounts of a process's settings by name, and by name why it cannot read or plan one."""

    names: Sequence[str] = ()
    misconfigured: Mapping[str, str] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)


async def report(
    connection: Connection,
    id_: str,
    parts: Sequence[str],
    host: str,
    pid: int,
    accounts: ReportedAccounts | None = None,
) -> None:
    """Record that this process is alive, and delete those that were silent for `FORGOTTEN_AFTER`."""
    accounts = accounts or ReportedAccounts()
    values = {
        "id": id_,
        "parts": list(parts),
        "version": version("orders-sync"),
        "tables": schema.HEAD,
        "host": host,
        "pid": pid,
        "accounts": list(accounts.names),
        "misconfigured": Jsonb(dict(accounts.misconfigured)),
        "failing": Jsonb(dict(accounts.failing)),
    }
    await connection.execute(_REPORT.encode(), values)


async def remove(connection: Connection, id_: str) -> None:
    """Record that this process has stopped."""
    await connection.execute("DELETE FROM sync.processes WHERE id = %s", [id_])
