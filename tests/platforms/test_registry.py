"""Platforms are found by their entry points, and one that cannot be loaded concerns nobody else."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import Struct

from orders_sync.domain.messages import MessageContent
from orders_sync.platforms import PLATFORMS, UNUSABLE, MessageService, registry
from orders_sync.platforms.registry import GROUP, load_installed

OURS = ["1688", "xportcn_ka", "xportcn_open"]
Installed = list[EntryPoint]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Ours, and whatever a test adds: an attribute of the module `another_shop`."""
    plain = replace(PLATFORMS["1688"], name="another")
    attributes = {
        "PLATFORM": plain,
        "TWIN": PLATFORMS["1688"],
        "NOTHING": None,
        "NO_TOKEN": replace(plain, messages=PLATFORMS["xportcn_ka"].messages),
        "NO_SETTINGS": replace(plain, settings=Struct),  # type: ignore[arg-type]
        "TWICE": replace(plain, statuses=(*plain.statuses, plain.statuses[-1])),
        "UNKNOWN_LISTED": replace(plain, listed_statuses=("lost",)),
        "NO_FEED": replace(plain, feeds=frozenset()),
        "NO_DIRECTION": replace(plain, direction="sales"),  # type: ignore[arg-type]
        "TWO_SEGMENTS": replace(
            PLATFORMS["xportcn_ka"], name="another", messages=MessageService("a/b", lambda body: MessageContent())
        ),
    }
    module = ModuleType("another_shop")
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, "another_shop", module)
    found = list(entry_points(group=GROUP))
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    return found


def add(installed: Installed, name: str, value: str) -> None:
    installed.insert(0, EntryPoint(name, value, GROUP))


def test_ours_are_installed_and_usable() -> None:
    assert list(PLATFORMS) == OURS
    assert UNUSABLE == {}
    assert {name: each.name for name, each in PLATFORMS.items()} == dict(zip(OURS, OURS, strict=True))


def test_a_platform_of_another_package_is_found(installed: Installed) -> None:
    add(installed, "another", "another_shop:PLATFORM")
    platforms, unusable = load_installed()
    assert list(platforms) == sorted([*OURS, "another"])
    assert unusable == {}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("gone", "no_such_package:PLATFORM", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("gone", "another_shop:MISSING", "has no attribute 'MISSING'"),
        ("gone", "another_shop:NOTHING", "is no Platform"),
        ("gone", "another_shop:PLATFORM", "is named another, its entry point gone"),
        ("another", "another_shop:NO_TOKEN", "takes messages, but the settings of its accounts are no AccountWithHook"),
        ("another", "another_shop:NO_SETTINGS", "the settings of its accounts are no AccountSettings"),
        ("another", "another_shop:TWICE", "statuses stand twice: terminated"),
        ("another", "another_shop:UNKNOWN_LISTED", "listed_statuses that are no statuses: lost"),
        ("another", "another_shop:NO_FEED", "feed is none of feeds"),
        ("another", "another_shop:NO_DIRECTION", "direction is 'sales', not one of sale, purchase"),
        ("another", "another_shop:TWO_SEGMENTS", "not one segment of a URL: 'a/b'"),
        ("another", "another_shop_that_exits:PLATFORM", "SystemExit: no licence"),
    ],
)
def test_one_that_cannot_be_loaded_is_said_with_its_reason_and_the_others_are_there(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    (tmp_path / "another_shop_that_exits.py").write_text("raise SystemExit('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    add(installed, name, value)
    platforms, unusable = load_installed()
    assert list(platforms) == OURS
    assert reason in unusable[name]


def test_ours_is_not_replaced_by_another_of_its_name(installed: Installed) -> None:
    add(installed, "1688", "another_shop:TWIN")
    platforms, unusable = load_installed()
    assert platforms["1688"] is PLATFORMS["1688"]
    assert ["another installed package brings" in reason for reason in unusable.values()] == [True]
