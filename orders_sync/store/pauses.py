"""Accounts that a person has paused: they are neither planned nor read until the pause ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import msgspec

from orders_sync.domain.accounts import Identity
from orders_sync.domain.sentences import Sentence
from orders_sync.store.database import Connection, Session
from orders_sync.store.queries import fetch_row, fetch_rows, fetch_value, select_rows

IN_CONSOLE = " in the console"  # after the name of a person who paused an account there

# of a row `a` of sync.accounts; not NULL where there is none
IS_PAUSED = "(a.paused_at IS NOT NULL AND (a.paused_until IS NULL OR a.paused_until > clock_timestamp()))"

# an account may be paused before it was ever planned; `host` and `seller` are not overwritten: who it is, is settled
_PAUSE = """
INSERT INTO sync.accounts AS a (name, platform, host, seller, feed, paused_at, paused_until, paused_by, paused_because)
VALUES (%(name)s, %(platform)s, %(host)s, %(seller)s, %(feed)s, clock_timestamp(), %(until)s,
    %(person)s || ' as ' || session_user, %(because)s)
ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at, paused_until = excluded.paused_until,
    paused_by = excluded.paused_by, paused_because = excluded.paused_because, updated_at = now()
RETURNING a.name, a.paused_at, a.paused_until, a.paused_by, a.paused_because
"""
_RESUME = f"""
WITH before AS (SELECT name FROM sync.accounts AS a WHERE name = %(name)s AND {IS_PAUSED} FOR UPDATE)
UPDATE sync.accounts AS a
SET paused_at = NULL, paused_until = clock_timestamp(), paused_by = NULL, paused_because = NULL, updated_at = now()
FROM before WHERE a.name = before.name
"""
_PAUSED = f"""
SELECT name, paused_at, paused_until, paused_by, paused_because FROM sync.accounts AS a
WHERE (name = ANY(%(names)s) OR %(names)s::text[] IS NULL) AND retired_at IS NULL AND {IS_PAUSED} ORDER BY name
"""


class Pause(msgspec.Struct, frozen=True):
    """A pause. As text: a sentence with who, since when, until when and why, and what ends it.

    `paused_by`: the person, where they were, and the database role: "ana in the console as orders".
    """

    name: str
    paused_at: datetime
    paused_until: datetime | None
    paused_by: str
    paused_because: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self._said(self.paused_by)}. `orders-sync accounts resume {self.name}` ends it"

    @property
    def sentence(self) -> Sentence:
        """The same without the account, the database role and the command, for the console."""
        return self._said(self.paused_by.rsplit(" as ", 1)[0].removesuffix(IN_CONSOLE))

    def _said(self, person: str) -> Sentence:
        said = (
            Sentence("paused since %(time)s by %(person)s", time=self.paused_at, person=person)
            if self.paused_until is None
            else Sentence(
                "paused until %(until)s, since %(time)s by %(person)s",
                until=self.paused_until,
                time=self.paused_at,
                person=person,
            )
        )
        if self.paused_because:
            return Sentence("%(paused)s: %(because)s", paused=said, because=self.paused_because)
        return said


async def pause(
    connection: Connection,
    name: str,
    identity: Identity,
    feed: str,
    person: str,
    because: str | None = None,
    until: datetime | None = None,
) -> Pause:
    """Pause an account of the settings; one that is paused already gets the new reason and end.

    Windows in flight are finished. `until`: exclusive; None: until somebody resumes it.
    """
    values = {"name": name, "feed": feed, "person": person, "because": because, "until": until}
    paused = await fetch_row(connection, _PAUSE, {**values, **asdict(identity)}, Pause)
    assert paused is not None
    return paused


async def resume(connection: Connection, name: str) -> bool:
    """End a pause; return False if there was none. `paused_until` then says when it ended."""
    return (await connection.execute(_RESUME.encode(), {"name": name})).rowcount == 1


def active(session: Session, names: Sequence[str]) -> list[Pause]:
    """Return the pauses of these accounts that have not ended, by name."""
    return select_rows(session, _PAUSED, {"names": list(names)}, Pause)


async def read(connection: Connection) -> dict[str, Pause]:
    """Return the pauses of all accounts that have not ended, by their names; retired ones have none."""
    return {each.name: each for each in await fetch_rows(connection, _PAUSED, {"names": None}, Pause)}


async def is_paused(connection: Connection, name: str) -> bool:
    """Tell whether an account is paused now."""
    query = f"SELECT EXISTS (SELECT FROM sync.accounts AS a WHERE a.name = %s AND {IS_PAUSED})"
    return await fetch_value(connection, query, [name], bool)
