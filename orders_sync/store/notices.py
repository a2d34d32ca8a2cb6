"""The problems that people were sent notices about, and the notices that wait for a messenger to accept them.

One process at a time decides what a notice says (`deciding`), and one sends a notice (`take`), however many run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from orders_sync.domain.problems import ProblemKind
from orders_sync.store import locks
from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_row, fetch_rows, fetch_value

TAKEN_FOR = timedelta(minutes=2)  # of a process that sends a notice; after that any may
GIVEN_UP = timedelta(days=1)  # after a notice was made
STATEMENT_TIMEOUT_MS = 10_000

_KNOWN = """
SELECT kind, subject, began_at, gone_at, noticed_at, amount, times FROM sync.notices WHERE kind <> 'backfill'
"""
_FORGET = "DELETE FROM sync.notices WHERE kind <> 'backfill'"
_REMEMBER = """
INSERT INTO sync.notices (kind, subject, began_at, gone_at, noticed_at, amount, times)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

# by request, once all of it has ended: what a person cancelled needs no notice
_ENDED_BACKFILLS = """
WITH ended AS (
    SELECT DISTINCT coalesce(request_id, id) AS request FROM sync.backfills
    WHERE finished_at > clock_timestamp() - %(age)s
)
SELECT e.request, count(*) FILTER (WHERE b.state = 'done') AS done, count(*) FILTER (WHERE b.state = 'failed') AS failed
FROM ended AS e JOIN sync.backfills AS b ON coalesce(b.request_id, b.id) = e.request
WHERE NOT EXISTS (SELECT FROM sync.notices AS n WHERE n.kind = 'backfill' AND n.subject = '#' || e.request)
GROUP BY e.request
HAVING bool_and(b.state IN ('done', 'failed', 'cancelled')) AND bool_or(b.state <> 'cancelled')
ORDER BY e.request
"""
_NOTICE_BACKFILLS = """
INSERT INTO sync.notices (kind, subject, began_at, noticed_at)
SELECT 'backfill', subject, clock_timestamp(), clock_timestamp() FROM unnest(%s::text[]) AS subject
ON CONFLICT DO NOTHING
"""
_FORGET_BACKFILLS = "DELETE FROM sync.notices WHERE kind = 'backfill' AND noticed_at < clock_timestamp() - %s"

_ENQUEUE = """
INSERT INTO sync.outgoing_notices (level, title, body, channels) VALUES (%s, %s, %s, %s)
"""
_TAKE = """
UPDATE sync.outgoing_notices SET try_at = clock_timestamp() + %(taken_for)s, tries = tries + 1
WHERE id = (
    SELECT id FROM sync.outgoing_notices
    WHERE sent_at IS NULL AND given_up_at IS NULL AND try_at <= clock_timestamp()
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, level, title, body, channels, tries, made_at, made_at < clock_timestamp() - %(given_up)s AS is_last
"""
_TRIED = """
UPDATE sync.outgoing_notices
SET channels = %(refused)s, error = %(error)s, try_at = clock_timestamp() + %(delay)s,
    sent_at = CASE WHEN %(refused)s::text[] = '{}' THEN clock_timestamp() END,
    given_up_at = CASE WHEN %(is_last)s AND %(refused)s::text[] <> '{}' THEN clock_timestamp() END
WHERE id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """A problem that was there at an earlier pass. `subject`: the account, empty for the service as a whole.

    `began_at`: since when it is there; `gone_at`: since when it is gone, None while it is there; `noticed_at`: when a
    notice of it was made, None while none was; `amount`: the smallest number since that notice; `times`: notices of it
    since it was last gone for a day.
    """

    kind: ProblemKind
    subject: str
    began_at: datetime
    gone_at: datetime | None = None
    noticed_at: datetime | None = None
    amount: int = 0
    times: int = 0


@dataclass(frozen=True, slots=True)
class EndedBackfill:
    """A request for a backfill of which every part has ended: how many accounts were done, how many failed."""

    request: int
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice that waits to be sent. `channels`: those that have not accepted it; `is_last`: the last try."""

    id: int
    level: str
    title: str
    body: str
    channels: list[str]
    tries: int
    made_at: datetime
    is_last: bool


@asynccontextmanager
async def deciding(connection: Connection) -> AsyncIterator[bool]:
    """Open the transaction in which one process decides. Yield False where another one does."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")
        yield await fetch_value(connection, "SELECT pg_try_advisory_xact_lock(%s)", [locks.NOTICES], bool)


async def known(connection: Connection) -> list[KnownProblem]:
    """Return the problems of earlier passes."""
    return await fetch_rows(connection, _KNOWN, None, KnownProblem)


async def remember(connection: Connection, before: Sequence[KnownProblem], now: Sequence[KnownProblem]) -> None:
    """Keep these problems in place of those before. Writes nothing where they are the same."""
    if {*before} == {*now}:
        return
    await connection.execute(_FORGET)
    async with connection.cursor() as cursor:
        await cursor.executemany(_REMEMBER.encode(), [astuple(each) for each in now])


async def ended_backfills(connection: Connection, age: timedelta = GIVEN_UP) -> list[EndedBackfill]:
    """Return the requests for backfills that ended within `age` and of which no notice was made, by number."""
    return await fetch_rows(connection, _ENDED_BACKFILLS, {"age": age}, EndedBackfill)


async def record_backfills(connection: Connection, requests: Collection[int]) -> None:
    """Remember that a notice of these requests was made; forget those of three days ago."""
    await connection.execute(_NOTICE_BACKFILLS, [[f"#{each}" for each in requests]])
    await connection.execute(_FORGET_BACKFILLS, [3 * GIVEN_UP])


async def enqueue(connection: Connection, level: str, title: str, body: str, channels: Sequence[str]) -> None:
    """Add a notice to be sent by these channels."""
    await connection.execute(_ENQUEUE, [level, title, body, list(channels)])


async def take(connection: Connection) -> Outgoing | None:
    """Take a notice that is due, so that no other process sends it for `TAKEN_FOR`; None without one."""
    return await fetch_row(connection, _TAKE, {"taken_for": TAKEN_FOR, "given_up": GIVEN_UP}, Outgoing)


async def tried(
    connection: Connection, notice: Outgoing, refused: Sequence[str], error: str | None, delay: timedelta
) -> None:
    """Store the outcome of a try to send a notice.

    `refused`: the channels that did not accept it; `error`: why the last of them did not; `delay`: until the next try.
    """
    values = {"id": notice.id, "refused": list(refused), "error": error, "delay": delay, "is_last": notice.is_last}
    await connection.execute(_TRIED, values)
