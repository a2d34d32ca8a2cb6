"""Decisions on what the failure of a window means for its account."""

from __future__ import annotations

import pytest

from orders_sync.domain.errors import (
    AuthenticationError,
    IncompleteWindowError,
    InvalidRequestError,
    PlatformError,
    RateLimitError,
    TransientError,
)
from orders_sync.engine.failures import FAILURES_IN_A_ROW, react
from orders_sync.engine.rate_limiter import LONGEST_WAIT

NETWORK = TransientError("the connection was reset")
THROTTLED = RateLimitError("slow down", retry_after=LONGEST_WAIT)
PAUSE = RateLimitError("slow down", retry_after=LONGEST_WAIT + 1)
CREDENTIALS = AuthenticationError("the signature is wrong")
REFUSED_WINDOW = InvalidRequestError("no such range")
MISSING = IncompleteWindowError("2 rows are missing")


@pytest.mark.parametrize(
    ("error", "in_a_row", "has_answered", "advice"),
    [
        (CREDENTIALS, 1, True, "Check the credentials of shop"),
        (PAUSE, 1, True, "shop rests: the service reads it again after a minute"),
        *((each, FAILURES_IN_A_ROW, True, "3 windows failed in a row. shop rests") for each in (NETWORK, THROTTLED)),
        *((each, FAILURES_IN_A_ROW, False, "3 windows failed in a row. shop rests") for each in (MISSING, NETWORK)),
        (REFUSED_WINDOW, FAILURES_IN_A_ROW + 1, False, "4 windows failed in a row. shop rests"),
    ],
)
def test_an_account_rests_that_the_platform_refuses_or_does_not_serve_P6(
    error: PlatformError, in_a_row: int, has_answered: bool, advice: str
) -> None:
    reaction = react("shop", error, in_a_row=in_a_row, has_answered=has_answered)
    assert reaction.rests
    assert reaction.text.startswith(f"{error}. {advice}")


@pytest.mark.parametrize(
    ("error", "in_a_row", "has_answered"),
    [
        *((each, FAILURES_IN_A_ROW - 1, False) for each in (NETWORK, THROTTLED, MISSING)),
        *((each, 9 * FAILURES_IN_A_ROW, True) for each in (MISSING, REFUSED_WINDOW)),
    ],
)
def test_windows_that_alone_are_at_fault_hold_up_no_other(
    error: PlatformError, in_a_row: int, has_answered: bool
) -> None:
    reaction = react("shop", error, in_a_row=in_a_row, has_answered=has_answered)
    assert not reaction.rests
    assert reaction.text.startswith(f"{error}. It is read again later by itself")
