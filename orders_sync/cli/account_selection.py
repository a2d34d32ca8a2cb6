"""Accounts that a command is for: which the settings have, and which of them can be used or are left out."""

from __future__ import annotations

from collections.abc import Callable

from orders_sync.cli import actor, output
from orders_sync.cli.output import info
from orders_sync.domain.errors import ConfigurationError, NotFoundError, SettingsError, UsageError
from orders_sync.engine.sources import AccountSource, source
from orders_sync.settings import Settings
from orders_sync.store import identities, pauses
from orders_sync.store.database import Session


def sources(settings: Settings, only: list[str] | None = None) -> list[AccountSource]:
    """Return the usable accounts with their platforms and schedules, or only those named in `only`.

    Raises `NotFoundError` for an unknown name, `SettingsError` for one that is misconfigured, `ConfigurationError` when
    there is no account.
    """
    if not settings.listed:
        where = settings.file or "orders_sync.toml"
        raise ConfigurationError(
            f"{where}: no accounts. `orders-sync config example` shows how to add one ([[accounts]]); "
            "`orders-sync demo` needs none"
        )
    for name in only or []:
        if misconfigured := [each for each in settings.misconfigured if each.label == name]:
            raise SettingsError(f"{name} is misconfigured: {misconfigured[0]}")
        if not named(settings, name):
            known = ", ".join(each.name for each in settings.accounts)
            raise NotFoundError(f"there is no account {name}; known are {known}")
    return [source(settings, each) for each in settings.accounts if not only or each.name in only]


def report_misconfigured(settings: Settings, only: list[str] | None = None) -> bool:
    """Print why accounts cannot be used; return whether there are any. None is reported where `only` names others."""
    for each in [] if only else settings.misconfigured:
        output.error(f"{each.label} is misconfigured and was left out: {each}")
    return not only and bool(settings.misconfigured)


def without_paused(
    session: Session, sources: list[AccountSource], only: list[str] | None = None
) -> list[AccountSource]:
    """Leave out accounts that a person has paused, and print a notice for each.

    Raises `UsageError` where `only` names one of them.
    """
    paused = pauses.active(session, [each.account.name for each in sources])
    if only and paused:
        raise UsageError("\n".join(map(str, paused)))
    for each in paused:
        info(str(each))
    names = {each.name for each in paused}
    return [each for each in sources if each.account.name not in names]


def named(settings: Settings, name: str) -> bool:
    """Return whether an account of the settings has this name, usable or not."""
    return name in {each.name for each in settings.accounts} | {each.label for each in settings.misconfigured}


def register(
    settings: Settings, session: Session, report: Callable[[str], None] = info, *, renames: bool = True
) -> None:
    """Apply renamed, replaced and removed accounts of the settings to the tables; pass a notice for each to `report`.

    For commands that plan or read. A settings file without accounts removes none. `renames`: as in
    `identities.register`.
    """
    for each in identities.register(session, settings.listed, renames=renames, actor=actor.current()):
        report(each)
