"""Gauges per account, computed from the tables: names and help texts that queries and dashboards hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders_sync.store.service_metrics import AccountMetrics


@dataclass(frozen=True)
class Gauge:
    """A value per account. None means unknown: the sample is omitted."""

    name: str
    help: str
    value: Callable[[AccountMetrics], float | None]


ACCOUNT_GAUGES = (
    Gauge(
        "orders_sync_account_behind_seconds",
        "Seconds between now and the newest time up to which the account is read; "
        "for gaps before it see orders_sync_account_history_ratio.",
        lambda account: account.behind,
    ),
    Gauge(
        "orders_sync_account_history_ratio",
        "Share of the account's history up to that time that is read, from 0 to 1.",
        lambda account: account.history_share,
    ),
    Gauge(
        "orders_sync_account_watermark_timestamp_seconds",
        "The account's watermark: every order that the platform lists before it is stored, with proof.",
        lambda account: account.watermark,
    ),
    Gauge(
        "orders_sync_account_proven_from_timestamp_seconds",
        "Start of the proven range: later than history_from if the platform does not list that far back.",
        lambda account: account.proven_from,
    ),
    Gauge(
        "orders_sync_account_suspended",
        "1 if no calls are made for the account because the platform refused its credentials.",
        lambda account: account.is_suspended,
    ),
    Gauge(
        "orders_sync_account_paused",
        "1 if a person has paused the account.",
        lambda account: account.is_paused,
    ),
    Gauge(
        "orders_sync_account_resting",
        "1 if no call is made for the account for a minute: its last error, which `status` shows, says why.",
        lambda account: account.is_resting,
    ),
    Gauge(
        "orders_sync_rejects_open",
        "Records in sync.rejects that could not be converted into orders, without ignored ones.",
        lambda account: account.rejects,
    ),
    Gauge(
        "orders_sync_rejects_ignored",
        "Such records that somebody chose to ignore.",
        lambda account: account.ignored_rejects,
    ),
    Gauge(
        "orders_sync_messages_waiting",
        "Messages of the platform that are not yet processed.",
        lambda account: account.messages,
    ),
    Gauge(
        "orders_sync_messages_oldest_waiting_seconds",
        "Age of the oldest unprocessed message; 0 if there is none.",
        lambda account: account.oldest_message,
    ),
    Gauge(
        "orders_sync_audit_age_seconds",
        "Seconds since the account's last completed audit.",
        lambda account: account.audit_age,
    ),
    Gauge(
        "orders_sync_audit_differences",
        "Ranges in which audits found the tables to differ, without those repaired, compared again or acknowledged.",
        lambda account: None if account.audit_age is None else account.differences,
    ),
    Gauge(
        "orders_sync_account_listing_late_seconds",
        "Longest known delay in seven days from an order's time to its first listing, a lower bound; 0 if none.",
        lambda account: account.late_by or 0,
    ),
)
