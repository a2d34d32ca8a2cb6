"""Whatever a platform sends in a field lands on a real Postgres: no value makes a row the database refuses (P4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from orders_sync.domain.records import Record
from orders_sync.platforms import PLATFORMS
from orders_sync.platforms.testing.json_values import ODD_VALUES, Bare, Path, as_bytes, odd_bytes, opened, paths, put
from orders_sync.store import load
from orders_sync.store.database import Connection
from orders_sync.store.flat_orders import LandingSource
from tests.support.samples_1688 import full_order
from tests.support.xportcn_samples import sample

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MANY = 700  # of each platform, drawn from some thousands
IDS: dict[str, Path] = {"1688": ("baseInfo", "idOfStr"), "xportcn_open": ("id",), "xportcn_ka": ("id",)}
NO_JSON = Bare("NaN")  # no database stores it as JSON


def document(platform: str) -> Any:
    return full_order() if platform == "1688" else opened(json.loads(sample(platform))["data"]["data"][0])


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_odd_values_land_on_postgres_and_so_does_what_they_are_changed_to_P4(
    connection: Connection, platform: str
) -> None:
    whole, id_at = document(platform), IDS[platform]
    places = [path for path in paths(whole) if id_at[: len(path)] != path]
    odd = [(path, value) for path in places for value in ODD_VALUES if value != NO_JSON]
    records = []
    for number, (path, value) in enumerate(Random(1688).sample(odd, min(MANY, len(odd)))):
        changed = put(json.loads(as_bytes(whole)), id_at, f"7{number:05}")
        records.append(Record(f"7{number:05}", odd_bytes(changed, path, value), NOON))
    source = LandingSource(platform, "shop", None, PLATFORMS[platform].normalize, PLATFORMS[platform].direction)
    async with connection.transaction():
        landed = await load.land(connection, source, records)
    cursor = await connection.execute("SELECT order_id, reason FROM sync.rejects")
    assert await cursor.fetchall() == []
    assert landed.new == len(records)
    plain = [Record(record.order_id, as_bytes(put(whole, id_at, record.order_id)), NOON) for record in records]
    async with connection.transaction():
        again = await load.land(connection, source, plain)
    assert again.rejected == again.new == 0
