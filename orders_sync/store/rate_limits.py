"""The rate of an app, shared by all processes and machines: `sync.rates`, a leaky bucket kept as one moment.

    now            next_at = where the next slot begins
     |..............|--gap--|--gap--|--gap--|
                     `- 3 slots reserved ---'  next_at moves behind it

Moments are the database's clock; what leaves this module is seconds from now, so clocks of workers do not matter.
"""

from __future__ import annotations

import msgspec

from orders_sync.domain.rate_limits import AHEAD, Reservation
from orders_sync.store.database import Pool


class SharedRateBackend(msgspec.Struct, frozen=True):
    """The calls of all who use this key. `key`: `rate_key` of an account."""

    pool: Pool
    key: str

    async def take(self, slots: int, gap: float) -> Reservation:
        """Reserve slots `gap` seconds apart. Raises psycopg.Error when the database is gone.

        Nothing is given away more than `AHEAD` before its time: who waits longer sees a hold that comes meanwhile.
        """
        async with self.pool.connection() as connection:
            # set_config: a commit that need not wait for the disk; a crash forgets less than a restart takes
            cursor = await connection.execute(
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
                SELECT extract(epoch FROM first_at - clock_timestamp())::float, %(slots)s::int FROM taken
                UNION ALL
                SELECT extract(epoch FROM next_at - clock_timestamp())::float - %(ahead)s::float, 0
                FROM sync.rates WHERE key = %(key)s AND NOT EXISTS (SELECT FROM taken)
                """,
                {"key": self.key, "span": slots * gap, "ahead": AHEAD, "slots": slots},
            )
            row = await cursor.fetchone()
        if row is None:  # the key's first row came from another process at this very moment
            return Reservation(0.0, 0)
        delay, granted = row
        assert isinstance(delay, float)
        assert isinstance(granted, int)
        return Reservation(max(0.0, delay), granted)

    async def hold(self, seconds: float) -> None:
        """No slot begins for so long. What is given away already lies within `AHEAD` and a grant."""
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
