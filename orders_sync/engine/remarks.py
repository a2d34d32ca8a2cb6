"""Remarks: why an order is not in the tables, or not as it is at the platform, and what comes next.

Those on one order: `engine/order_remarks.py`; those on whole accounts: `engine/account_remarks.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orders_sync.domain.sentences import Sentence
from orders_sync.engine.service_status import Verdict
from orders_sync.store.overview import AccountStatus


class Reason(StrEnum):
    """The reason why an order is not in the tables, or not as it is at the platform. The likeliest comes first."""

    ROUNDED = "rounded"  # a spreadsheet cut its number
    OTHER_ACCOUNT = "other_account"  # it is here, of an account that was not asked for
    TORN = "torn"  # lines or parcels of it are here, its row in `orders` is not
    REJECTED = "rejected"  # a record of it could not be converted
    MISSING = "missing"  # an audit found that the platform lists it
    MESSAGE = "message"  # the platform sent a message about it
    PAUSED = "paused"  # a person has its account not read for a while
    SUSPENDED = "suspended"  # its account makes no calls
    BEHIND = "behind"  # its account is not read up to now
    FAILED = "failed"  # windows of its account failed
    BEFORE_HISTORY = "before_history"  # placed before what is synced
    NOT_LISTED = "not_listed"  # what was read completely does not hold it, or no longer
    REMOVED = "removed"  # its account is in no settings, or was retired
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that names no command, and the command that comes next where there is one.

    `reject`: the number of the reject that it is about.
    """

    reason: Reason
    text: Sentence
    command: str | None = None
    account: str | None = None
    reject: int | None = None


@dataclass(frozen=True, slots=True)
class KnownAccounts:
    """The accounts that may hold an order, and how current each is."""

    accounts: Sequence[AccountStatus]
    verdict: Verdict

    def of(self, name: str) -> AccountStatus | None:
        """Return the state of an account; None for one that the tables do not know."""
        return next((each for each in self.accounts if each.name == name), None)


def likeliest_first(remarks: Iterable[Remark]) -> list[Remark]:
    """Return remarks in the order of `Reason`."""
    return sorted(remarks, key=lambda each: list(Reason).index(each.reason))
