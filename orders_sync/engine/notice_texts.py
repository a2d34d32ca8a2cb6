"""The text of a notice, in English or Chinese: plain text of names of accounts, numbers, times and commands. Pure.

It holds no text of a platform, so no personal data and no secret can be in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

from orders_sync.domain.local_times import stamp
from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.times import duration
from orders_sync.engine.notices import Item, Stage
from orders_sync.store.notices import EndedBackfill

MOST_BYTES = 2000  # WeCom takes 2048 of title and text together, the others more
_DETAIL = ((10, True), (4, True), (4, False), (1, False))  # names of a line, and whether it says what to do

Language = Literal["en", "zh"]
Level = Literal["info", "success", "warning"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice to send. `level`: how messengers colour it."""

    level: Level
    title: str
    body: str


@dataclass(frozen=True)
class NoticeWords:
    """The words of one language. `kinds`: by kind, what is wrong and what to do; `{name}` is an account."""

    kinds: dict[ProblemKind, tuple[str, str]]
    amounts: dict[ProblemKind, tuple[str, str]]  # of one, of several
    units: dict[str, str]
    begun: tuple[str, str]
    over: tuple[str, str]
    ended: tuple[str, str]
    grew: str
    is_over: str
    after: str
    more: str
    more_there: str
    done: tuple[str, str]
    failed: tuple[str, str]
    test: tuple[str, str]
    link: str
    separator: str = ", "
    colon: str = ": "


ENGLISH = NoticeWords(
    kinds={
        ProblemKind.SUSPENDED: (
            "Suspended",
            "The platform refused the credentials, so no call is made. Renew them in the settings, then "
            "`orders-sync accounts resume {name}`",
        ),
        ProblemKind.MISCONFIGURED: (
            "Misconfigured",
            "A mistake in the settings keeps it from being read: `orders-sync config check`",
        ),
        ProblemKind.SERVICE: (
            "Service",
            "A scheduler or worker is missing or silent, or versions differ: `orders-sync status`",
        ),
        ProblemKind.BEHIND: (
            "Behind",
            "Orders are less current than the settings promise: `orders-sync status --problems`",
        ),
        ProblemKind.FAILING: ("Reads fail", "They are tried again by themselves: `orders-sync status --problems`"),
        ProblemKind.AUDIT: (
            "Differs from the platform",
            "`orders-sync audit --account {name} --repair`, then `orders-sync audit list --open`",
        ),
        ProblemKind.REJECTS: ("Records not converted into orders", "`orders-sync rejects list`"),
        ProblemKind.LATE: ("Listed late", "Raise `confirm` in the settings: `orders-sync status --problems`"),
        ProblemKind.REMOVED: (
            "Not in the settings",
            "Nobody refreshes its orders. Put it back, or `orders-sync accounts retire {name}`",
        ),
        ProblemKind.DATABASE: (
            "Database",
            "It does not answer or refuses to work, so nothing is read. See its log and the log of the service",
        ),
    },
    amounts={
        ProblemKind.FAILING: ("1 window", "{} windows"),
        ProblemKind.AUDIT: ("1 order missing", "{} orders missing"),
        ProblemKind.REJECTS: ("1 record", "{} records"),
    },
    units={},
    begun=("1 new problem", "{} new problems"),
    over=("1 problem over", "{} problems over"),
    ended=("1 backfill ended", "{} backfills ended"),
    grew="more than before",
    is_over="Over",
    after="after {}",
    more="{} more",
    more_there="More: `orders-sync status --problems`",
    done=("Backfill {request}: done for 1 account", "Backfill {request}: done for {count} accounts"),
    failed=(
        "Backfill {request}: failed for 1 account: `orders-sync backfill list --request {request}`",
        "Backfill {request}: failed for {count} accounts: `orders-sync backfill list --request {request}`",
    ),
    test=("test", "This is a test. Notices of orders-sync arrive here."),
    link="More",
)

CHINESE = NoticeWords(
    kinds={
        ProblemKind.SUSPENDED: (
            "已停用",
            "平台拒绝了凭证，已停止调用。请在配置中更新凭证，然后执行 `orders-sync accounts resume {name}`",
        ),
        ProblemKind.MISCONFIGURED: ("配置有误", "配置错误，无法读取：`orders-sync config check`"),
        ProblemKind.SERVICE: ("服务异常", "调度或工作进程缺失、无响应，或版本不一致：`orders-sync status`"),
        ProblemKind.BEHIND: ("数据延迟", "订单更新慢于约定的时效：`orders-sync status --problems`"),
        ProblemKind.FAILING: ("读取失败", "系统会自动重试：`orders-sync status --problems`"),
        ProblemKind.AUDIT: (
            "对账有差异",
            "先执行 `orders-sync audit --account {name} --repair`，再执行 `orders-sync audit list --open`",
        ),
        ProblemKind.REJECTS: ("无法转换为订单的记录", "`orders-sync rejects list`"),
        ProblemKind.LATE: ("订单晚出现", "请在配置中调大 `confirm`：`orders-sync status --problems`"),
        ProblemKind.REMOVED: (
            "已不在配置中",
            "其订单不再更新。请放回配置，或执行 `orders-sync accounts retire {name}`",
        ),
        ProblemKind.DATABASE: ("数据库异常", "数据库无响应或拒绝工作，读取已停止。请查看数据库日志和服务日志"),
    },
    amounts={
        ProblemKind.FAILING: ("1 个窗口", "{} 个窗口"),
        ProblemKind.AUDIT: ("漏单 1 单", "漏单 {} 单"),
        ProblemKind.REJECTS: ("1 条", "{} 条"),
    },
    units={"d": "天", "h": "小时", "min": "分钟", "s": "秒"},
    begun=("新问题 1 个", "新问题 {} 个"),
    over=("已恢复 1 个", "已恢复 {} 个"),
    ended=("补单结束 1 个", "补单结束 {} 个"),
    grew="继续增加",
    is_over="已恢复",
    after="持续 {}",
    more="另有 {} 个",
    more_there="更多：`orders-sync status --problems`",
    done=("补单 {request}：1 个店铺已完成", "补单 {request}：{count} 个店铺已完成"),
    failed=(
        "补单 {request}：1 个店铺失败：`orders-sync backfill list --request {request}`",
        "补单 {request}：{count} 个店铺失败：`orders-sync backfill list --request {request}`",
    ),
    test=("测试", "这是一条测试消息。orders-sync 的通知会发到这里。"),
    link="详情",
    separator="、",
    colon="：",
)

