"""People, sessions and log-ins of the console. Passwords and keys of sessions are stored as hashes alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orders_sync.store.database import Connection
from orders_sync.store.queries import fetch_optional, fetch_row, fetch_rows, fetch_value

MOST_FAILED = 5  # failed log-ins of one name, or ten times as many of one address, until more are refused
LOGIN_WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=30)  # for log-ins, and for sessions nobody uses

_PERSON = "id, name, may_act, may_see_persons AS may_see_personal_data"


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may log in. Looking is allowed to everybody, at all but the personal data of customers."""

    id: int
    name: str
    may_act: bool
    may_see_personal_data: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a person. `browser`: what it called itself."""

    key_hash: bytes
    created_at: datetime
    seen_at: datetime
    address: str | None
    browser: str | None


async def exists(connection: Connection) -> bool:
    """Return whether there is anybody who may log in."""
    return await fetch_value(
        connection, "SELECT EXISTS (SELECT FROM sync.console_people WHERE removed_at IS NULL)", None, bool
    )


async def put(
    connection: Connection, name: str, password_hash: str | None, *, may_act: bool, may_see_personal_data: bool
) -> Person:
    """Add a person, or change the one of this name, whose sessions then end."""
    async with connection.transaction():
        person = await fetch_row(
            connection,
            f"""
            INSERT INTO sync.console_people AS p (name, password_hash, may_act, may_see_persons)
            VALUES (%s, %s, %s, %s)
            ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, may_act = excluded.may_act,
                may_see_persons = excluded.may_see_persons, removed_at = NULL
            RETURNING {_PERSON}
            """,
            [name, password_hash, may_act, may_see_personal_data],
            Person,
        )
        assert person is not None
        await connection.execute("DELETE FROM sync.console_sessions WHERE person_id = %s", [person.id])
    return person


async def set_password(connection: Connection, person: Person, password_hash: str) -> None:
    """Change the password of a person, whose sessions then end."""
    async with connection.transaction():
        await connection.execute(
            "UPDATE sync.console_people SET password_hash = %s WHERE id = %s", [password_hash, person.id]
        )
        await connection.execute("DELETE FROM sync.console_sessions WHERE person_id = %s", [person.id])


async def add_first(connection: Connection, name: str, password_hash: str) -> bool:
    """Add a person with all rights unless there was ever anybody; return whether it did."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE sync.console_people IN SHARE ROW EXCLUSIVE MODE")
        added = await connection.execute(
            """
            INSERT INTO sync.console_people (name, password_hash, may_act, may_see_persons)
            SELECT %s, %s, true, true WHERE NOT EXISTS (SELECT FROM sync.console_people)
            """,
            [name, password_hash],
        )
    return added.rowcount > 0


async def remove(connection: Connection, name: str) -> bool:
    """End the sessions of a person, who may no longer log in; return whether there was one."""
    async with connection.transaction():
        person = await fetch_optional(
            connection,
            """
            UPDATE sync.console_people SET removed_at = clock_timestamp(), password_hash = NULL
            WHERE name = %s AND removed_at IS NULL RETURNING id
            """,
            [name],
            int,
        )
        await connection.execute("DELETE FROM sync.console_sessions WHERE person_id = %s", [person])
    return person is not None


async def people(connection: Connection) -> list[Person]:
    """Return everybody who may log in, by name; at most 500."""
    return await fetch_rows(
        connection,
        f"SELECT {_PERSON} FROM sync.console_people WHERE removed_at IS NULL ORDER BY name LIMIT 500",
        None,
        Person,
    )


async def find(connection: Connection, name: str) -> tuple[Person, str | None] | None:
    """Return a person and the hash of the password, None where nobody has this name."""
    person = await fetch_row(
        connection,
        f"SELECT {_PERSON} FROM sync.console_people WHERE name = %s AND removed_at IS NULL",
        [name],
        Person,
    )
    if person is None:
        return None
    query = "SELECT password_hash FROM sync.console_people WHERE id = %s"
    return person, await fetch_optional(connection, query, [person.id], str)


