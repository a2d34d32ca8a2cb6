"""`orders-sync notify`: the channels by which people get notices."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import typer

from orders_sync.cli import actor, databases, event_loop, options, output, user_settings
from orders_sync.cli.exit_codes import ExitCode
from orders_sync.domain.activity import Action
from orders_sync.domain.errors import OrdersSyncError, SettingsError
from orders_sync.engine import notice_texts
from orders_sync.service.channels import Channel, open_channels
from orders_sync.settings import Settings
from orders_sync.store import activity

app = typer.Typer(help="Try the channels of [notify], by which people get notices of problems.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...


@app.command("test")
def try_channels(config: options.Config = None, json: options.Json = False) -> None:
    """Send one notice by every channel of [notify], and say for each whether it was accepted.

    Exit codes:
    0 every channel accepted it
    1 one did not, or cannot be used
    78 [notify] names no channel that can be used
    """
    settings = user_settings.load(config)
    if not settings.notify.urls:
        raise SettingsError("[notify] urls: there is none, so no notice is sent: docs/notices.md has examples")
    channels, mistakes = open_channels(settings.notify)
    if not channels:
        raise SettingsError("\n".join(mistakes))
    notice = notice_texts.write_test(settings.notify.language, datetime.now(UTC))
    _record(settings)
    refused = event_loop.run(_send(channels, notice))
    if json:
        rows = [{"channel": name, "accepted": reason is None, "error": reason} for name, reason in refused.items()]
        output.print_json({"channels": rows, "mistakes": mistakes})
    else:
        for name, reason in refused.items():
            output.say(f"{name}: accepted" if reason is None else f"{name}: not accepted: {reason}")
        for each in mistakes:
            output.error(each)
    if mistakes or any(refused.values()):
        raise typer.Exit(ExitCode.FAILED)


def _record(settings: Settings) -> None:
    """Record the test, unless there is no database of this version: notices must be tested before there is one."""
    with suppress(OrdersSyncError), databases.opened(settings) as host, host.session() as connection:
        activity.record_blocking(connection, actor.current(), Action.NOTIFY_TEST)


async def _send(channels: list[Channel], notice: notice_texts.Notice) -> dict[str, str | None]:
    """Return by channel why it did not accept the notice, None where it did."""
    answers = await asyncio.gather(*(each.send(notice) for each in channels))
    return {each.label: reason for each, reason in zip(channels, answers, strict=True)}
