"""The sections of a settings file, and the settings as a whole. Durations are timedeltas, sizes bytes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from orders_sync.domain import local_times
from orders_sync.domain.accounts import Identity, SyncPolicy
from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import (
    Age,
    BasePath,
    BaseUrl,
    Confirm,
    ConsoleListen,
    HeaderName,
    Interval,
    Lag,
    Listen,
    Networks,
    NotifyUrls,
    Overlap,
    ProblemKinds,
    QuietTime,
    Size,
    Tiers,
    TimeZone,
    span,
    whole,
)
from orders_sync.domain.sweeps import SweepPolicy
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.settings import database_url


def _database_url(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError(database_url.FORM)
    return Secret(database_url.parse(value))


class Section(msgspec.Struct, frozen=True):
    """A table of the file."""


class DatabaseSettings(Section, frozen=True):
    """[database]: without `url` the embedded server is used, which also listens at `listen` (address:port)."""

    url: Annotated[Secret, _database_url] | None = None
    listen: Listen | None = None


class SyncSettings(Section, frozen=True):
    """[sync]: defaults of every account, and the limits of one process."""

    interval: Interval = timedelta(minutes=1)
    lag: Lag = timedelta(seconds=10)
    overlap: Overlap = timedelta(minutes=10)
    confirm: Confirm = timedelta(hours=3)
    sweep: Tiers = SweepPolicy().tiers
    sweep_final: Annotated[timedelta, span("0s", "365d")] = SweepPolicy().final_for
    workers: Annotated[int, whole(1, 256)] = 4
    window_rows: Annotated[int, whole(1, 100_000)] = 2000
    tries: Annotated[int, whole(1, 20)] = 5  # of one call, the first one counts
    attempts: Annotated[int, whole(1, 20)] = 3  # reads of one window in one run
    timeout: Annotated[timedelta, span("1s", "10m")] = timedelta(seconds=60)
    largest_body: Size = 64 * 2**20


class ServiceSettings(Section, frozen=True):
    """[service]: what runs by itself. `listen` (address:port): hooks, health and metrics."""

    listen: Listen = "127.0.0.1:8710"
    tick: Annotated[timedelta, span("1s", "1m")] = timedelta(seconds=2)
    audit: Annotated[timedelta, span("1h", "30d")] = timedelta(days=1)
    messages_per_minute: Annotated[int, whole(1, 1_000_000)] = 1000  # of one account, kept by one process


class ConsoleSettings(Section, frozen=True):
    """[console]: the web page. `listen`: address:port, or "off".

    `trusted_proxies`: addresses and ranges whose X-Forwarded-* headers are believed; `user_header`: in which they say
    who is logged in, instead of the console's own log-in. `base_path`: empty, or the path that a proxy serves it under.
    `session`: how long one lasts that is not used.
    """

    listen: ConsoleListen = "127.0.0.1:8711"
    base_path: BasePath = ""
    url: BaseUrl | None = None  # as people reach it, for links in notices
    language: Literal["auto", "en", "zh"] = "auto"
    session: Annotated[timedelta, span("5m", "365d")] = timedelta(days=7)
    trusted_proxies: Networks = ()
    user_header: HeaderName | None = None


class RetentionSettings(Section, frozen=True):
    """[retention]: what is removed once it is older than that; None is kept for ever."""

    windows: Age | None = timedelta(days=30)  # finished windows, audits, backfills
    jobs: Age | None = timedelta(days=1)
    messages: Age | None = timedelta(days=30)
    activity: Age | None = timedelta(days=365)  # what people did
    history: Age | None = None
    raw: Age | None = None  # payloads of orders that have not changed for this long; the rest of the row stays


class DisplaySettings(Section, frozen=True):
    """[display]: how people see things. `time_zone`: an IANA name, for times typed, shown and in JSON results."""

    time_zone: TimeZone = local_times.DEFAULT


class NotifySettings(Section, frozen=True):
    """[notify]: notices to people about problems. `urls`: of messengers, as Apprise writes them; none: none is sent.

    `delay`: how long a problem lasts before a notice of it, and is over before a notice of that.
    """

    urls: NotifyUrls = ()
    kinds: ProblemKinds = tuple(ProblemKind)
    language: Literal["en", "zh"] = "en"
    delay: Annotated[timedelta, span("0s", "1d")] = timedelta(minutes=5)
    quiet_hours: QuietTime | None = None


class LogSettings(Section, frozen=True):
    """[log]: `auto` is pretty on a terminal, else JSON."""

    format: Literal["auto", "json", "pretty"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class MisconfiguredAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that cannot be used as it is written; the others can.

    `label`: its name, or its place in the list where it has no name of its own. `name`, `identity`: what is certain of
    it, else None. `mistakes`: each with its place. `secrets`: those written, which may not be there to read.
    """

    label: str
    name: str | None
    identity: Identity | None
    mistakes: tuple[str, ...]
    secrets: tuple[Secret, ...] = ()

    def __str__(self) -> str:
        return "; ".join(self.mistakes)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings as a whole.

    `accounts`, `misconfigured`: those that can be used and those that cannot, each in the order they are written in.
    `unknown`: a sentence on each variable for an account that is not there. `warnings`: one on each key or variable
    that the next version does not take.
    `home`: the folder of the embedded database, None for the user's data folder. `file`: what was read, if any.
    """

    accounts: list[AccountSettings] = []
    misconfigured: list[MisconfiguredAccount] = []
    unknown: list[str] = []
    warnings: list[str] = []
    database: DatabaseSettings = DatabaseSettings()
    sync: SyncSettings = SyncSettings()
    service: ServiceSettings = ServiceSettings()
    console: ConsoleSettings = ConsoleSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    notify: NotifySettings = NotifySettings()
    display: DisplaySettings = DisplaySettings()
    home: Path | None = None
    file: Path | None = None

    @property
    def listed(self) -> list[AccountSettings | MisconfiguredAccount]:
        """All accounts, whether they can be used or not."""
        return [*self.accounts, *self.misconfigured]

    @property
    def mistakes(self) -> list[str]:
        """Everything that is wrong, each with its place."""
        return [*self.unknown, *(mistake for each in self.misconfigured for mistake in each.mistakes)]

    def with_secrets(self) -> Settings:
        """Read the secrets of all accounts. One whose secrets cannot be read is misconfigured."""
        usable, misconfigured = [], [*self.misconfigured]
        for account in self.accounts:
            if mistakes := account.unreadable_secrets():
                misconfigured.append(
                    MisconfiguredAccount(
                        label=account.name,
                        name=account.name,
                        identity=account.identity,
                        mistakes=mistakes,
                        secrets=account.secrets,
                    )
                )
            else:
                usable.append(account)
        return msgspec.structs.replace(self, accounts=usable, misconfigured=misconfigured)

    def policy(self, account: AccountSettings) -> SyncPolicy:
        """Return the account's own durations, or those of [sync]."""
        sync = self.sync
        return SyncPolicy(
            history_from=account.history_from,
            requests_per_second=account.requests_per_second,
            page_size=account.page_size,
            longest_window=account.longest_window,
            interval=sync.interval if account.interval is None else account.interval,
            lag=sync.lag if account.lag is None else account.lag,
            overlap=sync.overlap if account.overlap is None else account.overlap,
            confirm=sync.confirm if account.confirm is None else account.confirm,
            trusts_filter=account.row_times == "ignored",
            sweeps=SweepPolicy(sync.sweep, sync.sweep_final),
        )


SECTIONS: dict[str, type[Section]] = {
    field.name: field.type
    for field in msgspec.structs.fields(Settings)
    if isinstance(field.type, type) and issubclass(field.type, Section)
}
