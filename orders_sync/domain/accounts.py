"""An account: one set of credentials on a platform, and how to talk to that platform."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from orders_sync.domain.sweeps import Policy

_SIGNATURE = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")


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

    @property
    def rate_key(self) -> str:
        """Whose calls are counted together: those of an app, whichever seller it asks for. Without its id (P8)."""
        return f"app:{self.platform}:{blake2b(self.app_id.encode(), digest_size=8).hexdigest()}"

    @property
    def fingerprint(self) -> str:
        """Enough to see that credentials changed, useless to find a secret (P8)."""
        parts = (self.platform, self.base_url, self.seller, self.app_id, self.app_secret)
        return blake2b("\0".join(parts).encode(), digest_size=8, key=self.name.encode()[:64]).hexdigest()

    def hushed(self, text: str) -> str:
        """A platform's text without what it may quote of ours: credentials, a signature."""
        for credential in (self.app_secret, self.app_id):
            if credential:
                text = text.replace(credential, "***")
        return _SIGNATURE.sub("***", text)


@dataclass(frozen=True, slots=True)
class Pace:
    """How an account is read."""

    history_from: datetime  # how far back the first sync goes
    requests_per_second: float
    page_size: int
    longest_window: timedelta
    interval: timedelta
    lag: timedelta  # a window ends this long before now
    overlap: timedelta  # and starts this long before the watermark
    confirm: timedelta  # a slower pass reads this much again
    sweeps: Policy = field(default_factory=Policy)  # what is read again where a list goes by creation time only
