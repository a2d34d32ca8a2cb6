"""Accounts whose credentials the platform refused: no call is made for them until other ones are given (P6)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from orders_sync.domain.accounts import Account, resume_advice
from orders_sync.domain.local_times import stamp
from orders_sync.store.database import Connection
from orders_sync.store.ownership import HAND_OVER
from orders_sync.store.queries import fetch_row

_LIFT = """
    UPDATE sync.accounts
    SET suspended_at = NULL, suspended_because = NULL, credentials = NULL, last_error = NULL, updated_at = now()
    WHERE name = %s AND suspended_at IS NOT NULL
"""


class Suspension(msgspec.Struct, frozen=True):
    """A suspension. As text: a sentence with the cause and the remedy."""

    name: str
    suspended_at: datetime
    suspended_because: str

    def __str__(self) -> str:
        return (
            f"{self.name}: suspended since {stamp(self.suspended_at)}, no call is made: "
            f"{self.suspended_because}. {resume_advice(self.name)}"
        )


async def suspend(connection: Connection, account: Account, because: str) -> None:
    """Suspend an account: store the refusal and the refused credentials. A present one keeps its time and reason.

    Orders that another account lists as well are that one's from now on. Not in a transaction that plans.
    """
    cursor = await connection.execute(
        """
        UPDATE sync.accounts SET suspended_at = clock_timestamp(), suspended_because = %s, credentials = %s,
            updated_at = now()
        WHERE name = %s AND suspended_at IS NULL
        """,
        [because.replace("\x00", "\\0"), account.fingerprint, account.name],
    )
    if cursor.rowcount:
        await connection.execute(HAND_OVER, [[account.name]])


async def lift_outdated(connection: Connection, account: Account) -> Suspension | None:
    """Lift the account's suspension if it came of other credentials; return one that stands, None if there is none."""
    await connection.execute(_LIFT + " AND credentials <> %s", [account.name, account.fingerprint])
    query = (
        "SELECT name, suspended_at, suspended_because FROM sync.accounts WHERE name = %s AND suspended_at IS NOT NULL"
    )
    return await fetch_row(connection, query, [account.name], Suspension)


async def resume(connection: Connection, name: str) -> bool:
    """Lift a suspension; return False if there was none."""
    return (await connection.execute(_LIFT, [name])).rowcount == 1
