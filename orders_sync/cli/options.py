"""Options that several commands have, and the values they stand for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from orders_sync import settings as settings_module
from orders_sync.domain import typed_times
from orders_sync.domain.errors import SettingsError, UsageError
from orders_sync.domain.setting_types import FIRST_YEAR, PAST_YEARS
from orders_sync.platforms import PLATFORMS

START = "Start, as a date or time. Without an offset it is Asia/Shanghai, or [display] time_zone."

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Settings file. [default: ORDERS_SYNC_CONFIG, else ./orders_sync.toml]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def account_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the accounts of the settings that a shell may complete a word to; none where they cannot be read."""
    try:
        settings = settings_module.load(Path(config) if (config := context.params.get("config")) else None)
    except SettingsError:
        return []
    names = [*(each.name for each in settings.accounts), *(each.label for each in settings.misconfigured)]
    return [name for name in names if name.startswith(incomplete)]


def platform_names(incomplete: str) -> list[str]:
    """Return the platforms that a shell may complete a word to."""
    return [name for name in PLATFORMS if name.startswith(incomplete)]


AccountName = Annotated[str, typer.Argument(autocompletion=account_names)]
AccountNames = Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=account_names)]

Account = Annotated[
    str | None,
    typer.Option("--account", "-a", help="Only this account.", show_default=False, autocompletion=account_names),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        "-a",
        help="Only this account; may be repeated.",
        show_default=False,
        autocompletion=account_names,
    ),
]


def moment(text: str, option: str, *, ahead: bool = False) -> datetime:
    """Parse an option's date or time to the second, or a word for one (`typed_times`). Raises `UsageError`."""
    try:
        found = typed_times.parse(typed_times.written_out(text, ahead=ahead))
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if not FIRST_YEAR <= found.year < PAST_YEARS:
        raise UsageError(f'{option}: must lie between {FIRST_YEAR} and {PAST_YEARS} (got "{text}")')
    return found
