"""Settings that every account of [[accounts]] has. A platform's package adds its own keys, defaults and limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from orders_sync.domain.accounts import Account, Identity, host_of
from orders_sync.domain.errors import SettingsError
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import (
    AppId,
    BaseUrl,
    Codes,
    Confirm,
    HistoryFrom,
    HookToken,
    Interval,
    Lag,
    Name,
    Overlap,
    Rate,
    SecretText,
    Text,
    span,
    whole,
)


class AccountSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is written. A platform's model renames the keys its users know by another name.

    `interval`, `lag`, `overlap` and `confirm` are those of [sync] if None. The codes mean: credentials not accepted,
    slow down; they are used instead of the platform's, unless they are empty.
    """

    name: Name
    platform: str
    base_url: BaseUrl = ""  # a platform's model has a default of its own
    seller: Text
    app_id: AppId
    app_secret: SecretText
    history_from: HistoryFrom
    requests_per_second: Rate = 5.0
    page_size: Annotated[int, whole(1, 500)] = 100
    longest_window: Annotated[timedelta, span("1h", "3650d", whole=True)] = timedelta(days=31)
    refused_codes: Codes = ()
    throttled_codes: Codes = ()
    interval: Interval | None = None
    lag: Lag | None = None
    overlap: Overlap | None = None
    confirm: Confirm | None = None
    row_times: Literal["checked", "ignored"] = "checked"  # compared with the range asked for

    @property
    def identity(self) -> Identity:
        """Platform, host and seller, whose orders it lists."""
        return Identity(self.platform, host_of(self.base_url), self.seller)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The values that must not be shown; each may have to be read first (`Secret.reveal`)."""
        values = (getattr(self, name) for name in self.__struct_fields__)
        return tuple(value for value in values if isinstance(value, Secret))

    def unreadable_secrets(self) -> tuple[str, ...]:
        """Read the secrets; return why some cannot be read, each with its place."""
        mistakes = []
        for secret in self.secrets:
            try:
                secret.reveal()
            except SettingsError as error:
                mistakes.append(str(error))
        return tuple(mistakes)

    def account(self) -> Account:
        """Return what the platform's client needs of it, the platform's own keys included.

        Raises `SettingsError` for a secret that cannot be read.
        """
        return Account(
            name=self.name,
            platform=self.platform,
            base_url=self.base_url,
            seller=self.seller,
            app_id=self.app_id.reveal(),
            app_secret=self.app_secret.reveal(),
            refused_codes=self.refused_codes,
            throttled_codes=self.throttled_codes,
            own={name: getattr(self, name) for name in self.__struct_fields__ if name not in _OF_EVERY_PLATFORM},
        )


class AccountWithHook(AccountSettings, frozen=True, kw_only=True):
    """An account of a platform with a message service.

    `hook_token`: the last part of the address its messages come to; None: it takes none.
    """

    hook_token: HookToken | None = None


_OF_EVERY_PLATFORM = frozenset(AccountWithHook.__struct_fields__)
