"""Progress through an account's history: the newest stretch without a gap, for history is read newest first.

history_from          watermark                   read_from      read_to   now
|====== proven =======|   unread   |=== read ===|     |=== newest stretch ===|
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import psycopg

from orders_sync.domain.local_times import day
from orders_sync.domain.sentences import Sentence
from orders_sync.store.database import Connection
from orders_sync.store.empty_history import NEXT_READ
from orders_sync.store.queries import fetch_row, select_rows
from orders_sync.store.states import OPEN_WINDOWS

# of accounts `a`. A range that was listed as empty once was read, though its proof is withheld until it is asked once
# more (`not_before`). What was read up to `read_to` may reach further: the next window begins the overlap before it
PROGRESS = f"""
    SELECT a.name, a.history_from, a.watermark, a.proven_from,
        lower(n.stretch) AS read_from, e.read_to, n.share::float AS history_share,
        extract(epoch FROM clock_timestamp() - coalesce(e.read_to, a.history_from))::float AS behind,
        coalesce(o.unconfirmed, 0) AS unconfirmed, o.unconfirmed_from, o.unconfirmed_to, o.asked_again_at,
        a.empty_since, {NEXT_READ} AS empty_read_next
    FROM sync.accounts AS a
    LEFT JOIN LATERAL (
        SELECT max(ends_at) AS planned_to FROM sync.windows AS w WHERE w.account = a.name AND w.kind = 'incremental'
    ) AS p ON true
    LEFT JOIN LATERAL (
        SELECT range_agg(tstzrange(starts_at, ends_at)) FILTER (WHERE not_before IS NULL) AS unread,
            count(*) FILTER (WHERE not_before IS NOT NULL) AS unconfirmed,
            min(starts_at) FILTER (WHERE not_before IS NOT NULL) AS unconfirmed_from,
            max(ends_at) FILTER (WHERE not_before IS NOT NULL) AS unconfirmed_to,
            max(not_before) AS asked_again_at
        FROM sync.windows AS w
        WHERE w.account = a.name AND w.kind = 'incremental' AND w.state IN {OPEN_WINDOWS}
    ) AS o ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(piece ORDER BY lower(piece) DESC))[1] AS stretch,
            extract(epoch FROM sum(upper(piece) - lower(piece)))
                / nullif(extract(epoch FROM p.planned_to - a.history_from), 0) AS share
        FROM unnest(tstzmultirange(tstzrange(a.history_from, greatest(p.planned_to, a.history_from)))
            - coalesce(o.unread, '{{}}')) AS piece
    ) AS n ON true
    LEFT JOIN LATERAL (
        SELECT greatest(upper(n.stretch), (
            SELECT max(d.ends_at) FROM sync.windows AS d
            WHERE d.account = a.name AND d.kind = 'incremental' AND d.state = 'done'
              AND d.ends_at > upper(n.stretch) AND d.starts_at <= upper(n.stretch)
        )) AS read_to
    ) AS e ON true
