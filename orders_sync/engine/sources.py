"""Accounts of the settings as the engine reads them."""

from __future__ import annotations

from dataclasses import dataclass

from orders_sync.domain.accounts import Account, SyncPolicy
from orders_sync.platforms import PLATFORMS, Platform
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.settings import Settings


@dataclass(frozen=True, slots=True)
class AccountSource:
    """An account with everything needed to read it."""

    account: Account
    policy: SyncPolicy
    platform: Platform


def usable(settings: Settings) -> list[AccountSource]:
    """Return every account that can be read; those whose secrets cannot be read are left out."""
    return [source(settings, each) for each in settings.accounts if not each.unreadable_secrets()]


def source(settings: Settings, account: AccountSettings) -> AccountSource:
    """Return an account with its platform and schedule. Raises `SettingsError` for a secret that cannot be read."""
    return AccountSource(account.account(), settings.policy(account), PLATFORMS[account.platform])
