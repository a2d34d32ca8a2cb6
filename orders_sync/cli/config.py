"""`orders-sync config`: check the settings, and print an example of them."""

from __future__ import annotations

import sys
from typing import Any

import typer

from orders_sync.cli import options, output, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.domain.errors import ConfigurationError
from orders_sync.domain.secret import Secret
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.service.channels import Channel, open_channels
from orders_sync.settings import Settings
from orders_sync.settings.example import example as text_of_example
from orders_sync.settings.tables import fields

app = typer.Typer(help="Check the settings, or print an example of them.", no_args_is_help=True)


@app.command()
def check(config: options.Config = None, json: options.Json = False) -> None:
    """Show every mistake in the settings, and where each secret is found. Calls nothing and prints no secret.

    Exit codes:
    0 all is well
    1 an account, or a channel of [notify], cannot be used; the others can
    78 nothing can start: a mistake outside of accounts, or no account can be used
    """
    settings: Settings | None = None
    channels: list[Channel] = []
    try:
        settings = user_settings.load(config, with_secrets=True, warns=False)
        channels, unusable = open_channels(settings.notify)
        mistakes = [*settings.mistakes, *unusable]
    except ConfigurationError as error:
        mistakes = str(error).splitlines()
    if json:
        output.print_json({"mistakes": mistakes} | (_plain(settings, channels) if settings else {}))
    else:
        if settings:
            _show(settings, channels)
        for mistake in mistakes:
            output.say(mistake, ("✗", "bold red"))
        if mistakes:
            output.say("`orders-sync config example` shows every setting")
    if settings is None or (mistakes and not settings.accounts):
        raise typer.Exit(ExitCode.SETTINGS)
    if mistakes:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def example() -> None:
    """Print a complete settings file with every setting, its default and a comment.

    To begin with: orders-sync config example > orders_sync.toml
    """
    sys.stdout.write(text_of_example())


def _show(settings: Settings, channels: list[Channel]) -> None:
    found = _plain(settings, channels)
    output.say(f"settings: {found['file'] or 'no file, defaults'}")
    output.say(f"database: {found['database']}")
    rows = [
        (each["account"], each["platform"], ", ".join(f"{key}: {where}" for key, where in each["secrets"].items()))
        for each in found["accounts"]
    ]
    if rows:
        output.table("Accounts that can be used", ["account", "platform", "secrets"], rows)
    else:
        output.say("accounts: none that can be used")
    for warning in settings.warnings:
        output.say(warning, ("!", "yellow"))
    if settings.notify.urls:
        output.say(f"notices by: {', '.join(found['notify']) or 'no channel'}. Try them: `orders-sync notify test`")


def _plain(settings: Settings, channels: list[Channel]) -> dict[str, Any]:
    url = settings.database.url
    return {
        "file": settings.file,
        "database": url.place if url else "the embedded server, for no URL is set",
        "accounts": [
            {"account": each.name, "platform": each.platform, "secrets": _sources(each)} for each in settings.accounts
        ],
        "notify": [each.label for each in channels],
        "warnings": settings.warnings,
        "misconfigured": [{"account": each.label, "mistakes": each.mistakes} for each in settings.misconfigured],
    }


def _sources(account: AccountSettings) -> dict[str, str]:
    """Return where each secret of an account is found, by its key."""
    values = {key: getattr(account, each.name) for key, each in fields(type(account)).items()}
    return {key: value.place for key, value in values.items() if isinstance(value, Secret)}
