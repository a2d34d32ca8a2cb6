"""One zone for everything that is typed and shown: Asia/Shanghai, or that of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from orders_sync.domain import local_times
from tests.support.landed import Landed

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
UTC_TEXT = re.compile(r"\d\d:\d\d(:\d\d)? UTC|\(UTC\)")
AUDIT = ["audit", "--account", "sandbox-1688"]  # by creation and by update time
ZONES = {
    "Asia/Shanghai": r"\+08:00",
    "UTC": "Z",
    "Asia/Kathmandu": r"\+05:45",
    "Europe/Berlin": r"\+0[12]:00",
}
ODDEST = "Asia/Kathmandu"


@pytest.fixture(scope="module")
def landed_order(landed: Landed) -> str:
    return str(landed.tables.query("SELECT order_id FROM orders LIMIT 1")[0][0])


def texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)
        case str():
            yield value


def commands(order: str) -> list[list[str]]:
    return [
        ["status"],
        ["status", "--check"],
        ["order", order],
        AUDIT,
        ["accounts", "list"],
        ["backfill", "list"],
        ["rejects", "list", "--all"],
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_json_has_every_time_in_one_zone_with_its_offset(landed: Landed, landed_order: str, zone: str) -> None:
    """How a time is written in a zone depends on no command: all of them in the oddest zone, one in the others."""
    written = re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d{ZONES[zone]}")
    seen = 0
    for command in commands(landed_order) if zone == ODDEST else [["order", landed_order]]:
        said = landed.terminal.run(*command, "--json", ORDERS_SYNC_DISPLAY__TIME_ZONE=zone)
        times = [text for text in texts(said.json) if TIME.fullmatch(text)]
        seen += len(times)
        assert [text for text in times if not written.fullmatch(text)] == [], command
    assert seen > 10


@pytest.mark.parametrize(("zone", "width"), [*((zone, 80) for zone in ZONES), ("UTC", 200), (ODDEST, 200)])
def test_tables_name_the_zone_of_their_times(landed: Landed, landed_order: str, zone: str, width: int) -> None:
    status = ["status", "--account", landed.world.accounts[0].name]  # of all accounts a narrow screen shows no time
    for command in (status, ["order", landed_order], *([AUDIT] if zone == ODDEST else [])):
        said = landed.terminal.on_screen(width, *command, ORDERS_SYNC_DISPLAY__TIME_ZONE=zone)
        assert f"(times in {zone})" in " ".join(said.out.split()), said.text
        assert zone == "UTC" or not UTC_TEXT.search(said.text), said.text


def test_a_date_typed_is_the_date_shown(landed: Landed) -> None:
    account = landed.world.accounts[0].name
    asked = ["backfill", "--account", account, "--from", "2026-10-01", "--to", "2026-10-02 12:00"]
    for zone in ZONES:
        said = landed.terminal.run(*asked, "--everything", ORDERS_SYNC_DISPLAY__TIME_ZONE=zone)
        assert re.search(r"2026-10-01 00:00:00 +2026-10-02 12:00:00", said.out), said.text
        assert f"(times in {zone})" in said.out


def test_a_zone_that_does_not_exist_is_a_mistake_in_the_settings(landed: Landed) -> None:
    said = landed.terminal.run("status", ORDERS_SYNC_DISPLAY__TIME_ZONE="Asia/Shangai")
    said.assert_complains("ORDERS_SYNC_DISPLAY__TIME_ZONE: must be a time zone", "did you mean Asia/Shanghai?")
    assert local_times.zone_name() == "Asia/Shanghai"
