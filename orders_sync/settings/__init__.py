"""Settings: a TOML file, the environment over it, checked as a whole.

    file, ORDERS_SYNC_*, DATABASE_URL, secrets                        loading
        | [[accounts]]: the model of each account's platform          accounts, platforms/*/settings
        | [sync] and the other sections                               models
        | each key by its type; errors, each with its place           tables, domain/setting_types
    Settings, with the accounts that are misconfigured, or one ConfigurationError

Every key, its variable, its default and its unit: docs/settings.md. A mistake in one account stops no other. No message
and no repr holds a secret (P8): what is one follows from the models, whose fields are then of the type `Secret`.
"""

from orders_sync.settings.loading import load
from orders_sync.settings.models import (
    DatabaseSettings,
    DisplaySettings,
    LogSettings,
    MisconfiguredAccount,
    NotifySettings,
    RetentionSettings,
    ServiceSettings,
    Settings,
    SyncSettings,
)

__all__ = [
    "DatabaseSettings",
    "DisplaySettings",
    "LogSettings",
    "MisconfiguredAccount",
    "NotifySettings",
    "RetentionSettings",
    "ServiceSettings",
    "Settings",
    "SyncSettings",
    "load",
]
