"""Simulations that installed platforms bring (`Platform.simulation`): one account each, beside the world's shops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pkgutil import resolve_name

from msgspec import structs

from orders_sync.platforms import PLATFORMS, Platform, Simulation


def load_simulations(
    orders: int, now: datetime, platforms: Mapping[str, Platform] = PLATFORMS
) -> tuple[list[Simulation], dict[str, str]]:
    """Return the simulations of these platforms, and by platform the reason for each one that cannot be used.

    Their accounts are named sandbox-PLATFORM. A simulation that fails affects no other.

    Args:
        orders: Number of orders of each simulation.
        now: Time up to which the orders have changed; with a time zone.
        platforms: Platforms by name; those without a simulation are skipped.
    """
    simulations: list[Simulation] = []
    unusable: dict[str, str] = {}
    for platform in platforms.values():
        if platform.simulation is None:
            continue
        try:
            simulations.append(_loaded(platform, platform.simulation, orders, now))
        except (Exception, SystemExit) as error:
            unusable[platform.name] = f"{platform.simulation} cannot be used: {type(error).__name__}: {error}"
    return simulations, unusable


def _loaded(platform: Platform, reference: str, orders: int, now: datetime) -> Simulation:
    simulation = resolve_name(reference)(orders, now)
    if not isinstance(simulation, Simulation):
        raise TypeError(f"it returned {type(simulation).__name__}, not a Simulation")
    if not isinstance(simulation.settings, platform.settings):
        raise TypeError(f"its settings are {type(simulation.settings).__name__}, not {platform.settings.__name__}")
    named = structs.replace(simulation.settings, name=f"sandbox-{platform.name}", platform=platform.name)
    return replace(simulation, settings=named)
