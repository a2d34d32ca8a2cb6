"""Decisions on how a window is closed, and what its outcome proves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from orders_sync.domain.accounts import Account
from orders_sync.domain.completeness import ReadSummary
from orders_sync.domain.emptiness import SECOND_ANSWER_AFTER
from orders_sync.domain.errors import (
    AuthenticationError,
    BlockedError,
    IncompleteWindowError,
    InvalidRequestError,
    MalformedResponseError,
    PlatformError,
    RateLimitError,
    RecordsOutOfRangeError,
    SuspectTotalError,
    TransientError,
)
from orders_sync.domain.ledger import Claim
from orders_sync.domain.windows import Feed, Window, WindowKind, split
from orders_sync.engine.paging import WindowTooLarge
from orders_sync.engine.rate_limiter import LONGEST_WAIT
from orders_sync.engine.window_outcome import (
    BLOCKED_READS,
    LONG_HOLDS,
    LONG_WINDOW,
    MOST_PARTS_AFTER_ERROR,
    Beyond,
    Complete,
    Counted,
    Ending,
    Facts,
    Failed,
    Outcome,
    PartsAgree,
    Released,
    RereadParts,
    Split,
    Unconfirmed,
    decide_outcome,
)

NOW = datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
ONE_HOUR = Window(NOW - 2 * HOUR, NOW - HOUR)
ONE_SECOND = Window(NOW - 2 * HOUR, NOW - 2 * HOUR + SECOND)
TWO_DAYS = Window(NOW - 3 * DAY, NOW - DAY)
LONGER = Window(NOW - LONG_WINDOW - DAY - SECOND, NOW - DAY)
REACH = 31 * DAY
BORDER = (NOW - REACH).replace(minute=0, second=0) + 2 * HOUR
FAR_BACK = Window(BORDER - 3 * HOUR, BORDER)
ACROSS = Window(BORDER - 3 * HOUR, BORDER + 3 * HOUR)

CLAIM = Claim(7, "shop", WindowKind.INCREMENTAL, Feed.UPDATED, ONE_HOUR, None, None, None, 70, 1, 0, NOW)
ACCOUNT = Account("shop", "1688", "https://api.example", "seller", "app-42", "s3cret")

NOTHING = ReadSummary(0, 0)
NETWORK = TransientError("the connection was reset")
BUSY = TransientError("the platform is busy", code="isp.busy")
REFUSED_WINDOW = InvalidRequestError("the range is too old", code="isv.range")
THROTTLED = RateLimitError("slow down")
PAUSE = RateLimitError("slow down", retry_after=LONGEST_WAIT + 1)
SHORT_PAUSE = RateLimitError("slow down", retry_after=LONGEST_WAIT)
BLOCKED = BlockedError("HTTP 403")
CREDENTIALS = AuthenticationError("the signature is wrong")
MISSING = IncompleteWindowError("2 rows are missing")
ELSEWHERE = RecordsOutOfRangeError("3 records lie outside")


@pytest.fixture(autouse=True)
def empty_months_are_believed() -> None:
    """Empty months are not believed here, unlike in the stories of this folder."""


def facts(ending: Ending, total: int | None = None, **other: Any) -> Facts:
    """Facts of an hour's window of changes; `other`: fields of the facts, or of the claim."""
    values: dict[str, Any] = {"calls": 3, "furthest_back": None}
    values |= {
        name: other.pop(name)
        for name in ("is_empty", "account_was_read", "is_sibling_as_full", *values)
        if name in other
    }
    return Facts(
        claim=replace(CLAIM, **other),
        account=ACCOUNT,
        ending=ending,
        total=ending.total if isinstance(ending, ReadSummary | WindowTooLarge | Counted) else total,
        page_size=50,
        window_rows=2000,
        platform="1688",
        **values,
    )


EMPTY: dict[str, Any] = {"is_empty": True}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(facts(ReadSummary(40, 40)), Complete(), id="rows"),
        pytest.param(facts(ReadSummary(40, 43)), Complete(), id="more-rows-than-counted"),
        pytest.param(facts(NOTHING, **EMPTY), Complete(nothing_to_write=True), id="an-empty-hour"),
        pytest.param(facts(NOTHING), Complete(), id="empty-but-something-follows"),
        pytest.param(facts(NOTHING, window=TWO_DAYS, **EMPTY), Unconfirmed(SECOND_ANSWER_AFTER), id="empty-days"),
        pytest.param(
            facts(NOTHING, window=TWO_DAYS, not_before=NOW, **EMPTY),
            Complete(nothing_to_write=True),
            id="empty-days-again",
        ),
        *(
            pytest.param(
                facts(NOTHING, window=TWO_DAYS, kind=kind, **EMPTY), Complete(nothing_to_write=True), id=f"empty-{kind}"
            )
            for kind in WindowKind
            if kind is not WindowKind.INCREMENTAL
        ),
        pytest.param(
            facts(NOTHING, window=FAR_BACK, kind=WindowKind.SWEEP, furthest_back=REACH, **EMPTY),
            Complete(nothing_to_write=True),
            id="an-empty-sweep-beyond-the-reach-moves-nothing",
        ),
        pytest.param(facts(ReadSummary(1500, 1500), status="paid"), Complete(), id="a-list-by-status-is-never-suspect"),
        pytest.param(facts(ReadSummary(1500, 1500), window=ONE_SECOND), Complete(), id="a-second-cannot-be-split"),
        pytest.param(
            facts(ReadSummary(40, 40), window=FAR_BACK, furthest_back=REACH), Complete(), id="rows-beyond-the-reach"
        ),
    ],
)
def test_a_read_that_adds_up_proves_the_range_unless_it_is_empty_P1(given: Facts, expected: Outcome) -> None:
    assert decide_outcome(given) == expected


