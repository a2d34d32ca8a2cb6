"""Platforms are found by their entry points, and one that cannot be loaded concerns nobody else."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import pytest

from orders_sync.platforms import PLATFORMS, UNUSABLE, registry
from orders_sync.platforms.registry import GROUP, load_installed

OURS = ["1688", "xportcn_ka", "xportcn_open"]
Installed = list[EntryPoint]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Ours, and whatever a test adds: an attribute of the module `another_shop`."""
    module = ModuleType("another_shop")
    module.PLATFORM = replace(PLATFORMS["1688"], name="another")  # type: ignore[attr-defined]
    module.TWIN = PLATFORMS["1688"]  # type: ignore[attr-defined]
    messages = PLATFORMS["xportcn_ka"].messages
    module.NO_TOKEN = replace(PLATFORMS["1688"], name="another", messages=messages)  # type: ignore[attr-defined]
    module.NOTHING = None  # type: ignore[attr-defined]
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
    ],
)
def test_one_that_cannot_be_loaded_is_said_with_its_reason_and_the_others_are_there(
    installed: Installed, name: str, value: str, reason: str
) -> None:
    add(installed, name, value)
    platforms, unusable = load_installed()
    assert list(platforms) == OURS
    assert reason in unusable[name]


def test_ours_is_not_replaced_by_another_of_its_name(installed: Installed) -> None:
    add(installed, "1688", "another_shop:TWIN")
    platforms, unusable = load_installed()
    assert platforms["1688"] is PLATFORMS["1688"]
    assert ["another installed package brings" in reason for reason in unusable.values()] == [True]
