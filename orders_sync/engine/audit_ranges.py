"""The range that an audit compares, or why there is nothing to compare. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from orders_sync.domain.sentences import Sentence
from orders_sync.domain.windows import Window, whole_second
from orders_sync.store.audits import Synced


def to_compare(
    account: str, synced: Synced | None, start: datetime | None, end: datetime | None, lag: timedelta = timedelta()
) -> Window | Sentence:
    """Return the range to compare of `[start, end)`, or say why there is none.

    It ends where the account is synced to, and `lag` before now at the latest; by default it begins where the newest
    stretch does that was read without a gap.
    """
    if synced is None or synced.read_to is None or synced.read_from is None:
        return Sentence(
            "%(account)s: nothing is synced yet, so nothing can be compared: `orders-sync sync`", account=account
        )
    first, past = whole_second(start or synced.read_from), whole_second(min(synced.read_to, synced.now - lag))
    if first >= synced.now:
        return Sentence(
            "%(account)s: the range lies in the future, it begins at %(first)s: nothing can be compared",
            account=account,
            first=first,
        )
    if first >= past:
        return Sentence(
            "%(account)s, %(first)s and later: nothing to compare, it is synced to %(past)s. Give an earlier start, "
            "or run `orders-sync sync` first",
            account=account,
            first=first,
            past=past,
        )
    if end is not None and whole_second(end) <= first:
        return Sentence(
            "%(account)s: nothing to compare before %(end)s, what was read without a gap begins at %(first)s. Give an "
            "earlier start, too",
            account=account,
            end=end,
            first=first,
        )
    return Window(first, past if end is None else min(past, whole_second(end)))
