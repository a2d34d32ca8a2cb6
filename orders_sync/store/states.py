"""Sets of states as SQL lists: what a query asks for and what a partial index holds must be spelled alike.

A single state stands in its statement as a literal, which reads best; `tests/store/test_states.py` holds all of them
against the enums.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from orders_sync.domain import ledger, windows


def sql_list(states: Iterable[StrEnum]) -> str:
    """Return a list for `IN`, such as `('done', 'split')`."""
    return "({})".format(", ".join(f"'{state}'" for state in states))


OPEN_WINDOWS = sql_list(windows.OPEN_WINDOWS)
READ_WINDOWS = sql_list(windows.READ_WINDOWS)
OPEN_BACKFILLS = sql_list(ledger.OPEN_BACKFILLS)
