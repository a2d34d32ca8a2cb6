"""An account: one set of credentials on a platform, and how to talk to that platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders_sync.domain.sweeps import Policy


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a platform's client needs, and nothing else of the settings. The secret is in no repr (P8)."""

    name: str
    platform: str
    base_url: str
    seller: str  # 1688: seller_nick; Xportcn: user_id
    app_id: str  # 1688: appid; Xportcn: access-key
    app_secret: str = field(repr=False)
    timestamp_unit: str = "s"  # "s" or "ms": Xportcn's documents contradict each other (api-facts 1)
    refused_codes: tuple[str, ...] = ()  # answer codes, or words in the message, that mean: credentials not accepted
    throttled_codes: tuple[str, ...] = ()  # the same for: slow down


@dataclass(frozen=True, slots=True)
class Pace:
    """How an account is read."""

    history_from: datetime  # how far back the first sync goes
    requests_per_second: float
    page_size: int
    interval: timedelta
    lag: timedelta  # a window ends this long before now
    overlap: timedelta  # and starts this long before the watermark
    confirm: timedelta  # a slower pass reads this much again
    sweeps: Policy = field(default_factory=Policy)  # what is read again where a list goes by creation time only
