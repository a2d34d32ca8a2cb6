"""The verdict on the service: every state of an account and of a process has its words, and says what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.domain.accounts import SyncPolicy
from orders_sync.domain.problems import AccountState, ProblemKind, Severity
from orders_sync.domain.sentences import Sentence
from orders_sync.engine.service_status import Verdict, allowed_delay, assess, summary
from orders_sync.store.overview import AccountStatus, ProcessStatus

NOW = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
HISTORY = NOW - timedelta(days=90)
PACE = SyncPolicy(
    HISTORY,
    5,
    100,
    timedelta(days=30),
    interval=timedelta(minutes=1),
    lag=timedelta(seconds=10),
    overlap=timedelta(minutes=10),
    confirm=timedelta(hours=3),
)
DAY = timedelta(days=1)
CURRENT = AccountStatus(
    "shop",
    "1688",
    history_from=HISTORY,
    watermark=NOW - timedelta(seconds=30),
    read_from=HISTORY,
    read_to=NOW - timedelta(seconds=30),
    history_share=1.0,
    behind=30.0,
    audited_at=NOW - timedelta(hours=5),
    now=NOW,
)
RUN = ProcessStatus("one:7:ab", ["scheduler", "worker", "console"], "0.1.0", "0020", "one", 7, NOW - DAY, NOW, True)
WORKER = replace(RUN, id="two:8:cd", parts=["worker"], host="two", pid=8)
GONE = NOW - timedelta(minutes=3)


def judge(*accounts: AccountStatus, processes: list[ProcessStatus] | None = None, pace: SyncPolicy = PACE) -> Verdict:
    running = [RUN, WORKER] if processes is None else processes
    return assess(accounts, running, {each.name: pace for each in accounts}, PACE, DAY)


def words(verdict: Verdict) -> list[str]:
    return [f"{each.severity} {each.text}" for each in verdict.problems]


ACCOUNTS = {
    "current": (CURRENT, AccountState.CURRENT, []),
    "calls without an answer": (
        replace(CURRENT, running=1, unanswered="no answer from shop.example within 60 s"),
        AccountState.CURRENT,
        ["attention shop: it is being read, and calls get no answer: no answer from shop.example within 60 s"],
    ),
    "late, calls without an answer": (
        replace(CURRENT, read_to=GONE - DAY, behind=DAY.total_seconds(), running=1, unanswered="no answer from a"),
        AccountState.BEHIND,
        ["late from 6 min on: it is being read, and calls get no answer: no answer from a. The calls are repeated"],
    ),
    "history follows": (
        replace(CURRENT, watermark=HISTORY, read_from=NOW - DAY, history_share=0.01),
        AccountState.CATCHING_UP,
        [],
    ),
    "a gap near the end": (replace(CURRENT, history_share=0.999), AccountState.CURRENT, []),
    "late by as much as is allowed": (replace(CURRENT, behind=370.0), AccountState.CURRENT, []),
    "behind": (
        replace(CURRENT, behind=960.0, planned=4),
        AccountState.BEHIND,
        [
            "attention shop: 16 min behind",
            "late from 6 min on: it waits for its turn to be read: if that stays, raise [sync] workers",
        ],
    ),
    "behind, being read": (
        replace(CURRENT, behind=960.0, planned=4, running=1),
        AccountState.BEHIND,
        ["16 min behind", "it is being read now"],
    ),
    "behind, nothing planned": (
        replace(CURRENT, behind=7200.0),
        AccountState.BEHIND,
        ["2 h behind", "no read of it is planned: the log of the scheduler says why"],
    ),
    "behind, resumed since": (
        replace(CURRENT, behind=960.0, running=1, read_to=NOW - timedelta(minutes=16), paused_until=GONE),
        AccountState.BEHIND,
        ["16 min behind", "it was paused until 2026-03-01 07:56:59 +08:00; it is being read now"],
    ),
    "behind, paused before what was read": (
        replace(CURRENT, behind=960.0, running=1, read_to=NOW - timedelta(minutes=1), paused_until=GONE),
        AccountState.BEHIND,
        ["late from 6 min on: it is being read now"],
    ),
    "behind a failure": (
        replace(CURRENT, behind=960.0, failed=1, retry_at=NOW + timedelta(seconds=90)),
        AccountState.BEHIND,
        [
            "reads failed and are tried again",
            "1 read failed, the first is tried again at 2026-03-01 08:01:29 +08:00",
            "reads it at",
        ],
    ),
    "failed": (
        replace(CURRENT, failed=5, retry_at=NOW),
        AccountState.CURRENT,
        ["5 reads failed, tried again with the next reads: ", "`orders-sync sync --retry --account shop`"],
    ),
    "not planned yet": (
        AccountStatus("shop", "1688"),
        AccountState.NOT_READ,
        ["attention shop: nothing has been read yet: no read of it is planned"],
    ),
    "not read yet": (
        replace(CURRENT, read_from=None, read_to=None, history_share=None, behind=90 * 86400.0, planned=3),
        AccountState.NOT_READ,
        ["nothing has been read yet: it waits for its turn"],
    ),
    "suspended": (
        replace(
            CURRENT,
            behind=99999.0,
            suspended_at=GONE,
            suspended_because="code 50",
            rests_until=NOW + timedelta(minutes=1),
        ),
        AccountState.SUSPENDED,
        ["broken shop: suspended since 2026-03-01 07:56:59 +08:00", "code 50", "orders-sync accounts resume shop"],
    ),
    "resumed": (replace(CURRENT, last_error="shop: code 50"), AccountState.CURRENT, ["attention shop: code 50"]),
    "resting": (
        replace(CURRENT, rests_until=NOW + timedelta(minutes=1), last_error="shop: page 1: asked to wait 500 s"),
        AccountState.CURRENT,
        ["attention shop: no call is made until 2026-03-01 08:00:59 +08:00: page 1: asked to wait 500 s"],
    ),
    "resting, no error kept": (
        replace(CURRENT, rests_until=NOW + timedelta(minutes=1)),
        AccountState.CURRENT,
        ["no call is made until 2026-03-01 08:00:59 +08:00"],
    ),
    "rejects": (
        replace(CURRENT, rejects=1234),
        AccountState.CURRENT,
        ["1,234 records could not be converted into orders: `orders-sync rejects list --account shop`"],
    ),
    "rejects, paused": (
        replace(CURRENT, rejects=1, paused_at=GONE, paused_by="ana", differences=1, failed=3),
        AccountState.PAUSED,
        ["1 record could not be converted into an order: `orders-sync rejects list --account shop`"],
    ),
    "rejects, removed": (
        replace(CURRENT, rejects=2, removed_at=GONE, read_to=None, watermark=None),
        AccountState.REMOVED,
        ["2 records could not be converted into orders"],
    ),
    "rejects, retired": (replace(CURRENT, rejects=2, retired_at=GONE), AccountState.RETIRED, []),
    "missing": (
        replace(CURRENT, missing_orders=2, missing_order_id="7", missing_since=GONE),
        AccountState.CURRENT,
        ["2 orders that can change are in the tables and no longer listed", "orders-sync order 7"],
    ),
    "differences": (
        replace(CURRENT, differences=2),
        AccountState.CURRENT,
        ["the audit of 2026-03-01 02:59:59 +08:00 found", "(ranges: 2)", "`orders-sync audit --account shop --repair`"],
    ),
    "an order is missing": (
        replace(CURRENT, differences=1, audit_missing=1, audit_missing_id="77", open_audit=8),
        AccountState.CURRENT,
        ["1 order is missing: audit 8 found 77 at the platform", "`orders-sync audit --account shop --repair`"],
    ),
    "orders are missing": (
        replace(CURRENT, differences=3, audit_missing=1200, audit_missing_id="77", open_audit=8),
        AccountState.CURRENT,
        ["1,200 orders are missing: audit 8 found them at the platform, such as 77", "`orders-sync audit show 8`"],
    ),
    "missing orders without names": (
        replace(CURRENT, differences=1, audit_missing=5, open_audit=8),
        AccountState.CURRENT,
        ["audit 8 counted more orders at the platform than are here", "(missing: 5)"],
    ),
    "no audit": (
        replace(CURRENT, audited_at=NOW - 3 * DAY),
        AccountState.CURRENT,
        ["no audit has ended since 2026-02-26"],
    ),
    "never audited": (replace(CURRENT, audited_at=None), AccountState.CURRENT, []),
    "messages": (
        replace(CURRENT, messages=2, oldest_message_at=NOW - timedelta(minutes=50), planned=1),
        AccountState.CURRENT,
        ["messages of the platform wait for a read (2), the oldest since 2026-03-01 07:09:59 +08:00"],
    ),
    "young messages": (replace(CURRENT, messages=2, oldest_message_at=NOW), AccountState.CURRENT, []),
    "listed late": (
        replace(CURRENT, late_by=timedelta(hours=2)),
        AccountState.CURRENT,
        ["listed at least 2 h after its own time", "raise `confirm`"],
    ),
    "removed": (
        replace(CURRENT, removed_at=GONE, behind=9e6),
        AccountState.REMOVED,
        ["attention shop: not in the settings since 2026-03-01 07:56:59 +08:00", "`orders-sync accounts retire shop`"],
    ),
    "removed without orders": (replace(CURRENT, removed_at=GONE, may_hold_orders=False), AccountState.REMOVED, []),
    "retired": (replace(CURRENT, removed_at=GONE, retired_at=GONE, failed=3, rejects=3), AccountState.RETIRED, []),
}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_every_state_of_an_account_has_its_words(case: str) -> None:
    account, state, expected = ACCOUNTS[case]
    verdict = judge(account)
    assert verdict.states == {"shop": state}
    said = "\n".join(words(verdict))
    assert [each for each in expected if each not in said] == [], said
    assert bool(said) == bool(expected), said
    assert {each.account for each in verdict.problems} <= {"shop"}


KINDS = {
    "behind": [ProblemKind.BEHIND],
    "behind a failure": [ProblemKind.BEHIND, ProblemKind.FAILING],
    "not read yet": [ProblemKind.BEHIND],
    "suspended": [ProblemKind.SUSPENDED],
    "resumed": [ProblemKind.FAILING],
    "resting": [ProblemKind.FAILING],
    "rejects": [ProblemKind.REJECTS],
    "missing": [ProblemKind.AUDIT],
    "differences": [ProblemKind.AUDIT],
    "no audit": [ProblemKind.AUDIT],
    "an order is missing": [ProblemKind.AUDIT],
    "orders are missing": [ProblemKind.AUDIT],
    "missing orders without names": [ProblemKind.AUDIT],
    "messages": [ProblemKind.BEHIND],
    "listed late": [ProblemKind.LATE],
    "removed": [ProblemKind.REMOVED],
}


def test_every_problem_has_the_kind_of_what_it_is_about() -> None:
    assert {case: [each.kind for each in judge(ACCOUNTS[case][0]).problems] for case in KINDS} == KINDS
    assert [each.kind for each in judge(CURRENT, processes=[WORKER]).problems] == [ProblemKind.SERVICE]
    mistake = assess([CURRENT], [RUN], {}, PACE, DAY, {"shop": "app_secret: variable X is not set"})
    assert [each.kind for each in mistake.problems] == [ProblemKind.MISCONFIGURED]


PROCESSES: dict[str, tuple[list[ProcessStatus], list[str]]] = {
    "all in one": ([RUN], []),
    "in parts": ([replace(RUN, parts=["scheduler"]), WORKER, replace(WORKER, parts=["console"])], []),
    "none, for sync is run by cron": ([], []),
    "no scheduler": ([WORKER], ["broken no scheduler is running: nothing new is planned. Start `orders-sync run` or"]),
    "no worker": ([replace(RUN, parts=["scheduler"])], ["broken no worker is running: nothing is read."]),
    "killed": (
        [replace(RUN, is_alive=False, seen_at=GONE)],
        [
            "broken no scheduler is running: nothing new is planned; the last one reported at "
            "2026-03-01 07:56:59 +08:00",
            "broken no worker is running",
            "attention process 7 on one (scheduler, worker, console) has not reported since 2026-03-01 07:56:59 +08:00",
        ],
    ),
    "one of two workers was killed": (
        [RUN, replace(WORKER, is_alive=False, seen_at=GONE)],
        ["attention process 8 on two (worker) has not reported since"],
    ),
    "two versions": (
        [RUN, replace(WORKER, version="0.2.0")],
        ["attention processes of different versions (and of their tables) run: 0.1.0 (0020): 7 @ one", "0.2.0 ("],
    ),
    "two versions of the tables": ([RUN, replace(WORKER, tables="0021")], ["(0021): 8 @ two (worker). Update"]),
    "an old version that was killed": (
        [RUN, replace(WORKER, version="0.0.9", is_alive=False, seen_at=GONE)],
        ["has not reported"],
    ),
}


@pytest.mark.parametrize("case", PROCESSES)
def test_every_state_of_the_processes_has_its_words(case: str) -> None:
    processes, expected = PROCESSES[case]
    said = words(judge(CURRENT, processes=processes))
    assert [each for each in expected if each not in "\n".join(said)] == [], said
    assert bool(said) == bool(expected), said
    assert ("different versions" in "\n".join(said)) == ("two versions" in case)


def test_what_is_behind_because_the_service_did_not_run_says_so() -> None:
    late = replace(CURRENT, behind=960.0, read_to=NOW - timedelta(minutes=16), running=1)
    started = [replace(RUN, started_at=GONE)]
    assert (
        "the service runs only since 2026-03-01 07:56:59 +08:00; it is being read now"
        in words(judge(late, processes=started))[0]
    )
    started.append(replace(WORKER, parts=["scheduler", "worker"], started_at=NOW - DAY))
    assert "runs only since" not in words(judge(late, processes=started))[0]


def test_what_is_found_can_be_translated_and_names_no_command() -> None:
    """The console shows it beside the name of the account, and has buttons."""
    for case, (account, _, _) in ACCOUNTS.items():
        for each in judge(account, processes=[replace(RUN, is_alive=False), WORKER]).problems:
            assert isinstance(each.found, Sentence) or each.found in str(account.last_error), case
            assert "`" not in each.found, case
            assert not each.found.startswith("shop"), case


def test_no_process_is_broken_once_an_account_is_not_current() -> None:
    for account in (replace(CURRENT, behind=999.0), AccountStatus("shop", "1688")):
        verdict = judge(account, processes=[])
        assert verdict.severity is Severity.BROKEN
        assert "broken no process of the service is running and accounts are not current" in words(verdict)[0]
        assert "`orders-sync sync` reads it" in words(verdict)[1]


def test_an_account_that_is_over_does_not_ask_for_a_process() -> None:
    late = replace(CURRENT, behind=9e9)
    over = [replace(late, name="removed", removed_at=GONE), replace(late, name="suspended", suspended_at=GONE)]
    retired = replace(CURRENT, behind=9e9, removed_at=GONE, retired_at=GONE)
    assert not [each for each in judge(*over, retired, processes=[]).problems if each.account is None]


def test_the_worst_comes_first_and_processes_before_accounts() -> None:
    accounts = [
        replace(CURRENT, name="a", rejects=1),
        replace(CURRENT, name="b", suspended_at=GONE),
        replace(CURRENT, name="c", failed=1),
    ]
    verdict = judge(*accounts, processes=[RUN, replace(WORKER, is_alive=False)])
    assert [(each.severity, each.account) for each in verdict.problems] == [
        (Severity.BROKEN, "b"),
        (Severity.ATTENTION, None),
        (Severity.ATTENTION, "a"),
        (Severity.ATTENTION, "c"),
    ]
    assert judge(*accounts, processes=[WORKER]).problems[0].account is None
    assert (judge(CURRENT).severity, judge(accounts[0]).severity) == (None, Severity.ATTENTION)


def test_an_account_may_be_late_by_its_own_interval() -> None:
    assert allowed_delay(PACE) == timedelta(minutes=6, seconds=10)
    hourly = replace(PACE, interval=timedelta(hours=1))
    assert allowed_delay(hourly) == timedelta(hours=2, seconds=10)
    late = replace(CURRENT, behind=3700.0)
    assert judge(late).states == {"shop": AccountState.BEHIND}
    assert judge(late, pace=hourly).states == {"shop": AccountState.CURRENT}
    assert assess([late], [RUN], {}, hourly, DAY).states == {"shop": AccountState.CURRENT}  # in no settings


def test_the_sum_is_one_line() -> None:
    accounts = [replace(CURRENT, name=f"shop{number}") for number in range(200)]
    accounts[3] = replace(accounts[3], suspended_at=GONE)
    for number in (7, 8):
        accounts[number] = replace(accounts[number], watermark=HISTORY, read_from=NOW - DAY, history_share=0.5)
    verdict = judge(*accounts, processes=[replace(RUN, parts=["scheduler"]), WORKER, WORKER])
    assert summary(verdict, "0.1.0", "0020") == (
        "200 accounts: 197 current, 2 catching up, 1 suspended; 1 scheduler, 2 workers; orders-sync 0.1.0, tables 0020"
    )
    dead = judge(CURRENT, processes=[replace(RUN, is_alive=False)])
    assert summary(dead, "1", "2") == "1 account: 1 current; no scheduler, no worker; orders-sync 1, tables 2"
    assert "; 1 scheduler, 1 worker, 1 console;" in summary(judge(CURRENT, processes=[RUN]), "1", "2")


@pytest.mark.parametrize(
    ("scheduler", "worker", "lacking"),
    [
        (["shop"], ["shop"], ""),
        (["old"], ["shop", "old"], "no running process (scheduler) has it"),
        (["shop"], ["old"], "no running process (worker) has it"),
        (["old"], ["old"], "no running process (scheduler, worker) has it"),
        ([], [], ""),  # of a version that does not report them
    ],
)
def test_an_account_that_running_processes_have_not_read_of_the_settings_is_said_with_the_processes(
    scheduler: list[str], worker: list[str], lacking: str
) -> None:
    running = [replace(RUN, parts=["scheduler"], accounts=scheduler), replace(WORKER, accounts=worker)]
    for account in (CURRENT, AccountStatus("shop", "1688")):
        texts = [each.text for each in judge(account, processes=running).problems]
        assert [lacking in each for each in texts] == [True] * bool(lacking or texts)
        named = [f"process {each.pid} on {each.host}" in "".join(texts) for each in running]
        assert named == [bool(lacking) and "shop" not in each.accounts for each in running]
    assert not [each for each in judge(CURRENT, processes=running[:0]).problems if "in these settings" in each.text]
    elsewhere = assess([CURRENT], running, {}, PACE, DAY)  # an account that other settings have
    assert elsewhere.problems == []


def test_what_a_process_cannot_plan_is_said_once_though_no_table_knows_the_name() -> None:
    """As when the shop was renamed, and the process has its old name."""
    unknown = replace(RUN, failing={"old name": "old name: these settings are of the account shop"})
    [problem] = judge(CURRENT, processes=[unknown, replace(WORKER, failing=unknown.failing)]).problems
    assert (problem.kind, problem.account) == (ProblemKind.FAILING, None)
    assert problem.text == "old name: these settings are of the account shop (process 7 on one)"
    known = replace(CURRENT, last_error="a mistake")
    [problem] = judge(known, processes=[replace(RUN, failing={"shop": "a mistake"}), WORKER]).problems
    assert (problem.text, problem.account) == ("shop: a mistake", "shop")
    gone = replace(WORKER, is_alive=False, failing={"shop": "long ago"})
    assert "long ago" not in " ".join(words(judge(CURRENT, processes=[RUN, gone])))
