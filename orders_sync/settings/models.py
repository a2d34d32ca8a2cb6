"""What can be set: [[accounts]] and the sections in `SECTIONS`.

Durations are timedeltas, sizes bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, get_args, get_type_hints

import msgspec

from orders_sync.domain.accounts import Account, Pace
from orders_sync.domain.sweeps import Policy
from orders_sync.settings.values import (
    Age,
    BaseUrl,
    Check,
    Codes,
    Confirm,
    DatabaseUrl,
    Header,
    HistoryFrom,
    HookToken,
    Interval,
    Lag,
    Listen,
    Name,
    Overlap,
    PageSize1688,
    Rate,
    Secret,
    SecretText,
    Size,
    Text,
    Tiers,
    count,
    one_of,
    span,
)


class Section(msgspec.Struct, frozen=True):
    """A table of the file: each key with its default, if it has one, and its check in its type."""

    @classmethod
    @cache
    def checks(cls) -> dict[str, Check]:
        """The check of each key."""
        hints = get_type_hints(cls, include_extras=True)
        return {name: _check(hints[name]) for name in cls.__struct_fields__}

    @classmethod
    @cache
    def required(cls) -> frozenset[str]:
        """The keys without a default."""
        return frozenset(each.name for each in msgspec.structs.fields(cls) if each.required)


def _check(hint: object) -> Check:
    """The one of an `Annotated[type, check]`; with `| None` behind it, null is taken too."""
    if hasattr(hint, "__metadata__"):
        found: Check = hint.__metadata__[0]
        return found
    check = _check(get_args(hint)[0])
    return lambda value: None if value is None else check(value)


class AccountSettings(Section, frozen=True, kw_only=True):
    """What every account has. None means: the platform's own (`base_url`, `page_size`, `longest_window`), or [sync]'s
    (the other durations).

    The codes mean: credentials not accepted, slow down. They are used instead of the platform's defaults; empty: those.
    """

    secrets: ClassVar[tuple[str, ...]] = ("app_secret",)

    name: Name
    platform: Annotated[str, one_of("1688", "xportcn_open", "xportcn_ka")]
    base_url: BaseUrl | None = None
    requests_per_second: Rate = 5.0
    history_from: HistoryFrom
    page_size: Annotated[int, count(1, 500)] | None = None
    longest_window: Annotated[timedelta, span("1h", "3650d", whole=True)] | None = None
    refused_codes: Codes = ()
    throttled_codes: Codes = ()
    interval: Interval | None = None
    lag: Lag | None = None
    overlap: Overlap | None = None
    confirm: Confirm | None = None
    row_times: Annotated[str, one_of("checked", "ignored")] = "checked"  # held against the range asked for

    def account(self, default_base_url: str) -> Account:
        """`default_base_url`: the platform's, for an account that names none."""
        raise NotImplementedError

    def _account(self, default_base_url: str, seller: str, app_id: str, app_secret: Secret, unit: str) -> Account:
        return Account(
            name=self.name,
            platform=self.platform,
            base_url=self.base_url or default_base_url,
            seller=seller,
            app_id=app_id,
            app_secret=app_secret.reveal(),
            timestamp_unit=unit,
            refused_codes=self.refused_codes,
            throttled_codes=self.throttled_codes,
        )


class Account1688(AccountSettings, frozen=True, kw_only=True):
    seller_nick: Text
    app_id: Text
    app_secret: SecretText
    page_size: PageSize1688 | None = None
    longest_window: Annotated[timedelta, span("1h", "28d", whole=True)] | None = None

    def account(self, default_base_url: str) -> Account:
        return self._account(default_base_url, self.seller_nick, self.app_id, self.app_secret, "s")


class AccountXportcn(AccountSettings, frozen=True, kw_only=True):
    secrets: ClassVar[tuple[str, ...]] = ("access_secret", "hook_token")

    user_id: Header
    access_key: Header
    access_secret: SecretText
    hook_token: HookToken | None = None  # the last part of the address its messages come to; None: it takes none
    timestamp_unit: Annotated[str, one_of("s", "ms")] = "s"

    def account(self, default_base_url: str) -> Account:
        return self._account(default_base_url, self.user_id, self.access_key, self.access_secret, self.timestamp_unit)


