"""Decide what the failure of a window means for its account: whether it rests, and the text for a person. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orders_sync.domain.accounts import resume_advice
from orders_sync.domain.errors import AuthenticationError, PlatformError, RateLimitError, TransientError
from orders_sync.engine.rate_limiter import is_long_hold

FAILURES_IN_A_ROW = 3  # windows that fail, after which the account rests, unless these windows alone are at fault


@dataclass(frozen=True, slots=True)
class Reaction:
    """The consequence of a failure. `rests`: the account's turn is over. `text`: for a person."""

    rests: bool
    text: str


def react(account: str, error: PlatformError, *, in_a_row: int, has_answered: bool) -> Reaction:
    """Return what follows from a window's failure.

    `in_a_row`: failures since a window was last read, this one included. `has_answered`: the platform has answered a
    window in this turn. Windows that a platform does not serve hold up no other one: after `FAILURES_IN_A_ROW` the
    account rests only if the platform cannot be reached, is busy, or has answered nothing at all.
    """
    is_down = isinstance(error, TransientError | RateLimitError) or not has_answered
    rest = f"{account} rests: the service reads it again after a minute"
    if isinstance(error, AuthenticationError):
        rests, advice = True, resume_advice(account)
    elif is_long_hold(error):
        rests, advice = True, rest
    elif in_a_row >= FAILURES_IN_A_ROW and is_down:
        rests, advice = True, f"{in_a_row} windows failed in a row. {rest}"
    else:
        rests, advice = False, "It is read again later by itself; `orders-sync sync --retry` does not wait for that"
    return Reaction(rests, f"{error}. {advice}")
