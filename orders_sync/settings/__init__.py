"""Settings: a TOML file, the environment over it, checked as a whole.

    file ---> Draft <--- ORDERS_SYNC_*, DATABASE_URL, secrets                   loading
                |
                |---> problems, each with its place ---> one SettingsError      draft
                |
            Settings                                                            models, values

Every key, its variable, its default and its unit: docs/settings.md. No message and no repr holds a secret (P8).
"""

from orders_sync.settings.loading import load
from orders_sync.settings.models import (
    Account1688,
    AccountSettings,
    AccountXportcn,
    DatabaseSettings,
    LogSettings,
    RetentionSettings,
    ServiceSettings,
    Settings,
    SyncSettings,
)
from orders_sync.settings.values import Secret, duration

__all__ = [
    "Account1688",
    "AccountSettings",
    "AccountXportcn",
    "DatabaseSettings",
    "LogSettings",
    "RetentionSettings",
    "Secret",
    "ServiceSettings",
    "Settings",
    "SyncSettings",
    "duration",
    "load",
]
