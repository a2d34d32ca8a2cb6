"""A notice says in plain words what is wrong and what to do, in either language, and fits every messenger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orders_sync.cli import COMMANDS
from orders_sync.domain import local_times
from orders_sync.domain.problems import ProblemKind
from orders_sync.engine.notice_texts import MOST_BYTES, WORDS, Language, write, write_test
from orders_sync.engine.notices import Item, Stage
from orders_sync.store.notices import EndedBackfill

NOW = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
LANGUAGES: tuple[Language, ...] = ("en", "zh")
PROBLEMS = [kind for kind in ProblemKind if kind is not ProblemKind.BACKFILL]


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    before = local_times.zone_name()
    local_times.use("Asia/Shanghai")
    yield
    local_times.use(before)


def test_a_notice_in_english() -> None:
    items = [
        Item(Stage.BEGUN, ProblemKind.SUSPENDED, "kingdo"),
        Item(Stage.BEGUN, ProblemKind.SERVICE, ""),
        Item(Stage.BEGUN, ProblemKind.BEHIND, "a", 961),
        Item(Stage.BEGUN, ProblemKind.BEHIND, "b", 7300),
        Item(Stage.GREW, ProblemKind.REJECTS, "c", 1234),
        Item(Stage.OVER, ProblemKind.FAILING, "d", lasted=timedelta(minutes=63)),
    ]
    notice = write(items, [EndedBackfill(12, 3, 1)], "en", NOW, "https://orders.example.com")
    assert notice.level == "warning"
    assert notice.title == "orders-sync: 5 new problems, 1 problem over, 1 backfill ended"
    assert notice.body.splitlines() == [
        "Suspended: kingdo",
        "  The platform refused the credentials, so no call is made. Renew them in the settings, then "
        "`orders-sync accounts resume kingdo`",
        "Service",
        "  A scheduler or worker is missing or silent, or versions differ: `orders-sync status`",
        "Behind: a (16 min), b (2 h)",
        "  Orders are less current than the settings promise: `orders-sync status --problems`",
        "Records not converted into orders (more than before): c (1,234 records)",
        "  `orders-sync rejects list`",
        "Over: Reads fail: d (after 63 min)",
        "Backfill 12: done for 3 accounts",
        "Backfill 12: failed for 1 account: `orders-sync backfill list --request 12`",
        "More: https://orders.example.com",
        "2026-03-01 07:30:00 +08:00",
    ]


def test_a_notice_in_chinese() -> None:
    items = [
        Item(Stage.BEGUN, ProblemKind.BEHIND, "a", 961),
        Item(Stage.BEGUN, ProblemKind.AUDIT, "b", 2),
        Item(Stage.OVER, ProblemKind.SUSPENDED, "c", lasted=timedelta(hours=3)),
    ]
    notice = write(items, [EndedBackfill(12, 3, 0)], "zh", NOW)
    assert notice.title == "orders-sync：新问题 2 个、已恢复 1 个、补单结束 1 个"
    assert notice.body.splitlines() == [
        "数据延迟：a (16 分钟)",
        "  订单更新慢于约定的时效：`orders-sync status --problems`",
        "对账有差异：b (漏单 2 单)",
        "  先执行 `orders-sync audit --account b --repair`，再执行 `orders-sync audit list --open`",
        "已恢复：已停用：c (持续 3 小时)",
        "补单 12：3 个店铺已完成",
        "2026-03-01 07:30:00 +08:00",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_words_and_says_what_to_do_by_commands_there_are(language: Language) -> None:
    assert set(WORDS[language].kinds) == set(PROBLEMS)
    for kind in PROBLEMS:
        for stage in Stage:
            body = write([Item(stage, kind, "shop", 1)], [], language, NOW).body
            assert "{" not in body
            commands = re.findall(r"`orders-sync (\w+)", body)
            assert set(commands) <= set(COMMANDS)
            assert commands or stage is Stage.OVER or kind in (ProblemKind.DATABASE, ProblemKind.LATE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_account_is_named_in_the_command_and_several_are_not(language: Language) -> None:
    one = [Item(Stage.BEGUN, ProblemKind.SUSPENDED, "kingdo")]
    assert "accounts resume kingdo" in write(one, [], language, NOW).body
    several = [*one, Item(Stage.BEGUN, ProblemKind.SUSPENDED, "other")]
    assert "accounts resume NAME" in write(several, [], language, NOW).body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shops", [1, 2, 11, 500])
def test_a_notice_fits_every_messenger_however_much_is_wrong(language: Language, shops: int) -> None:
    names = [f"{number:03}".rjust(64, "x") for number in range(shops)]
    items = [Item(stage, kind, name, 99) for stage in Stage for kind in PROBLEMS for name in names]
    backfills = [EndedBackfill(number, 1, 1) for number in range(shops)]
    notice = write(items, backfills, language, NOW, "https://orders.example.com/" + "x" * 80)
    assert len(f"{notice.title}\n{notice.body}".encode()) <= MOST_BYTES
    assert notice.body.splitlines()[-1] == "2026-03-01 07:30:00 +08:00"
    assert f"{names[0]}" in notice.body


def test_of_many_shops_the_first_are_named_and_the_others_counted() -> None:
    items = [Item(Stage.BEGUN, ProblemKind.BEHIND, f"shop{number}", 600) for number in range(200)]
    body = write(items, [], "en", NOW).body
    assert "shop9 (10 min), 190 more\n" in body
    assert "shop10" not in body


def test_only_good_news_is_no_warning() -> None:
    over = [Item(Stage.OVER, ProblemKind.BEHIND, "a", lasted=timedelta(hours=1))]
    assert write(over, [EndedBackfill(1, 2, 0)], "en", NOW).level == "success"
    assert write(over, [EndedBackfill(1, 2, 1)], "en", NOW).level == "warning"


def test_the_test_says_that_it_is_one() -> None:
    assert write_test("en", NOW).title == "orders-sync: test"
    assert write_test("zh", NOW).title == "orders-sync：测试"
