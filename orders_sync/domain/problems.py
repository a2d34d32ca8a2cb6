"""The kinds of problem that the service finds in its own state, by which people choose what they get notices about."""

from __future__ import annotations

from enum import StrEnum


class ProblemKind(StrEnum):
    """The kind of a problem, by what it is about. Declared in the order in which a notice names them."""

    SUSPENDED = "suspended"  # the platform refused the credentials of an account
    MISCONFIGURED = "misconfigured"  # a mistake in the settings keeps an account from being read
    SERVICE = "service"  # no scheduler or worker runs, a process is silent, versions differ
    BEHIND = "behind"  # an account is less current than its settings promise, or was never read
    FAILING = "failing"  # windows or the planning of an account fail
    AUDIT = "audit"  # platform and tables differ, orders are no longer listed, or no audit ends
    REJECTS = "rejects"  # records that could not be converted into orders
    LATE = "late"  # orders are listed later than the passes over the newest time look back
    REMOVED = "removed"  # an account with orders is not in the settings
    DATABASE = "database"  # it does not answer; known to a process that runs, never to the tables
    BACKFILL = "backfill"  # no problem of its own: people are also sent a notice when one ends
