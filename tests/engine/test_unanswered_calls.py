"""Calls that run into their time limit are reported while the window is still read, not at its end."""

from __future__ import annotations

import psycopg
import pytest

from orders_sync.store import overview
from tests.support.story import Silent, Story, Tell

SHOP, KA = "sandbox-1688", "sandbox-ka"


class Watching(Silent):
    """Notes with each notice what `status` would read at that moment."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.unanswered: list[str | None] = []

    def show(self, account: str, text: str) -> None:
        super().show(account, text)
        self.unanswered.append(unanswered(self.url, account))


def unanswered(url: str, account: str) -> str | None:
    with psycopg.connect(url) as connection:
        return next(each.unanswered for each in overview.accounts(connection) if each.name == account)


@pytest.fixture
def story(tell: Tell) -> Story:
    story = tell(orders=40)
    story.progress = Watching(story.url)
    return story


def seen(story: Story) -> list[str | None]:
    assert isinstance(story.progress, Watching)
    return story.progress.unanswered


@pytest.mark.parametrize("account", [SHOP, KA])
async def test_each_call_without_an_answer_is_in_the_log_and_in_the_status_at_once(story: Story, account: str) -> None:
    story.faults.script("hang", "hang", account=account)
    outcomes = await story.sync(account)
    assert outcomes[account].errors == []
    first, second = story.progress.shown
    assert "no answer from sandbox in time (ReadTimeout) (calls in a row without an answer: 1)" in first
    assert "calls in a row without an answer: 2)" in second
    assert seen(story) == ["no answer from sandbox in time (ReadTimeout)"] * 2
    assert unanswered(story.url, account) is None
    story.assert_equal(account)


async def test_an_answer_ends_the_report_while_the_window_is_still_read(story: Story) -> None:
    story.page_size = 5
    story.faults.script("hang", account=KA)
    at_calls: list[str | None] = []
    story.world.between_calls = lambda: at_calls.append(unanswered(story.url, KA))
    await story.sync(KA)
    assert seen(story) == ["no answer from sandbox in time (ReadTimeout)"]
    assert len(at_calls) > 2
    assert at_calls[-1] is None


async def test_a_window_that_failed_for_it_and_is_read_again_is_not_reported_before_its_own_calls(
    story: Story,
) -> None:
    story.with_limits(tries=2)
    story.faults.set_rates({"hang": 1.0}, account=KA)
    outcomes = await story.sync(KA)
    assert outcomes[KA].errors
    assert unanswered(story.url, KA) is None  # it failed: that is what is reported then
    story.faults.clear()
    at_calls: list[str | None] = []
    story.world.between_calls = lambda: at_calls.append(unanswered(story.url, KA))
    await story.sync(KA)
    assert at_calls
    assert set(at_calls) == {None}
    story.assert_equal(KA)


async def test_other_failures_are_not_reported_as_calls_without_an_answer(story: Story) -> None:
    story.faults.script("http_5xx", "reset", "truncated", account=KA)
    await story.sync(KA)
    assert seen(story) == []


async def test_calls_of_an_audit_are_reported_too(story: Story) -> None:
    await story.sync(KA)
    story.faults.script("hang", account=KA)
    results = await story.audit(KA)
    assert results[KA].error is None
    assert story.progress.shown == [f"{KA}: audit: no answer from sandbox in time (ReadTimeout)"]
