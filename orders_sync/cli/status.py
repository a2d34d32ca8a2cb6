"""`orders-sync status`: how current every account is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from orders_sync.cli import context, output
from orders_sync.domain.accounts import SyncPolicy
from orders_sync.store import account_status, database, identities, lateness, missing, progress
from orders_sync.store.suspensions import Suspension

_OPEN = ("planned", "running", "failed", "rejects")  # windows by state, and rejects


def status(config: context.Config = None, json: context.Json = False) -> None:
    """How current every account is, and what is in the way."""
    settings = context.load(config)
    with context.opened(settings) as url, database.session(url) as connection:
        accounts = account_status.of_accounts(connection)
        unrefreshed = identities.unrefreshed(connection)
        late = lateness.of_accounts(connection)
        not_listed = {each.account: each for each in missing.of_accounts(connection)}
    paces = {each.name: settings.policy(each) for each in settings.accounts}
    if json:
        more = [
            {
                "late_seconds": late[each.account].total_seconds() if each.account in late else None,
                "missing_orders": not_listed[each.account].orders if each.account in not_listed else 0,
            }
            for each in accounts
        ]
        output.print_json([asdict(each) | found for each, found in zip(accounts, more, strict=True)])
        return
    if not accounts:
        output.info("no account has been synced yet: `orders-sync sync`, or `orders-sync demo` to try it")
        return
    columns = ["account", "platform", "current to (UTC)", "behind", "history", "orders", "open"]
    output.table(
        "Accounts",
        columns,
        [
            (
                row.account,
                row.platform,
                output.utc(row.read_to) or "never",
                "" if row.behind_seconds is None else output.duration(row.behind_seconds),
                progress.state(row.progress),
                row.orders,
                ", ".join(f"{getattr(row, what):,} {what}" for what in _OPEN if getattr(row, what)),
            )
            for row in accounts
        ],
        ["behind", "orders"],
    )
    for row in accounts:
        if row.suspended_at and row.suspended_because is not None:
            output.error(str(Suspension(row.account, row.suspended_at, row.suspended_because)))
        elif row.last_error:
            output.error(row.last_error)
        for said in progress.remarks(row.progress):
            output.info(said)
        if row.account in late and row.account in paces:
            _report_lateness(row.account, late[row.account], paces[row.account])
        if row.account in not_listed:
            output.info(missing.remark(not_listed[row.account]))
    for each in unrefreshed:
        output.info(each)


def _report_lateness(account: str, late_by: timedelta, policy: SyncPolicy) -> None:
    """Print a notice if orders are listed so late that the passes over the newest time may soon miss them."""
    found = lateness.found_by_passes(policy.overlap, policy.confirm)
    if lateness.is_near(late_by, policy.overlap, policy.confirm):
        output.info(
            f"{account}: in the last seven days an order was listed at least {_span(late_by)} after its own time. The "
            f"confirming pass finds what is up to {_span(found)} late; what comes later only sweeps and audits find: "
            f"raise `confirm` of the account, now {_span(policy.confirm)}"
        )


def _span(span: timedelta) -> str:
    return output.duration(int(span.total_seconds()))