@pytest.mark.parametrize("kind", [WindowKind.INCREMENTAL, WindowKind.BACKFILL])
def test_nothing_listed_beyond_the_reach_proves_nothing_P5(kind: WindowKind) -> None:
    far = decide_outcome(facts(NOTHING, window=FAR_BACK, kind=kind, furthest_back=REACH, **EMPTY))
    assert isinstance(far, Beyond)
    assert far.error is None
    assert far.reason == (
        f"{FAR_BACK}: nothing is listed, which proves nothing there. 1688 is documented to list 31 d back"
    )
    cut = decide_outcome(facts(NOTHING, window=ACROSS, kind=kind, furthest_back=REACH, **EMPTY))
    parts = [Window(ACROSS.start, BORDER), Window(BORDER, ACROSS.end)]
    assert cut == Split(parts, 0, "nothing is listed, which proves nothing there")


def test_a_window_the_platform_refuses_beyond_its_reach_is_never_read_again() -> None:
    for error in (REFUSED_WINDOW, BUSY):
        far = decide_outcome(facts(error, window=FAR_BACK, furthest_back=REACH))
        assert isinstance(far, Beyond)
        assert far.error is error
        assert error.message in far.reason
        cut = decide_outcome(facts(error, window=ACROSS, furthest_back=REACH))
        assert cut == Split(
            [Window(ACROSS.start, BORDER), Window(BORDER, ACROSS.end)], None, error.message, error=error
        )


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(facts(NETWORK, window=FAR_BACK, furthest_back=REACH), id="no-answer"),
        pytest.param(facts(REFUSED_WINDOW, window=FAR_BACK), id="no-documented-reach"),
        pytest.param(facts(REFUSED_WINDOW, window=FAR_BACK, furthest_back=REACH, status="paid"), id="a-status"),
        pytest.param(facts(REFUSED_WINDOW, 9, window=FAR_BACK, furthest_back=REACH), id="counted-before"),
        pytest.param(facts(REFUSED_WINDOW, furthest_back=REACH), id="within-the-reach"),
    ],
)
def test_another_refusal_is_a_failure(given: Facts) -> None:
    assert decide_outcome(given) == Failed(str(given.ending), error=given.ending)  # type: ignore[arg-type]


def test_a_window_that_is_too_full_is_split_without_a_reason() -> None:
    assert decide_outcome(facts(WindowTooLarge(5000))) == Split(split(ONE_HOUR, 5000, 2000), 5000)


@pytest.mark.parametrize("total", [1000, 1500, 20_000])
def test_a_count_that_may_be_a_cap_proves_nothing_and_halves_are_read_P1(total: int) -> None:
    outcome = decide_outcome(facts(ReadSummary(total, total)))
    assert isinstance(outcome, Split)
    assert isinstance(outcome.error, SuspectTotalError)
    assert len(outcome.parts) == 2
    assert outcome.reason == str(outcome.error)
    assert outcome.reason.startswith(f"shop, {ONE_HOUR}: the platform counts exactly {total} records")


def test_parts_that_count_as_many_as_the_whole_are_split_no_further() -> None:
    part: dict[str, Any] = {"parent_id": 1, "parent_total": 5000, "is_sibling_as_full": True}
    outcome = decide_outcome(facts(WindowTooLarge(5000), **part))
    assert isinstance(outcome, Failed)
    assert "it seems to ignore the range" in outcome.reason
    assert isinstance(decide_outcome(facts(MISSING, 5000, **part)), Failed)
    for smaller in ({"is_sibling_as_full": False}, {"parent_total": 5001}, {"parent_total": None}):
        assert isinstance(decide_outcome(facts(WindowTooLarge(5000), **{**part, **smaller})), Split)
        assert isinstance(decide_outcome(facts(MISSING, 5000, **{**part, **smaller})), Split)


