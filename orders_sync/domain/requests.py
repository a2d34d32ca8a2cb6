"""Requests of people that the running service takes: read an account now, audit it now."""

from __future__ import annotations

from enum import StrEnum


class RequestKind(StrEnum):
    """The column `kind` of `sync.requests`."""

    SYNC = "sync"  # changes now, whatever of the interval is left; failed windows, due or not
    AUDIT = "audit"  # the platform's counts against the tables
