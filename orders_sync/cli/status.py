"""`orders-sync status`: how current every account is."""

from __future__ import annotations

from datetime import timedelta

from orders_sync.cli import context, output
from orders_sync.cli.rows import fetch
from orders_sync.domain.accounts import SyncPolicy
from orders_sync.store import database, identities, lateness, missing, progress
from orders_sync.store.progress import Progress
from orders_sync.store.suspensions import Suspension

_ACCOUNTS = f"""
SELECT a.name AS account, a.platform, a.watermark,
    p.behind::bigint AS behind_seconds,
    (SELECT count(*) FROM orders AS o WHERE o.account = a.name) AS orders,
    w.planned, w.running, w.failed,
    (SELECT count(*) FROM sync.rejects AS r WHERE r.account = a.name AND r.resolved_at IS NULL) AS rejects,
    a.last_error, a.suspended_at, a.suspended_because, a.removed_at, a.retired_at,
    a.history_from, a.proven_from, p.first AS read_from, p.past AS read_to, p.share AS history_share,
    p.unconfirmed, p.unconfirmed_from, p.unconfirmed_to, p.asked_again_at, p.empty_since, p.empty_read_next
FROM sync.accounts AS a JOIN ({progress.PROGRESS}) AS p USING (name)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'planned') AS planned,
        count(*) FILTER (WHERE state = 'running') AS running,
        count(*) FILTER (WHERE state = 'failed') AS failed
    FROM sync.windows WHERE account = a.name AND state IN ('planned', 'running', 'failed')
) AS w
ORDER BY a.name
"""  # noqa: S608

_OPEN = ("planned", "running", "failed", "rejects")  # windows by state, and rejects
_PROGRESS = (  # the fields of `Progress`
    "account",
    "history_from",
    "watermark",
    "proven_from",
    "read_from",
    "read_to",
    "history_share",
    "behind_seconds",
    "unconfirmed",
    "unconfirmed_from",
    "unconfirmed_to",
    "asked_again_at",
    "empty_since",
    "empty_read_next",
)


def status(config: context.Config = None, json: context.Json = False) -> None:
    """How current every account is, and what is in the way."""
    settings = context.load(config)
    with context.opened(settings) as url, database.session(url) as connection:
        accounts = fetch(connection, _ACCOUNTS)
        unrefreshed = identities.unrefreshed(connection)
        late = lateness.of_accounts(connection)
        not_listed = {each.account: each for each in missing.of_accounts(connection)}
    paces = {each.name: settings.policy(each) for each in settings.accounts}
    for row in accounts:
        row["late_seconds"] = late[row["account"]].total_seconds() if row["account"] in late else None
        row["missing_orders"] = not_listed[row["account"]].orders if row["account"] in not_listed else 0
    if json:
        output.print_json(accounts)
        return
    if not accounts:
        output.info("no account has been synced yet: `orders-sync sync`, or `orders-sync demo` to try it")
        return
    how_far = {row["account"]: Progress(*[row[each] for each in _PROGRESS]) for row in accounts}
    columns = ["account", "platform", "current to (UTC)", "behind", "history", "orders", "open"]
    output.table(
        "Accounts",
        columns,
        [
            (
                row["account"],
                row["platform"],
                output.utc(row["read_to"]) or "never",
                "" if row["behind_seconds"] is None else output.duration(row["behind_seconds"]),
                progress.state(how_far[row["account"]]),
                row["orders"],
                ", ".join(f"{row[what]:,} {what}" for what in _OPEN if row[what]),
            )
            for row in accounts
        ],
        ["behind", "orders"],
    )
    for row in accounts:
        if row["suspended_at"]:
            output.error(str(Suspension(row["account"], row["suspended_at"], row["suspended_because"])))
        elif row["last_error"]:
            output.error(str(row["last_error"]))
        for said in progress.remarks(how_far[row["account"]]):
            output.info(said)
        if row["account"] in late and row["account"] in paces:
            _report_lateness(row["account"], late[row["account"]], paces[row["account"]])
        if row["account"] in not_listed:
            output.info(missing.remark(not_listed[row["account"]]))
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
