"""The page of activity: who did what, in words, with the times of the console and links to what was acted on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orders_sync.console import activity_words
from orders_sync.console.words import Words
from orders_sync.domain import local_times
from orders_sync.domain.activity import Action, Actor, Origin
from orders_sync.store import activity, console_access
from tests.support.console import Served
from tests.support.databases import Tables

EN, ZH = Words("en"), Words("zh")
PROGRAM = Path(activity_words.__file__).parents[1]
TUESDAY = datetime(2026, 11, 23, 16, tzinfo=UTC)  # its beginning in Shanghai


def rows(text: str) -> list[str]:
    return re.findall(r"<tr>\s*<td data-label=.*?</tr>", text, re.DOTALL)


async def record(
    console: Served, action: Action, subject: str | None = None, details: dict[str, object] | None = None
) -> None:
    async with console.site.working() as connection:
        await activity.record(connection, Actor("lin", Origin.CLI), action, subject=subject, details=details or {})


def test_every_kind_of_action_has_words_in_both_languages() -> None:
    for kind in Action:
        assert "." not in activity_words.action(EN, kind)
        assert activity_words.action(ZH, kind) != activity_words.action(EN, kind)
    assert activity_words.action(EN, "moon.land") == "moon.land"


def recorded_details() -> Iterator[str]:
    """Every key of details that the program records."""
    texts = (path.read_text() for path in PROGRAM.rglob("*.py"))
    for text in filter(re.compile(r"\bdetails\b|\brecord(_blocking)?\(").search, texts):  # others hold none
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Assign(targets=[ast.Name("details") | ast.Subscript(ast.Name("details"))]):
                    found: list[ast.expr] = [*node.targets, node.value]
                case ast.Call(func=ast.Name("record") | ast.Attribute(attr="record" | "record_blocking")):
                    found = [*node.args, *(each.value for each in node.keywords if each.arg == "details")]
                case _:
                    continue
            for each in found:
                match each:
                    case ast.Dict(keys=keys):
                        yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))
                    case ast.Subscript(slice=ast.Constant(str(key))):
                        yield key


def test_every_detail_that_is_recorded_has_words() -> None:
    found = {*recorded_details(), "added", "removed", "changed"}  # of a reload: they are put together
    assert {"reason", "by", "bytes", "source", "target", "other", "orders"} <= found  # each of them by another way
    for name in sorted(found - activity_words._LEFT_OUT):
        assert name in activity_words._DETAILS | activity_words._FLAGS, name


def test_what_the_settings_caused_is_in_the_language_of_a_person() -> None:
    assert activity_words.details(EN, {"was": "old", "by": "the settings"}) == [
        "before: old",
        "because of the settings",
    ]
    assert not any(re.search("[a-z]", each) for each in activity_words.details(ZH, {"by": "the settings"}))


DETAILS: list[tuple[dict[str, object], str]] = [
    (
        {"to": TUESDAY + timedelta(days=1), "plan": 7, "from": TUESDAY, "everything": True},
        "2026-11-24|also what is",
    ),
    ({"to": TUESDAY + timedelta(days=2), "from": TUESDAY, "everything": False}, "2026-11-24 – 2026-11-25"),
    (
        {"from": TUESDAY + timedelta(hours=1), "to": TUESDAY + timedelta(hours=2)},
        "2026-11-24 01:00:00 – 2026-11-24 02",
    ),
    ({"from": TUESDAY}, "from 2026-11-24"),
    ({"until": TUESDAY + timedelta(minutes=5), "reason": "stock"}, "until 2026-11-24 00:05:00|reason: stock"),
    ({"numbers": [str(each) for each in range(8)]}, "order numbers: 0, 1, 2, 3, 4 and 3 more"),
    ({"may_act": False, "may_see_persons": True}, "may not act|may see personal data"),
    ({"from": TUESDAY, "repair": True}, "from 2026-11-24|what is missing is read, too"),
    ({"newest": "0048", "revisions": 48}, "newest version of the tables: 0048|steps: 48"),
    ({"count": 2, "ids": [4, 7]}, "numbers: 4, 7"),
    ({"count": 300, "ids": [4, 7]}, "numbers: 4, 7|number of them: 300"),
    ({"was_paused": True, "was_suspended": False}, "it was paused"),
    ({"states": ["awaiting_payment"]}, f"states of orders: {EN.state('awaiting_payment')}"),
    ({"new": {"a": 1}, "until": "soon", "from": 3, "may_act": "?"}, "from 3|new: {'a': 1}|until soon|may_act: ?"),
]


async def test_details_are_words_with_the_beginning_first_and_times_of_the_console(console: Served) -> None:
    local_times.use("Asia/Shanghai")
    for details, _ in DETAILS:
        await record(console, Action.BACKFILL_START, details=details)
    async with console.person() as client:
        found = rows((await client.get("/activity", params={"action": "backfill.start"})).text)
    for (details, said), row in zip(DETAILS, reversed(found), strict=True):
        words = "|".join(re.findall(r'<span class="pair">(.*?)</span>', row)).replace("&#39;", "'")
        assert words.startswith(said), details
        assert "+00:00" not in row, details


async def test_what_was_done_is_shown_by_day(console: Served) -> None:
    local_times.use("Asia/Shanghai")
    for ago in (0, 1, 2):
        await record(console, Action.ORDER_FETCH, f"request {ago}")
        day = local_times.start_of(local_times.date_of(datetime.now(UTC)) - timedelta(days=ago))
        Tables(console.site.url).execute("UPDATE sync.activity SET at = %s WHERE subject = %s", day, f"request {ago}")
    async with console.person() as client:
        answer = await client.get("/activity", params={"action": "order.fetch", "days": "yesterday"})
        [row] = rows((await client.get(answer.headers["location"])).text)
        mixed = await client.get("/activity", params={"from": "2026-11-24", "to": "2026-11-23"})
    assert "Backfill 1" in row
    assert mixed.status_code == 400


SUBJECTS = {
    "request 3": '<a href="/backfills/3">Backfill 3</a>',
    "audit 7": '<a href="/audits/7">Audit 7</a>',
    "reject 8": '<a href="/rejects/8">Reject 8</a>',
    "order 12": '<a href="/orders?q=12">12</a>',
    "backfill 4": "part 4 of a backfill",
    "request <b>": "request &lt;b&gt;",
    "lin": "lin",
}


async def test_what_was_acted_on_leads_to_its_page(console: Served) -> None:
    for subject in SUBJECTS:
        await record(console, Action.ORDER_FETCH, subject)
    async with console.person() as client:
        found = rows((await client.get("/activity", params={"action": "order.fetch"})).text)
    for (subject, html), row in zip(SUBJECTS.items(), reversed(found), strict=True):
        assert html in row, subject


async def test_wrong_passwords_are_recorded_once_in_a_while_and_unknown_names_are_not_told(console: Served) -> None:
    await console.add("lin")
    async with console.nobody() as client:
        for name in ("lin", "lin", "chen", "a-password-in-the-wrong-field", "lin"):
            assert (await client.post("/login", data={"name": name, "password": "wrong"})).status_code == 401
    tables = Tables(console.site.url)
    recorded = "SELECT actor, details ->> 'address' FROM sync.activity WHERE action = 'console.refused' ORDER BY id"
    assert tables.query(recorded) == [("lin", "127.0.0.1"), ("unknown", "127.0.0.1")]
    tables.execute("UPDATE sync.activity SET at = at - %s", console_access.LOGIN_WINDOW)
    async with console.nobody() as client:
        await client.post("/login", data={"name": "lin", "password": "wrong"})
    assert len(tables.query(recorded)) == 3
    async with console.person("wu", language="zh") as client:
        assert "账号与密码不符" in (await client.get("/activity", params={"actor": "lin"})).text
