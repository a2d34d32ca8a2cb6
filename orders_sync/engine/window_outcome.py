"""Decide how a window is closed, from what its read ended with. Pure.

    the read ended with                               closed as     proves    then
    ------------------------------------------------  ------------  --------  ---------------------------------------
    a complete read                                   Complete      the range its records land
    ... of nothing, too long to be believed at once   Unconfirmed   nothing   it is read once more
    ... of nothing, or refused, beyond the reach      Beyond        nothing   it is never read again
    ... the same, over the border of the reach        Split         nothing   the parts on either side are read instead
    more records than are read at once                Split         nothing   its parts are read instead
    ... each part counted as many as the whole        Failed        nothing   it is read again
    a total that may be the most it ever counts       Split         nothing   what was read lands, its halves are read
    an error that smaller parts may avoid             Split         nothing   what was read lands, its parts are read
    any other error                                   Failed        nothing   what was read lands, it is read again
    refused credentials, or a long hold asked for     Released      nothing   what was read is dropped; planned again
    a count that agrees with its parts                PartsAgree    the range
    a count that is higher than its parts             RereadParts   nothing   its parts are read once more, or `Failed`

A fault withholds the proof, not the orders (P4). A list by status proves no range and moves no watermark: what the
tables hold in its status and it did not bring is planned by creation time, whatever the reason (`engine/rereads.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from orders_sync.domain.accounts import Account
from orders_sync.domain.completeness import ReadSummary, may_be_capped, may_read_parts_again, shortfall_of_parts
from orders_sync.domain.emptiness import SECOND_ANSWER_AFTER, at_reach, is_believed
from orders_sync.domain.errors import (
    AuthenticationError,
    BlockedError,
    IncompleteWindowError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    RecordsOutOfRangeError,
    SuspectTotalError,
    TransientError,
    is_answer,
)
from orders_sync.domain.ledger import Claim
from orders_sync.domain.times import duration
from orders_sync.domain.windows import Window, WindowKind, split
from orders_sync.engine.paging import WindowTooLarge
from orders_sync.engine.rate_limiter import is_long_hold

MOST_PARTS_AFTER_ERROR = 8  # of a window that could not be read; of one that is only too large: `windows.MOST_PARTS`
LONG_WINDOW = timedelta(days=7)  # a longer window may be too much for a platform to answer: no document gives a limit
# reads of a window that each ended because the platform asked for a long hold; the last of them splits the window
# instead of releasing it: as a whole it may cost more calls than a quota has
LONG_HOLDS = 4
# the credentials count as refused once a window was blocked BLOCKED_READS times, unless another window of the account
# was read to its end within BLOCKED_FOR
BLOCKED_READS = 4
BLOCKED_FOR = timedelta(minutes=10)
EMPTY_BEYOND = "nothing is listed, which proves nothing there"


@dataclass(frozen=True, slots=True)
class Counted:
    """The window was only counted, by one call, to be compared with what its parts brought (`Claim.part_rows`)."""

    total: int


Ending = ReadSummary | WindowTooLarge | Counted | PlatformError


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts on a window whose read has ended with `ending`."""

    claim: Claim
    account: Account
    ending: Ending
    total: int | None  # the platform's newest count of records, None before it gave one
    calls: int
    page_size: int  # records a page
    window_rows: int  # the most that are read at once
    platform: str
    furthest_back: timedelta | None  # how far back the platform is documented to list
    is_empty: bool = False  # of a complete read: it brought nothing, and nothing follows from that
    # a window of the account was read to its end within `BLOCKED_FOR`; see `may_be_refused_credentials`
    account_was_read: bool = False
    # another part of the window this one was split from counts as many records as the whole: see `_is_range_ignored`
    is_sibling_as_full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result by which a window is closed. `error`: what ended its read, None where it was read or counted."""

    error: PlatformError | None = None


@dataclass(frozen=True, slots=True)
class Complete(Outcome):
    """Read to its end: its records land. `nothing_to_write`: but for the end of the window.

    That proves its range, so that the watermark may move. A list by status (`Claim.status`) proves none; nor does a
    read for a message, for which the range may be too young.
    """

    nothing_to_write: bool = False


@dataclass(frozen=True, slots=True)
class Unconfirmed(Outcome):
    """Planned again after `delay`, because an empty answer is not believed until it is repeated."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Beyond(Outcome):
    """Beyond the platform's reach, for good. `reason`: the text kept with the window."""

    reason: str