def account_model(raw: object) -> type[AccountSettings]:
    """The model for an account as it is written; where the platform is not known, the one of what all have."""
    match str(raw.get("platform")) if isinstance(raw, dict) else "":
        case "1688":
            return Account1688
        case "xportcn_open" | "xportcn_ka":
            return AccountXportcn
    return AccountSettings


class SyncSettings(Section, frozen=True):
    """[sync]: the pace of every account that sets no other, and the limits of one process."""

    interval: Interval = timedelta(minutes=1)
    lag: Lag = timedelta(seconds=10)
    overlap: Overlap = timedelta(minutes=10)
    confirm: Confirm = timedelta(hours=3)
    sweep: Tiers = Policy().tiers
    sweep_final: Annotated[timedelta, span("0s", "365d")] = Policy().final_for
    workers: Annotated[int, count(1, 256)] = 4
    window_rows: Annotated[int, count(1, 100_000)] = 2000
    retries: Annotated[int, count(1, 20)] = 5  # tries of one call, the first one counts
    attempts: Annotated[int, count(1, 20)] = 3  # reads of one window in one run
    timeout: Annotated[timedelta, span("1s", "10m")] = timedelta(seconds=60)
    largest_body: Size = 64 * 2**20


class DatabaseSettings(Section, frozen=True):
    """[database]: without `url` the embedded server is used, which also listens at `listen` (address:port)."""

    url: DatabaseUrl | None = None
    listen: Listen | None = None


class ServiceSettings(Section, frozen=True):
    """[service]: what runs by itself. `listen` (address:port): hooks, health and metrics."""

    listen: Listen = "127.0.0.1:8710"
    tick: Annotated[timedelta, span("1s", "1m")] = timedelta(seconds=2)
    audit: Annotated[timedelta, span("1h", "30d")] = timedelta(days=1)
    messages_per_minute: Annotated[int, count(1, 1_000_000)] = 1000  # of one account, kept by one process


class RetentionSettings(Section, frozen=True):
    """[retention]: what is removed once it is older than that; what is left out is kept for ever."""

    windows: Age | None = timedelta(days=30)  # finished windows, audits, backfills
    jobs: Age | None = timedelta(days=1)
    messages: Age | None = timedelta(days=30)
    history: Age | None = None
    raw: Age | None = None  # payloads of orders that have not changed for so long; the rest of the row stays


class LogSettings(Section, frozen=True):
    """[log]: `auto` is pretty on a terminal, else JSON."""

    format: Annotated[str, one_of("auto", "json", "pretty")] = "auto"
    level: Annotated[str, one_of("debug", "info", "warning", "error")] = "info"


SECTIONS: dict[str, type[Section]] = {
    "sync": SyncSettings,
    "database": DatabaseSettings,
    "service": ServiceSettings,
    "retention": RetentionSettings,
    "log": LogSettings,
}


@dataclass(frozen=True)
class Settings:
    """`home`: the folder of the embedded database, None for the user's data folder. `file`: what was read, if any."""

    accounts: list[AccountSettings] = field(default_factory=list)
    sync: SyncSettings = field(default_factory=SyncSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    log: LogSettings = field(default_factory=LogSettings)
    home: Path | None = None
    file: Path | None = None

    def pace(self, account: AccountSettings, default_page_size: int, default_longest_window: timedelta) -> Pace:
        """[sync]'s durations, or the account's own. The defaults are the platform's."""
        return Pace(
            history_from=account.history_from,
            requests_per_second=account.requests_per_second,
            page_size=account.page_size or default_page_size,
            longest_window=account.longest_window or default_longest_window,
            interval=self.sync.interval if account.interval is None else account.interval,
            lag=self.sync.lag if account.lag is None else account.lag,
            overlap=self.sync.overlap if account.overlap is None else account.overlap,
            confirm=self.sync.confirm if account.confirm is None else account.confirm,
            trusts_filter=account.row_times == "ignored",
            sweeps=Policy(self.sync.sweep, self.sync.sweep_final),
        )