@pytest.mark.parametrize(
    ("given", "suspends"),
    [
        pytest.param(facts(CREDENTIALS), True, id="refused"),
        pytest.param(facts(CREDENTIALS, 900, attempts=9), True, id="refused-on-the-way"),
        pytest.param(facts(BLOCKED, attempts=BLOCKED_READS), True, id="blocked-for-long"),
        pytest.param(facts(PAUSE), False, id="a-long-pause"),
        pytest.param(facts(PAUSE, attempts=LONG_HOLDS - 1), False, id="a-long-pause-again"),
        pytest.param(facts(PAUSE, attempts=LONG_HOLDS, calls=0), False, id="a-pause-that-others-caused"),
    ],
)
def test_a_window_that_is_not_to_blame_is_released(given: Facts, suspends: bool) -> None:
    assert decide_outcome(given) == Released(suspends, error=given.ending)  # type: ignore[arg-type]


def _eighths(total: int, window: Window = ONE_HOUR) -> list[Window]:
    return split(window, total, max(50, -(-total // MOST_PARTS_AFTER_ERROR)))


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        pytest.param(facts(MISSING, 400), _eighths(400), id="it-never-adds-up"),
        pytest.param(facts(MISSING, 120), _eighths(120), id="no-smaller-than-a-page"),
        pytest.param(facts(MISSING, 50), [], id="it-fits-on-a-page"),
        pytest.param(facts(MISSING, 400, window=ONE_SECOND), [], id="a-second"),
        pytest.param(facts(ELSEWHERE, 400), [], id="rows-of-another-range"),
        pytest.param(facts(NETWORK, 400), [], id="a-first-passing-failure"),
        pytest.param(facts(THROTTLED, 400), [], id="throttled-at-first"),
        pytest.param(facts(NETWORK, 400, attempts=2), _eighths(400), id="a-second-failure"),
        pytest.param(facts(SHORT_PAUSE, 400, attempts=2), _eighths(400), id="throttled-again"),
        pytest.param(facts(PAUSE, 400, attempts=LONG_HOLDS), _eighths(400), id="more-calls-than-a-quota"),
        pytest.param(
            facts(BLOCKED, 400, attempts=BLOCKED_READS, account_was_read=True), _eighths(400), id="blocked-alone"
        ),
        pytest.param(facts(BLOCKED, 400, attempts=BLOCKED_READS - 1), _eighths(400), id="blocked-for-a-while"),
        pytest.param(facts(NETWORK), [], id="never-counted"),
        pytest.param(facts(NETWORK, attempts=2), [], id="never-counted-again"),
        pytest.param(facts(NETWORK, window=LONGER), [], id="long-and-never-counted"),
        pytest.param(
            facts(NETWORK, window=LONGER, attempts=2),
            split(LONGER, MOST_PARTS_AFTER_ERROR, 1),
            id="long-and-never-counted-again",
        ),
        pytest.param(facts(THROTTLED, window=LONGER, attempts=2), [], id="long-and-throttled"),
        pytest.param(facts(MISSING, 400, part_rows=399), [], id="a-whole-that-was-split-before"),
    ],
)
def test_a_window_is_split_where_smaller_parts_may_succeed(given: Facts, parts: list[Window]) -> None:
    error = given.ending
    assert isinstance(error, PlatformError)
    expected = Split(parts, given.total, str(error), error=error) if parts else Failed(str(error), error=error)
    assert decide_outcome(given) == expected


@pytest.mark.parametrize(
    ("total", "again_at", "expected"),
    [
        (90, None, PartsAgree),
        (100, None, PartsAgree),
        (101, None, RereadParts),
        (101, NOW - 2 * HOUR, RereadParts),  # it ended lately: rows may be listed late
        (101, NOW - timedelta(minutes=59), Failed),  # at most hourly
        (101, NOW + 2 * DAY, Failed),
    ],
)
def test_a_whole_is_proven_by_parts_that_bring_what_it_counts_P1(
    total: int, again_at: datetime | None, expected: type[Outcome]
) -> None:
    outcome = decide_outcome(facts(Counted(total), part_rows=100, parts_again_at=again_at))
    assert type(outcome) is expected
    if not isinstance(outcome, PartsAgree):
        assert isinstance(outcome.error, IncompleteWindowError)
        assert f"shop, {ONE_HOUR}: the platform counts {total} records" in str(outcome.error)
    if isinstance(outcome, RereadParts):
        assert outcome.otherwise.reason.endswith("It is counted again within an hour")


def test_an_answer_that_cannot_be_read_is_kept_without_secrets_P8() -> None:
    error = MalformedResponseError("no JSON", body=b"<html>app-42 s3cret \xff</html>")
    outcome = decide_outcome(facts(error))
    assert isinstance(outcome, Failed)
    assert outcome.reason == "no JSON\n\nThe answer begins:\n<html>*** *** �</html>"
