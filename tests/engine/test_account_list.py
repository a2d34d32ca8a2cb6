"""The list of accounts: the worst first, searched, filtered and paged, and one sum over all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.problems import AccountState, Problem, ProblemKind, Severity
from orders_sync.engine import account_list
from orders_sync.engine.account_list import AccountRow
from orders_sync.engine.service_status import Verdict
from orders_sync.store.overview import AccountStatus

NOW = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
STATES = {
    "a1": AccountState.CURRENT,
    "a2": AccountState.BEHIND,
    "a3": AccountState.SUSPENDED,
    "b1": AccountState.RETIRED,
    "b2": AccountState.BEHIND,
}


def account(name: str, **more: object) -> AccountStatus:
    return replace(AccountStatus(name, "1688" if name[0] == "a" else "xportcn_ka", read_to=NOW), **more)  # type: ignore[arg-type]


def rows() -> list[AccountRow]:
    accounts = [
        account("b1", read_to=None),
        account("a1"),
        account("a2", behind=60.0, read_to=NOW - timedelta(minutes=1), rejects=2),
        account("a3", behind=9000.0, read_to=NOW - timedelta(days=1), differences=1, audit_missing=3, open_audit=9),
        account("b2", behind=600.0, read_to=NOW - timedelta(minutes=10)),
    ]
    problems = [
        Problem(ProblemKind.SERVICE, Severity.BROKEN, "no worker is running"),
        Problem(ProblemKind.SUSPENDED, Severity.BROKEN, "suspended", "a3"),
        Problem(ProblemKind.BEHIND, Severity.ATTENTION, "behind", "a2"),
        Problem(ProblemKind.BEHIND, Severity.ATTENTION, "behind", "b2"),
        Problem(ProblemKind.FAILING, Severity.ATTENTION, "failed", "a3"),
    ]
    return account_list.ranked(accounts, Verdict(problems, STATES, []))


def names(found: list[AccountRow]) -> list[str]:
    return [each.account.name for each in found]


def test_the_worst_account_comes_first_and_a_retired_one_last() -> None:
    assert names(rows()) == ["a3", "b2", "a2", "a1", "b1"]
    assert rows()[0].severity is Severity.BROKEN
    assert [each.found for each in rows()[0].problems] == ["suspended", "failed"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("", 5), ("A1", 1), ("XPORT", 2), ("KA b", 2), ("1688", 3), ("nothing", 0), ("  ", 5), ("%", 0), ("a1 a2", 0)],
)
def test_a_search_finds_parts_of_name_and_platform_in_any_order(text: str, found: int) -> None:
    assert account_list.page(rows(), text=text).matching == found


def test_a_list_can_be_narrowed_to_states_and_severities() -> None:
    assert names(account_list.page(rows(), states=[AccountState.BEHIND]).rows) == ["b2", "a2"]
    assert names(account_list.page(rows(), severities=[Severity.BROKEN]).rows) == ["a3"]


def test_a_list_can_be_narrowed_to_a_kind_of_problem_that_is_not_the_worst() -> None:
    assert names(account_list.page(rows(), kinds=[ProblemKind.FAILING]).rows) == ["a3"]
    assert names(account_list.page(rows(), kinds=[ProblemKind.AUDIT]).rows) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_pages_together_hold_every_account_once(size: int) -> None:
    seen: list[str] = []
    after = None
    for _ in range(10):
        page = account_list.page(rows(), after=after, size=size)
        seen += names(page.rows)
        after = page.after
        if after is None:
            break
    assert seen == names(rows())


def test_a_page_after_an_account_that_is_not_listed_any_more_begins_at_the_top() -> None:
    assert names(account_list.page(rows(), after="gone", size=2).rows) == ["a3", "b2"]


def test_a_list_without_accounts_is_a_page_without_rows() -> None:
    assert account_list.page([]) == account_list.AccountPage([], 0, None)
    assert account_list.total([]).read_to is None


def test_the_sum_counts_each_account_once_by_its_worst_problem() -> None:
    found = account_list.total(rows())
    assert (found.accounts, found.broken, found.attention) == (5, 1, 2)
    assert found.worst == ["a3", "b2", "a2"]
    assert found.states == {
        AccountState.CURRENT: 1,
        AccountState.BEHIND: 2,
        AccountState.SUSPENDED: 1,
        AccountState.RETIRED: 1,
    }
    assert found.well == {AccountState.CURRENT: 1, AccountState.RETIRED: 1}
    assert found.broken + found.attention + sum(found.well.values()) == found.accounts
    assert (found.audit_missing, found.open_audits, found.rejects) == (3, [9], 2)


def test_everything_is_here_up_to_the_oldest_end_of_the_accounts_that_are_read() -> None:
    assert account_list.total(rows()).read_to == NOW - timedelta(minutes=10)
    unread = [*rows(), AccountRow(account("new", read_to=None), AccountState.NOT_READ, [])]
    assert account_list.total(unread).read_to is None


def test_a_shop_that_nobody_reads_comes_before_those_that_are_well_unless_nothing_of_it_is_wanted() -> None:
    accounts = [account("a1"), account("a2"), account("a3", may_hold_orders=False), account("b1"), account("b2")]
    states = dict(
        zip(
            ["a1", "a2", "a3", "b1", "b2"],
            [
                AccountState.CURRENT,
                AccountState.PAUSED,
                AccountState.REMOVED,
                AccountState.RETIRED,
                AccountState.PAUSED,
            ],
            strict=True,
        )
    )
    accounts[4] = account("b2", behind=60.0)
    found = account_list.ranked(accounts, Verdict([], states, []))
    assert names(found) == ["b2", "a2", "a1", "a3", "b1"]
    assert names(account_list.total(found).unread) == ["b2", "a2"]
