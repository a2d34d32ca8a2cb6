"""The rate limit of an app, shared by all processes and machines: `sync.rates`, a leaky bucket stored as one moment.

    now            next_at = where the next permit begins
     |..............|--gap--|--gap--|--gap--|
                     `- 3 permits reserved ---'  next_at moves to their end

Moments are the database's clock; what leaves this module is seconds from now, so clocks of workers do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orders_sync.domain.rate_limits import AHEAD, Reservation
from orders_sync.store.database import Connection, Pool
from orders_sync.store.queries import fetch_dict, fetch_row


class SharedRateBackend(msgspec.Struct, frozen=True):
    """The rate limit of one key, `rate_key` of an account."""

    pool: Pool
    key: str

    async def take(self, permits: int, gap: float) -> Reservation:
        """Reserve permits that are `gap` seconds apart, the first at most `AHEAD` seconds ahead.

        None further ahead, so that a hold takes effect soon: then `Reservation.delay` says when to ask again.
        Raises psycopg.Error when the database is gone.
        """
        async with self.pool.connection() as connection:
            # set_config: this commit need not wait for the disk: what a crash loses is over before the server is back
            found = await fetch_row(
                connection,
                """
                WITH taken AS (
                    INSERT INTO sync.rates AS r (key, next_at)
                    VALUES (%(key)s, clock_timestamp() + %(span)s * interval '1 second')
                    ON CONFLICT (key) DO UPDATE
                        SET next_at = greatest(r.next_at, clock_timestamp()) + %(span)s * interval '1 second'
                        WHERE r.next_at <= clock_timestamp() + %(ahead)s * interval '1 second'
                    RETURNING next_at - %(span)s * interval '1 second' AS first_at,
                        set_config('synchronous_commit', 'off', true)
                )
                SELECT greatest(extract(epoch FROM first_at - clock_timestamp())::float, 0) AS delay,
                    %(permits)s::int AS permits
                FROM taken
                UNION ALL
                SELECT greatest(extract(epoch FROM next_at - clock_timestamp())::float - %(ahead)s::float, 0), 0
                FROM sync.rates WHERE key = %(key)s AND NOT EXISTS (SELECT FROM taken)
                """,
                {"key": self.key, "span": permits * gap, "ahead": AHEAD, "permits": permits},
                Reservation,
            )
        return found or Reservation(0.0, 0)  # no row: another process has inserted the key's first one meanwhile

    async def hold(self, seconds: float) -> None:
        """Let no permit begin for `seconds`.

        Permits reserved before stay valid: their moments are at most `AHEAD` and one reservation away.
        """
        async with self.pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO sync.rates AS r (key, next_at)
                VALUES (%(key)s, clock_timestamp() + %(seconds)s * interval '1 second')
                ON CONFLICT (key) DO UPDATE
                    SET next_at = greatest(r.next_at, clock_timestamp() + %(seconds)s * interval '1 second')
                """,
                {"key": self.key, "seconds": seconds},
            )


async def seconds_to_wait(connection: Connection, keys: Sequence[str]) -> dict[str, float]:
    """Return in how many seconds the next call of each key may begin; keys whose next call need not wait are left out.

    What is reserved less than `AHEAD` ahead is the ordinary course of calls.
    """
    query = """
        SELECT key, extract(epoch FROM next_at - clock_timestamp())::float8 FROM sync.rates
        WHERE key = ANY(%s) AND next_at > clock_timestamp() + %s * interval '1 second'
    """
    return await fetch_dict(connection, query, [list(keys), AHEAD], dict[str, float])
