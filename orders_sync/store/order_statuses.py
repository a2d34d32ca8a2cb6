"""`order_statuses`: the names and groups of each platform's statuses, for readers of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from orders_sync.domain.directions import Direction
from orders_sync.domain.statuses import Status

_READ = "SELECT platform, status, name_zh, name_en, status_group, is_final, direction FROM order_statuses"
_FILL = """
    INSERT INTO order_statuses AS s (platform, status, name_zh, name_en, status_group, is_final, direction)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (platform, status) DO UPDATE
    SET name_zh = excluded.name_zh, name_en = excluded.name_en,
        status_group = excluded.status_group, is_final = excluded.is_final,
        direction = excluded.direction
"""


def fill(
    connection: psycopg.Connection[tuple[object, ...]], platforms: Mapping[str, tuple[Direction, Iterable[Status]]]
) -> None:
    """Make the table say what the platforms document, by their names.

    Rows that say it already are not written; those of other statuses and platforms stay.
    """
    documented = [
        (platform, each.status, each.name_zh, each.name_en, str(each.group), each.is_final, direction.value)
        for platform, (direction, statuses) in platforms.items()
        for each in statuses
    ]
    with connection.cursor() as cursor:
        known = set(cursor.execute(_READ).fetchall())
        if different := [each for each in documented if each not in known]:
            cursor.executemany(_FILL, different)
