"""Finding the platforms that are installed."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint, entry_points

from orders_sync.domain.directions import Direction
from orders_sync.platforms.account_settings import AccountSettings, AccountWithHook
from orders_sync.platforms.contract import Platform

GROUP = "orders_sync.platforms"


def load_installed() -> tuple[dict[str, Platform], dict[str, str]]:
    """Return the usable platforms by name, sorted, and the reason for each entry point that cannot be used.

    A package that cannot be loaded affects only the accounts of its platform.
    """
    platforms: dict[str, Platform] = {}
    unusable: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=_order):
        try:
            platform = _loaded(entry)
            if entry.name in platforms:
                raise ValueError("another installed package brings a platform of the same name")
        except (Exception, SystemExit) as error:
            unusable.setdefault(
                entry.name if entry.name not in platforms else f"{entry.name} of {_package(entry)}",
                f"its package {_package(entry)} cannot be used: {type(error).__name__}: {error}",
            )
        else:
            platforms[entry.name] = platform
    return platforms, unusable


def _order(entry: EntryPoint) -> tuple[str, bool]:
    """Sort by name, ours before others of the same name."""
    return entry.name, not entry.value.startswith("orders_sync.")


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module


def _loaded(entry: EntryPoint) -> Platform:
    platform = entry.load()
    if not isinstance(platform, Platform):
        raise TypeError(f"{entry.value} is no Platform")
    if platform.name != entry.name:
        raise ValueError(f"{entry.value} is named {platform.name}, its entry point {entry.name}")
    if mistake := _mistake(platform):
        raise ValueError(f"{entry.value}: {mistake}")
    return platform


def _mistake(platform: Platform) -> str | None:
    """Return what is wrong with a platform's facts that would fail later, for others too; None if nothing is."""
    statuses = [each.status for each in platform.statuses]
    service = platform.messages
    if not isinstance(platform.direction, Direction):
        return f"direction is {platform.direction!r}, not one of {', '.join(Direction)}"
    if not issubclass(platform.settings, AccountSettings):
        return "the settings of its accounts are no AccountSettings"
    if len(set(statuses)) < len(statuses):
        return f"statuses stand twice: {', '.join(sorted({each for each in statuses if statuses.count(each) > 1}))}"
    if unknown := set(platform.listed_statuses) - set(statuses):
        return f"listed_statuses that are no statuses: {', '.join(sorted(unknown))}"
    if platform.feed not in platform.feeds:
        return "feed is none of feeds"
    if service and not issubclass(platform.settings, AccountWithHook):
        return "it takes messages, but the settings of its accounts are no AccountWithHook"
    if service and not re.fullmatch(r"[A-Za-z0-9._~-]+", service.path):
        return f"the path of its messages is not one segment of a URL: {service.path!r}"
    return None