"""


class AccountProgress(msgspec.Struct, frozen=True):
    """The progress of an account.

    `[read_from, read_to)`: the newest stretch that was read without a gap; None before anything was. `history_share`:
    how much of the history up to `read_to` is read, between 0 and 1. `behind`: seconds since `read_to`, since the
    beginning of history where nothing was read. `unconfirmed`: windows between `unconfirmed_from` and `unconfirmed_to`
    that were listed as empty and are asked once more, the last of them at `asked_again_at`. `empty_since`: all of the
    history was read then and listed no order; it is read again at `empty_read_next`, if at all.
    """

    name: str
    history_from: datetime | None
    watermark: datetime | None
    proven_from: datetime | None
    read_from: datetime | None
    read_to: datetime | None
    history_share: float | None
    behind: float | None = None
    unconfirmed: int = 0
    unconfirmed_from: datetime | None = None
    unconfirmed_to: datetime | None = None
    asked_again_at: datetime | None = None
    empty_since: datetime | None = None
    empty_read_next: datetime | None = None


async def progress(connection: Connection, account: str) -> AccountProgress | None:
    """Return how far the account is read; None for one that was never planned."""
    return await fetch_row(connection, f"{PROGRESS} WHERE a.name = %s", [account], AccountProgress)


def of(connection: psycopg.Connection[tuple[object, ...]], accounts: Sequence[str]) -> list[AccountProgress]:
    """Return how far these accounts are read, ordered by name; those that have no row are left out."""
    query = f"{PROGRESS} WHERE a.name = ANY(%s) ORDER BY a.name"
    return select_rows(connection, query, [list(accounts)], AccountProgress)


def state(found: AccountProgress) -> str:
    """Return in a few words how much of the history is read.

    `complete`, `complete from ...`, `to be confirmed`, or a share; nothing before anything was read. Pure.
    """
    if found.read_from is None or found.history_share is None:
        return ""
    if found.history_share < 1 and not is_current(found):
        return f"{min(found.history_share, 0.99):.0%} read"
    if found.empty_read_next:
        return "nothing listed yet"
    if found.unconfirmed:
        return "to be confirmed"
    if found.proven_from and found.history_from and found.proven_from > found.history_from:
        return f"complete from {day(found.proven_from)}"
    return "complete"


def complete_from(found: AccountProgress) -> datetime | None:
    """Return since when every order that the platform lists was read, up to `read_to`; None where nothing was. Pure."""
    if found.read_from is None or found.read_to is None:
        return None
    begins = found.history_from if found.history_from and is_current(found) else found.read_from
    unconfirmed = found.unconfirmed_to if found.unconfirmed else None
    return max(begins, found.proven_from or begins, unconfirmed or begins)


def remarks(found: AccountProgress) -> list[Sentence]:
    """Return a sentence for each part of an account's history that is not read, or not proven. Pure."""
    said = []
    if found.proven_from and found.history_from and found.proven_from > found.history_from:
        said.append(
            Sentence(
                "complete only from %(proven)s on. The settings ask for history from %(history)s, but the platform "
                "does not list that far back: nothing older is proven",
                proven=found.proven_from,
                history=found.history_from,
            )
        )
    share = found.history_share
    if found.read_from and found.read_to and share is not None and share < 1 and not is_current(found):
        said.append(
            Sentence(
                "read from %(first)s to %(past)s, %(share)s of the history; older history follows",
                first=found.read_from,
                past=found.read_to,
                share=f"{min(share, 0.99):.0%}",
            )
        )
    if found.empty_since and found.history_from:
        said.append(_empty(found.history_from, found.empty_read_next))
    elif found.unconfirmed and found.unconfirmed_from and found.unconfirmed_to and found.asked_again_at:
        said.append(
            Sentence(
                "between %(first)s and %(past)s long ranges were listed as empty (%(count)s). They count as proven if "
                "a second read is empty too: the next pass after %(time)s reads them",
                first=found.unconfirmed_from,
                past=found.unconfirmed_to,
                count=found.unconfirmed,
                time=found.asked_again_at,
            )
        )
    return said


def _empty(history_from: datetime, until: datetime | None) -> Sentence:
    if until:
        return Sentence(
            "no order is listed in all of its history from %(history)s on. A new authorisation may list nothing at "
            "first: the next pass after %(time)s reads it again",
            history=history_from,
            time=until,
        )
    return Sentence(
        "no order is listed in all of its history from %(history)s on. It was re-read for a day. If the shop has "
        "orders, the credentials belong to another shop, or lack the authorisation",
        history=history_from,
    )


def is_current(found: AccountProgress) -> bool:
    """Return whether the stretch begins before the watermark: then only its newest end is being read. Pure."""
    return found.read_from is not None and found.watermark is not None and found.read_from < found.watermark
