"""Counts that stop at a limit, so that no page waits for a large table."""

from __future__ import annotations

MOST_COUNTED = 10_000


def capped(rows: str, most: int = MOST_COUNTED) -> str:
    """Return an SQL expression that counts the rows of a query, no further than one more than `most`.

    `rows`: a query from its FROM on. A result above `most` means: more than that.
    """
    return f"(SELECT count(*)::int FROM (SELECT {rows} LIMIT {most + 1}) AS counted)"


def words(count: int, most: int = MOST_COUNTED) -> str:
    """Format a count that stopped at `most`: "1,234", or "10,000+" where there are more. Pure."""
    return f"{most:,}+" if count > most else f"{count:,}"
