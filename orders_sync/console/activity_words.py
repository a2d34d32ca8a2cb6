"""Words for what people did: the kinds of action, their subject as a link, and their details in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from orders_sync.console.words import Words, days, later
from orders_sync.domain.activity import TIMES, Action

MOST_SHOWN = 5  # values of a list; the rest is a number

ACTIONS = {
    Action.ACCOUNT_PAUSE: later("paused a shop"),
    Action.ACCOUNT_RESUME: later("resumed a shop"),
    Action.ACCOUNT_SYNC: later("had a shop read now"),
    Action.ACCOUNT_RENAME: later("renamed a shop"),
    Action.ACCOUNT_REMOVE: later("took a shop out of the settings"),
    Action.ACCOUNT_RETURN: later("put a shop back into the settings"),
    Action.ACCOUNT_RETIRE: later("retired a shop"),
    Action.ACCOUNT_MERGE: later("merged two shops"),
    Action.BACKFILL_START: later("started a backfill"),
    Action.BACKFILL_CANCEL: later("cancelled a backfill"),
    Action.ORDER_FETCH: later("had orders read now"),
    Action.PERSONS_REVEAL: later("saw personal data"),
    Action.PERSONS_EXPORT: later("exported personal data"),
    Action.WINDOWS_RETRY: later("had failed windows read again"),
    Action.REJECTS_REPLAY: later("replayed rejects"),
    Action.REJECTS_IGNORE: later("ignored rejects"),
    Action.REJECTS_UNIGNORE: later("opened rejects again"),
    Action.REJECTS_DROP: later("deleted rejects"),
    Action.AUDIT_RUN: later("started an audit"),
    Action.AUDIT_REPAIR: later("had the missing orders of an audit read"),
    Action.AUDIT_ACKNOWLEDGE: later("acknowledged differences of an audit"),
    Action.RENORMALIZE: later("rebuilt rows from payloads"),
    Action.DATABASE_MIGRATE: later("upgraded the database"),
    Action.DATABASE_DUMP: later("backed the database up"),
    Action.DATABASE_RESTORE: later("restored the database"),
    Action.DATABASE_MOVE: later("moved the database"),
    Action.DATABASE_REOPEN: later("took the database into use again"),
    Action.DEMO_CLEAR: later("removed the orders of the demo"),
    Action.NOTIFY_TEST: later("sent a notice to try it"),
    Action.SETTINGS_RELOAD: later("had the settings read again"),
    Action.CONSOLE_LOGIN: later("logged in"),
    Action.CONSOLE_LOGOUT: later("logged out"),
    Action.CONSOLE_REFUSED: later("was refused: name and password did not match"),
    Action.PERSON_ADD: later("added a person, or changed the rights"),
    Action.PERSON_REMOVE: later("removed a person"),
    Action.PERSON_PASSWORD: later("changed a password"),
}
_SUBJECTS = {  # by the word that `engine/actions/` writes: the words for it and its page, None where it has none
    "request": (later("Backfill %(number)s"), "/backfills/{}"),
    "backfill": (later("part %(number)s of a backfill"), None),
    "audit": (later("Audit %(number)s"), "/audits/{}"),
    "reject": (later("Reject %(number)s"), "/rejects/{}"),
}
_DETAILS = {
    "reason": later("reason: %(value)s"),
    "until": later("until %(value)s"),
    "from": later("from %(value)s"),
    "to": later("up to %(value)s"),
    "numbers": later("order numbers: %(value)s"),
    "not_read": later("not read: %(value)s"),
    "ids": later("numbers: %(value)s"),
    "count": later("number of them: %(value)s"),
    "differences": later("differences: %(value)s"),
    "platform": later("platform: %(value)s"),
    "address": later("from the address %(value)s"),
    "accounts": later("shops: %(value)s"),
    "states": later("states of orders: %(value)s"),
    "was": later("before: %(value)s"),
    "view": later("data: %(value)s"),
    "file": later("file: %(value)s"),
    "rows": later("rows: %(value)s"),
    "newest": later("newest version of the tables: %(value)s"),
    "revisions": later("steps: %(value)s"),
    "merged": later("merged with: %(value)s"),
    "by": later("because of %(value)s"),
    "bytes": later("bytes: %(value)s"),
    "target": later("to the database %(value)s"),
    "source": later("from the database %(value)s"),
    "other": later("the other database: %(value)s"),
    "orders": later("orders: %(value)s"),
    "added": later("shops added: %(value)s"),
    "removed": later("shops removed: %(value)s"),
    "changed": later("shops changed: %(value)s"),
}
_FLAGS = {  # the words where it is true, and where it is false
    "everything": (later("also what is complete"), ""),
    "repair": (later("what is missing is read, too"), ""),
    "was_paused": (later("it was paused"), ""),
    "was_suspended": (later("it was suspended"), ""),
    "may_act": (later("may act"), later("may not act")),
    "may_see_persons": (later("may see personal data"), later("may not see personal data")),
}
_LEFT_OUT = {"plan"}
_CAUSES = (later("the settings"),)  # values of `by`


def action(words: Words, kind: str) -> str:
    """Return the words for a kind of action; one that a newer version wrote stays as it is."""
    return words(ACTIONS[Action(kind)]) if kind in set(Action) else kind


def subject(words: Words, text: str | None, url: Callable[..., str]) -> tuple[str, str]:
    """Return the words for what was acted on and the page that shows it; empty where there is none."""
    kind, _, number = (text or "").partition(" ")
    if kind == "order" and number:
        return number, url("/orders", q=number)
    if kind in _SUBJECTS and re.fullmatch(r"\d{1,18}", number):
        said, path = _SUBJECTS[kind]
        return words(said, number=number), url(path.format(number)) if path else ""
    return text or "", ""


def details(words: Words, found: Mapping[str, Any]) -> list[str]:
    """Return the details of an action in words, times in the console's zone, the beginning of a range first."""
    said = []
    rest = {name: value for name, value in found.items() if name not in _LEFT_OUT}
    start, end = _time(rest.get("from")), _time(rest.get("to"))
    if start and end:
        said.append(days(start, end))
        rest = {name: value for name, value in rest.items() if name not in ("from", "to")}
    if isinstance(ids := rest.get("ids"), list) and rest.get("count") == len(ids):
        del rest["count"]
    for name in sorted(rest, key=lambda each: (each != "from", each != "to")):
        value = rest[name]
        if isinstance(value, bool) and name in _FLAGS:
            yes, no = _FLAGS[name]
            said.append(words(yes if value else no))
        else:
            text = _value(words, name, value)
            said.append(words(_DETAILS[name], value=text) if name in _DETAILS else f"{name}: {text}")
    return [each for each in said if each]


def _value(words: Words, name: str, value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(words.state(each) if name == "states" else str(each) for each in value[:MOST_SHOWN])
        more = len(value) - MOST_SHOWN
        return words("%(shown)s and %(count)s more", shown=shown, count=more) if more > 0 else shown
    if name == "by":
        return words(str(value))
    moment = _time(value) if name in TIMES else None
    return days(moment, None) if moment else str(value)


def _time(value: Any) -> datetime | None:
    with suppress(ValueError):
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found if found and found.tzinfo else None
    return None