async def may_try(connection: Connection, name: str, address: str) -> bool:
    """Return whether another log-in of this name from this address may be tried now."""
    return await fetch_value(
        connection,
        """
        SELECT count(*) FILTER (WHERE name = %(name)s) < %(most)s
            AND count(*) FILTER (WHERE address = %(address)s) < 10 * %(most)s
        FROM sync.console_logins
        WHERE at > clock_timestamp() - %(window)s AND NOT succeeded AND (name = %(name)s OR address = %(address)s)
        """,
        {"name": name, "address": address, "most": MOST_FAILED, "window": LOGIN_WINDOW},
        bool,
    )


async def record_login(connection: Connection, name: str, address: str, *, succeeded: bool) -> None:
    """Record a log-in or a failed one. One that succeeded clears the failed ones of this name from this address."""
    async with connection.transaction():
        if succeeded:
            await connection.execute(
                "DELETE FROM sync.console_logins WHERE name = %s AND address = %s AND NOT succeeded", [name, address]
            )
        await connection.execute(
            "INSERT INTO sync.console_logins (name, address, succeeded) VALUES (%s, %s, %s)", [name, address, succeeded]
        )


async def open_session(
    connection: Connection, person: Person, key_hash: bytes, address: str | None, browser: str | None
) -> None:
    """Open a session, and remove what is older than `KEPT`."""
    async with connection.transaction():
        await connection.execute("DELETE FROM sync.console_logins WHERE at < clock_timestamp() - %s", [KEPT])
        await connection.execute("DELETE FROM sync.console_sessions WHERE seen_at < clock_timestamp() - %s", [KEPT])
        await connection.execute(
            "INSERT INTO sync.console_sessions (key_hash, person_id, address, browser) VALUES (%s, %s, %s, %s)",
            [key_hash, person.id, address, browser],
        )


async def of_session(connection: Connection, key_hash: bytes, idle: timedelta) -> Person | None:
    """Record that a session is used, once a minute at most, and return its person.

    None where it has ended, was not used for as long as `idle`, or its person may no longer log in.
    """
    return await fetch_row(
        connection,
        """
        WITH seen AS (
            UPDATE sync.console_sessions SET seen_at = clock_timestamp()
            WHERE key_hash = %(key)s AND seen_at < clock_timestamp() - interval '1 min'
                AND seen_at > clock_timestamp() - %(idle)s
        )
        SELECT p.id, p.name, p.may_act, p.may_see_persons AS may_see_personal_data
        FROM sync.console_sessions AS s JOIN sync.console_people AS p ON p.id = s.person_id
        WHERE s.key_hash = %(key)s AND s.seen_at > clock_timestamp() - %(idle)s AND p.removed_at IS NULL
        """,
        {"key": key_hash, "idle": idle},
        Person,
    )


async def sessions(connection: Connection, person: Person) -> list[Session]:
    """Return the sessions of a person, the newest first; at most 100."""
    return await fetch_rows(
        connection,
        """
        SELECT key_hash, created_at, seen_at, address, browser FROM sync.console_sessions
        WHERE person_id = %s ORDER BY created_at DESC LIMIT 100
        """,
        [person.id],
        Session,
    )


async def close_sessions(connection: Connection, person: Person) -> int:
    """End all sessions of a person, and return how many there were."""
    ended = await connection.execute("DELETE FROM sync.console_sessions WHERE person_id = %s", [person.id])
    return ended.rowcount


async def close_session(connection: Connection, person: Person, key_hash: bytes) -> bool:
    """End a session of a person; return False where the person has none of this key."""
    ended = await connection.execute(
        "DELETE FROM sync.console_sessions WHERE key_hash = %s AND person_id = %s", [key_hash, person.id]
    )
    return ended.rowcount > 0
