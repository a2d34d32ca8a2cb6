"""Kinds and severities of problems that the service finds in its own state, and the states of an account.

A problem is *broken* when it stays until a person acts, and needs *attention* when it may pass, or holds up nothing.
They are found by `engine/service_problems.py` and `engine/account_problems.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """The kind of a problem, by what it is about: people choose by it what they get notices of.

    Declared in the order in which a notice names them.
    """

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
    BACKFILL = "backfill"  # one has ended: no problem, but a notice of it is chosen by this word, too


class Severity(StrEnum):
    """The severity of a problem: it stays until a person acts (`BROKEN`), or may end by itself."""

    ATTENTION = "attention"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fact that is wrong, and what to do about it in a terminal. `account` is None where it concerns all of them.

    `found`: a `Sentence`, or words of a platform or of the settings, without the name of the account and without a
    command, as the console shows it. `advice`: in English, a sentence of its own or what follows a colon.
    """

    kind: ProblemKind
    severity: Severity
    found: str
    account: str | None = None
    advice: str = ""

    @property
    def text(self) -> str:
        """All of it in English, as it is shown in a terminal."""
        said = f"{self.account}: {self.found}" if self.account else self.found
        return f"{said}{'. ' if self.advice[0].isupper() else ': '}{self.advice}" if self.advice else str(said)


def without_name(text: str, account: str | None) -> str:
    """Return a text without the name of the account before it: a problem says the name itself."""
    return text.removeprefix(f"{account}: ")


class AccountState(StrEnum):
    """The state of an account: how current it is. Declared in the order in which the summary names them."""

    CURRENT = "current"
    CATCHING_UP = "catching up"  # its newest orders are current, older history is still being read
    BEHIND = "behind"  # longer than its settings promise
    NOT_READ = "not read yet"
    PAUSED = "paused"  # by a person
    SUSPENDED = "suspended"
    MISCONFIGURED = "misconfigured"
    REMOVED = "removed"  # not in the settings
    RETIRED = "retired"
