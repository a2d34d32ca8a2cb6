"""The settings of a command, and what the engine needs of them: limits and an HTTP client."""

from __future__ import annotations

from pathlib import Path

import httpx

from orders_sync import settings as settings_module
from orders_sync.cli import output
from orders_sync.domain import local_times
from orders_sync.domain.errors import ConfigurationError
from orders_sync.engine.claimed_window import Limits
from orders_sync.engine.page_client import RetryPolicy
from orders_sync.platforms import network
from orders_sync.settings import Settings


def load(config: Path | None, *, with_secrets: bool = False, warns: bool = True) -> Settings:
    """Load the settings; from now on times are typed and shown in their zone. Raises `ConfigurationError`.

    with_secrets: read those of accounts too; an account whose secrets cannot be read is misconfigured. warns: print
    the warnings; False where the command has its own place for them.
    """
    found = settings_module.load(config, with_secrets=with_secrets)
    local_times.use(found.display.time_zone)
    for warning in found.warnings if warns else ():
        output.info(warning)
    return found


def load_with_secrets(config: Path | None, *, warns: bool = True) -> Settings:
    """Load the settings for a command that calls platforms. Raises `ConfigurationError`, also if none is usable."""
    settings = load(config, with_secrets=True, warns=warns)
    if settings.misconfigured and not settings.accounts:
        raise ConfigurationError("\n".join(["no account can be used:", *settings.mistakes]))
    return settings


def limits(settings: Settings) -> Limits:
    """Return the limits of windows and calls that the settings give."""
    sync = settings.sync
    retry_policy = RetryPolicy(sync.tries, largest_body=sync.largest_body, seconds_per_try=sync.timeout.total_seconds())
    return Limits(sync.workers, sync.window_rows, sync.attempts, retry_policy, probes=True)


def http_client(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return an HTTP client for all accounts of the settings. Raises `SettingsError` (`platforms/network.py`).

    transport: answers instead of the network.
    """
    seconds = settings.sync.timeout.total_seconds()
    urls = {each.base_url for each in settings.accounts}
    return network.client(urls, httpx.Timeout(seconds, connect=min(10.0, seconds)), transport)