@dataclass(frozen=True, slots=True)
class Split(Outcome):
    """Replaced by its parts.

    `total`: the platform's count, None before it gave one. `reason`: the text kept with the window, None where it is
    only too large.
    """

    parts: list[Window]
    total: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Failed(Outcome):
    """Failed, and read again after a delay. `reason`: the text kept with the window."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released(Outcome):
    """Planned again; what was read is dropped. `suspends`: the credentials are refused, and are no longer used."""

    suspends: bool = False


@dataclass(frozen=True, slots=True)
class PartsAgree(Outcome):
    """Split, with proof: its parts brought no fewer records than the platform counts."""


@dataclass(frozen=True, slots=True)
class RereadParts(Outcome):
    """Split, its parts planned once more. `otherwise`: the outcome where none of them is to be read again."""

    reason: str
    otherwise: Failed


def decide_outcome(facts: Facts) -> Outcome:
    """Return how the window is closed."""
    ending = facts.ending
    if isinstance(ending, PlatformError):
        return _after_error(facts, ending)
    if isinstance(ending, Counted):
        return _after_count(facts, ending.total)
    if isinstance(ending, WindowTooLarge):
        return _too_large(facts, ending.total)
    return _after_read(facts, ending)


def may_be_refused_credentials(claim: Claim, error: PlatformError) -> bool:
    """Return True if a block may mean that the credentials are refused; it does unless `Facts.account_was_read`."""
    return isinstance(error, BlockedError) and claim.attempts >= BLOCKED_READS


def is_long(window: Window) -> bool:
    """Return True if a window may be longer than the platform can answer for."""
    return window.end - window.start > LONG_WINDOW


def _incomplete(claim: Claim, text: str) -> IncompleteWindowError:
    return _name_window(claim, IncompleteWindowError(text))


def _after_read(facts: Facts, reading: ReadSummary) -> Outcome:
    claim = facts.claim
    if claim.status is None and claim.window.seconds > 1 and may_be_capped(reading.total):
        text = (
            f"the platform counts exactly {reading.total} records, which may be the most it ever counts: "
            "the two halves are read again"
        )
        return _after_error(facts, _name_window(claim, SuspectTotalError(text)))
    if not facts.is_empty or claim.kind not in (WindowKind.INCREMENTAL, WindowKind.BACKFILL):
        return Complete(nothing_to_write=facts.is_empty)
    if (beyond := _beyond_reach(facts, EMPTY_BEYOND)) is not None:
        return beyond
    # an empty backfill proves nothing by itself: see `backfills.unproven`
    is_second_answer = claim.not_before is not None
    if claim.kind == WindowKind.BACKFILL or is_believed(claim.window, is_second_answer=is_second_answer):
        return Complete(nothing_to_write=True)
    return Unconfirmed(SECOND_ANSWER_AFTER)


def _after_count(facts: Facts, total: int) -> Outcome:
    """Compare the new count of a split window with what its parts brought: fewer records than it counted before.

    Each count is one call. A window that fails is counted again after a delay, like any other, so that it does not hold
    up a newer one.
    """
    claim = facts.claim
    assert claim.part_rows is not None
    lacking = shortfall_of_parts(total, claim.part_rows)
    if lacking is None:
        return PartsAgree()
    failure = _incomplete(
        claim,
        f"{lacking}, though they were read more than once. What was read has landed, the range does not count as "
        "proven. It is counted again within an hour",
    )
    failed = Failed(str(failure), error=failure)
    if not may_read_parts_again(claim.window, claim.parts_again_at, claim.now):
        return failed
    error = _incomplete(claim, f"{lacking}. They are read once more")
    return RereadParts(str(error), failed, error=error)


def _too_large(facts: Facts, total: int) -> Outcome:
    claim = facts.claim
    if _is_range_ignored(facts):
        text = (
            f"the platform counts {total} records in each part of a range, as many as in the whole "
            "of it: it seems to ignore the range, or its total is not to be believed"
        )
        return _after_error(facts, _incomplete(claim, text))
    return Split(split(claim.window, total, facts.window_rows), total)


def _after_error(facts: Facts, error: PlatformError) -> Outcome:
    claim = facts.claim
    if isinstance(error, AuthenticationError) or (
        may_be_refused_credentials(claim, error) and not facts.account_was_read
    ):
        return Released(suspends=True, error=error)
    if is_long_hold(error) and (claim.attempts < LONG_HOLDS or not facts.calls):
        return Released(error=error)
    if facts.total is None and is_answer(error):
        beyond = _beyond_reach(facts, error.message, error)
        if beyond is not None:
            return beyond
    reason = _reason(facts.account, error)
    parts = _parts(facts, error)
    return Split(parts, facts.total, reason, error=error) if parts else Failed(reason, error=error)


def _parts(facts: Facts, error: PlatformError) -> list[Window]:
    """Return the parts that are read instead of a window that could not be read; empty where they would not help.

    A smaller part takes fewer calls, so it is likelier that none of them fails; and a record that the platform can
    never give then keeps only the orders of its own part from being read. Parts do not help where the window fits on a
    page or is a second long, where a transient failure happened for the first time, where the records lie outside the
    range that was asked for, or where the platform seems to ignore the range. Before the platform counted, only a long
    window that failed before is split.
    """
    claim, total = facts.claim, facts.total
    window, is_first = claim.window, claim.attempts == 1
    if claim.part_rows is not None:
        return []
    if isinstance(error, SuspectTotalError):
        return split(window, 2, 1)
    if isinstance(error, RecordsOutOfRangeError):
        return []
    if isinstance(error, IncompleteWindowError) and _is_range_ignored(facts):
        return []
    if total is None:
        is_splittable = is_long(window) and not is_first and not isinstance(error, RateLimitError)
        return split(window, MOST_PARTS_AFTER_ERROR, 1) if is_splittable else []
    is_passing = is_first and isinstance(error, TransientError | RateLimitError)
    if is_passing or total <= facts.page_size or window.seconds == 1:
        return []
    return split(window, total, max(facts.page_size, -(-total // MOST_PARTS_AFTER_ERROR)))


def _is_range_ignored(facts: Facts) -> bool:
    """Return True if this part and another one each count as many records as the window they were split from.

    Then smaller parts would count as many, too, down to the second.
    """
    return facts.is_sibling_as_full and counts_as_whole(facts.claim, facts.total)


def counts_as_whole(claim: Claim, total: int | None) -> bool:
    """Return True if a part counts as many records as the window it was split from."""
    return total is not None and claim.parent_total is not None and total >= claim.parent_total


def _beyond_reach(facts: Facts, reason: str, error: PlatformError | None = None) -> Outcome | None:
    """Close a window beyond the platform's reach, or cut one that extends over its border; None for any other."""
    claim, furthest = facts.claim, facts.furthest_back
    beyond, within = at_reach(claim.window, claim.now, furthest)
    if beyond is None or furthest is None or claim.status is not None:
        return None
    if within is not None:
        return Split([beyond, within], facts.total, reason, error=error)
    reach = duration(int(furthest.total_seconds()))
    text = f"{claim.window}: {reason}. {facts.platform} is documented to list {reach} back"
    return Beyond(text, error=error)


def _reason(account: Account, error: PlatformError) -> str:
    """Return the text kept with a window, without secrets; with the beginning of an answer that cannot be read."""
    body = error.body if isinstance(error, MalformedResponseError) else b""
    beginning = account.redact(body.decode("utf-8", "replace"))
    return f"{error}\n\nThe answer begins:\n{beginning}" if beginning else str(error)


def _name_window(claim: Claim, error: IncompleteWindowError) -> IncompleteWindowError:
    error.account, error.window = claim.account, str(claim.window)
    return error
