"""Simulations that installed platforms bring; one that fails concerns nobody else."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from msgspec import structs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from orders_sync.domain.secret import Secret
from orders_sync.platforms import PLATFORMS, Simulation
from orders_sync.sandbox import Sandbox, World, accounts_toml, load_simulations
from orders_sync.settings import load
from tests.support.sandbox_calls import NOW

SETTINGS = PLATFORMS["1688"].settings(
    name="any",
    platform="another",
    seller="theirs",
    app_id=Secret("an-app"),
    app_secret=Secret('a "quoted" \\ secret 密'),
    history_from=NOW - timedelta(days=1),
    interval=timedelta(minutes=5),
    throttled_codes=("slow", "down"),
)


async def path_of(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.path)


def works(orders: int, now: Any) -> Simulation:
    assert now == NOW
    app = Starlette(routes=[Route("/list", path_of)])
    return Simulation(SETTINGS, app, lambda: ({"order_id": str(number), "lines": []} for number in range(orders)))


def other_settings(orders: int, now: Any) -> Simulation:
    return replace(works(orders, now), settings=object())  # type: ignore[arg-type]


def ends(orders: int, now: Any) -> Simulation:
    raise SystemExit("no licence")


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("another_sandbox")
    vars(made).update(works=works, other_settings=other_settings, ends=ends, nothing=lambda orders, now: None)
    monkeypatch.setitem(sys.modules, "another_sandbox", made)


def loaded(reference: str) -> tuple[list[Simulation], dict[str, str]]:
    platforms = {**PLATFORMS, "another": replace(PLATFORMS["1688"], name="another", simulation=reference)}
    return load_simulations(7, NOW, platforms)


def test_platforms_without_a_simulation_are_skipped() -> None:
    assert load_simulations(7, NOW, {"1688": PLATFORMS["1688"]}) == ([], {})


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("another_sandbox:other_settings", "its settings are object, not Account1688"),
        ("another_sandbox:nothing", "returned NoneType, not a Simulation"),
        ("another_sandbox:ends", "no licence"),
        ("another_sandbox:absent", "absent"),
        ("absent_module:simulate", "absent_module"),
        ("no reference!", "no reference!"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_reason(reference: str, reason: str) -> None:
    simulations, unusable = loaded(reference)
    assert simulations == []
    assert reason in unusable["another"]
    assert reference in unusable["another"]


async def test_its_requests_reach_its_app_below_its_base_url() -> None:
    simulations, _ = loaded("another_sandbox:works")
    sandbox = Sandbox(World(3, now=NOW), simulations=simulations)
    account = sandbox.accounts("http://sandbox")[-1]
    assert (account.name, account.platform) == ("sandbox-another", "another")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app)) as http:
        assert (
            await http.get(f"{account.base_url}/list")
        ).text == f"{account.base_url.removeprefix('http://sandbox')}/list"
        expected = await http.get("http://sandbox/sandbox/truth", params={"account": account.name})
        assert len(expected.text.splitlines()) == 7
        listed = (await http.get("http://sandbox/sandbox/accounts")).json()
    assert listed[-1] == {"name": "sandbox-another", "platform": "another"}


def test_the_settings_file_gives_back_the_settings_of_every_account(tmp_path: Path) -> None:
    simulations, _ = loaded("another_sandbox:works")
    simulations = [replace(each, settings=structs.replace(each.settings, platform="1688")) for each in simulations]
    accounts = Sandbox(World(4, shops=4, now=NOW), simulations=simulations).accounts("http://127.0.0.1:8688")
    file = tmp_path / "orders_sync.toml"
    file.write_text(accounts_toml(accounts), encoding="utf-8")
    assert load(file, {}).accounts == accounts
