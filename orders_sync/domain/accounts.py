"""One shop on a platform, the credentials it is read with, and how to talk to the platform."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from orders_sync.domain.secret import Secret
from orders_sync.domain.sweeps import SweepPolicy

_PORTS = {"http": 80, "https": 443}
_SIGNATURE = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of an account: whose orders it lists, and on which host of which API.

    Neither its name, a label, nor its credentials are part of it.
    """

    platform: str
    host: str
    seller: str

    def __str__(self) -> str:
        return f"{self.seller} on {self.host} ({self.platform})"


@dataclass(frozen=True, slots=True)
class Account:
    """The settings that a platform's client needs. No credential is in its repr (P8)."""

    name: str
    platform: str
    base_url: str
    seller: str  # 1688: seller_nick; Xportcn: user_id
    app_id: str = field(repr=False)  # 1688: appid; Xportcn: access-key
    app_secret: str = field(repr=False)
    refused_codes: tuple[str, ...] = ()  # answer codes, or words in the message, that mean: credentials not accepted
    throttled_codes: tuple[str, ...] = ()  # the same for: slow down
    own: Mapping[str, Any] = field(default_factory=dict, hash=False)  # what the platform's settings add, by field

    @property
    def identity(self) -> Identity:
        """Platform, host and seller, which make the account; its name is a label."""
        return Identity(self.platform, host_of(self.base_url), self.seller)

    @property
    def rate_key(self) -> str:
        """The key of the rate limit that all accounts of an app share: a hash, without the app id (P8)."""
        return f"app:{self.platform}:{blake2b(self.app_id.encode(), digest_size=8).hexdigest()}"

    @property
    def fingerprint(self) -> str:
        """A hash by which changed credentials are noticed; the secret cannot be derived from it (P8)."""
        parts = (self.platform, self.base_url, self.seller, self.app_id, self.app_secret, *self._own_secrets())
        return blake2b("\0".join(parts).encode(), digest_size=8, key=self.name.encode()[:64]).hexdigest()

    def redact(self, text: str) -> str:
        """Redact credentials and signatures that a platform's text may quote."""
        for credential in (self.app_secret, self.app_id, *self._own_secrets()):
            if credential:
                text = text.replace(credential, "***")
        return _SIGNATURE.sub("***", text)

    def _own_secrets(self) -> list[str]:
        return [value.reveal() for value in self.own.values() if isinstance(value, Secret)]


def resume_advice(name: str) -> str:
    """Return a sentence on what ends the suspension of an account whose credentials were refused."""
    return (
        f"Check the credentials of {name}: the next run tries other ones by itself, "
        f"the same ones after `orders-sync accounts resume {name}`"
    )


def host_of(base_url: str) -> str:
    """Return the host of a URL in lower case, with its port unless it is the scheme's default."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """The range, rate and intervals by which an account is read."""

    history_from: datetime  # how far back the first sync goes
    requests_per_second: float
    page_size: int
    longest_window: timedelta
    interval: timedelta
    lag: timedelta  # a window of changes ends this long before now
    overlap: timedelta  # a window of changes starts this long before the end of what was planned
    confirm: timedelta  # a slower pass reads again this much before the end of what was planned
    trusts_filter: bool = False  # `row_times = "ignored"`: records outside the range that was asked for are no fault
    # what is read again by creation time: where lists go by that alone, all that may change
    sweeps: SweepPolicy = field(default_factory=SweepPolicy)