WORDS: dict[str, NoticeWords] = {"en": ENGLISH, "zh": CHINESE}


def level(text: str) -> Level:
    """Return a level as the tables hold it; `warning` for one that is not known."""
    return "info" if text == "info" else "success" if text == "success" else "warning"


def write(
    items: Sequence[Item],
    backfills: Sequence[EndedBackfill],
    language: Language,
    now: datetime,
    link: str | None = None,
) -> Notice:
    """Write one notice of all of this. At least one item or backfill. `link`: where to look, if there is a page."""
    words = WORDS[language]
    is_bad = any(each.stage is not Stage.OVER for each in items) or any(each.failed for each in backfills)
    title = _title(items, backfills, words)
    end = [f"{words.link}{words.colon}{link}"] if link else []
    end.append(stamp(now))
    lines: list[str] = []
    for most, says_what_to_do in _DETAIL:
        lines = [*_problems(items, words, most, says_what_to_do), *_ended(backfills, words, most)]
        if _fits(title, [*lines, *end]):
            break
    while not _fits(title, [*lines, *end]):
        lines = [*lines[:-2], words.more_there]
    return Notice("warning" if is_bad else "success", title, "\n".join([*lines, *end]))


def _fits(title: str, lines: Sequence[str]) -> bool:
    return len("\n".join([title, *lines]).encode()) <= MOST_BYTES


def write_test(language: Language, now: datetime) -> Notice:
    """Write the notice that `orders-sync notify test` sends."""
    title, text = WORDS[language].test
    return Notice("info", f"orders-sync{WORDS[language].colon}{title}", f"{text}\n{stamp(now)}")


def _title(items: Sequence[Item], backfills: Sequence[EndedBackfill], words: NoticeWords) -> str:
    over = sum(each.stage is Stage.OVER for each in items)
    counted = ((len(items) - over, words.begun), (over, words.over), (len(backfills), words.ended))
    counts = [_number(count, forms) for count, forms in counted if count]
    return f"orders-sync{words.colon}{words.separator.join(counts)}"


def _problems(items: Sequence[Item], words: NoticeWords, most: int, says_what_to_do: bool) -> list[str]:
    lines = []
    for (stage, kind), group in groupby(items, lambda each: (each.stage, each.kind)):
        several = list(group)
        heading, advice = words.kinds[kind]
        if stage is Stage.OVER:
            heading = f"{words.is_over}{words.colon}{heading}"
        elif stage is Stage.GREW:
            heading = f"{heading} ({words.grew})"
        names = _names(several, words, most)
        lines.append(f"{heading}{words.colon}{names}" if several[0].subject else f"{heading}{names}")
        if says_what_to_do and stage is not Stage.OVER:
            name = several[0].subject if len(several) == 1 else ""
            lines.append(f"  {advice.replace('{name}', name or 'NAME')}")
    return lines


def _names(several: Sequence[Item], words: NoticeWords, most: int) -> str:
    shown = [f"{each.subject}{_detail(each, words)}" for each in several[:most]]
    if len(several) > most:
        shown.append(words.more.format(len(several) - most))
    return words.separator.join(shown)


def _detail(item: Item, words: NoticeWords) -> str:
    if item.stage is Stage.OVER:
        return f" ({words.after.format(_duration(int(item.lasted.total_seconds()), words))})"
    if item.amount and item.kind is ProblemKind.BEHIND:
        return f" ({_duration(item.amount, words)})"
    if item.amount and item.kind in words.amounts:
        return f" ({_number(item.amount, words.amounts[item.kind])})"
    return ""


def _duration(seconds: int, words: NoticeWords) -> str:
    number, unit = duration(seconds).split()
    return f"{number} {words.units.get(unit, unit)}"


def _ended(backfills: Sequence[EndedBackfill], words: NoticeWords, most: int) -> list[str]:
    lines = []
    for each in backfills[:most]:
        for count, forms in ((each.done, words.done), (each.failed, words.failed)):
            if count:
                lines.append(forms[count > 1].format(request=each.request, count=f"{count:,}"))
    if len(backfills) > most:
        lines.append(words.more.format(len(backfills) - most))
    return lines


def _number(count: int, forms: tuple[str, str]) -> str:
    return forms[count > 1].format(f"{count:,}")
