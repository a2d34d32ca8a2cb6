"""Values on their way to be checked: where each came from, and what is wrong with them, in words for the user."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orders_sync.domain.errors import SettingsError
from orders_sync.settings.models import SECTIONS, Keys, account_model

Loc = tuple[str | int, ...]

OTHERS_NAME = {
    "seller_nick": "user_id",
    "app_id": "access_key",
    "app_secret": "access_secret",
    "user_id": "seller_nick",
    "access_key": "app_id",
    "access_secret": "app_secret",
}


@dataclass
class Draft:
    """`origins`: the variable a value came from, if not from the file."""

    file: Path | None
    values: dict[str, Any]
    origins: dict[Loc, str] = field(default_factory=dict)
    problems: list[tuple[Loc, str]] = field(default_factory=list)

    @property
    def accounts(self) -> dict[int, dict[str, Any]]:
        """Those that are tables, by their number in the list."""
        accounts = self.values.get("accounts")
        return {n: a for n, a in enumerate(accounts) if isinstance(a, dict)} if isinstance(accounts, list) else {}

    def lay(self, section: str, key: str, text: str, variable: str) -> None:
        """Put a variable's text over what the file says."""
        self.origins[section, key] = variable
        table = self.values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = text

    def complain(self, text: str, *loc: str | int) -> None:
        self.problems.append((loc, text))

    def checked(self) -> Keys:
        """Raises one `SettingsError` with a line for each mistake, also of those complained of before."""
        keys = None
        try:
            keys = Keys.model_validate(self.values)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                if text := self._words(detail):
                    self.complain(text, *detail["loc"])
        if keys is None or self.problems:
            lines = [f"{self._place(loc)}: {text}" for loc, text in sorted(self.problems, key=_rank)]
            raise SettingsError("\n".join(lines))  # out here, for pydantic's error may hold a secret
        return keys

    def _words(self, detail: ErrorDetails) -> str:
        """A complaint of pydantic's in the words of these settings; nothing where another one says it already."""
        loc = detail["loc"]
        key = str(loc[-1])
        account = self._account(loc)
        fields = (SECTIONS.get(str(loc[0]), account_model(account)) if len(loc) > 1 else Keys).model_fields
        match detail["type"]:
            case "value_error":
                return str(detail["ctx"]["error"])
            case "missing":
                return "" if OTHERS_NAME.get(key) in account else "is required"
            case "extra_forbidden" if OTHERS_NAME.get(key) in fields:
                return f"is another platform's word: for this one write {OTHERS_NAME[key]}"
            case "extra_forbidden":
                return f"unknown key{hint(key, fields)}"
            case "list_type":
                return "must be a list of tables: [[accounts]]"
            case "model_type":
                return "must be a table"
        return detail["msg"]

    def _place(self, loc: Loc) -> str:
        """`FILE: accounts[1] "kingdo": platform`, `FILE: [sync] lag`, or the variable that holds exactly this value."""
        if loc in self.origins:
            return self.origins[loc]
        match loc:
            case ("accounts", int(number), *keys):
                name = self._account(loc).get("name")
                named = f" {json.dumps(name, ensure_ascii=False)}" if isinstance(name, str) else ""
                path = ": ".join([f"accounts[{number}]{named}", *map(_printable, keys)])
            case (section, key):
                path = f"[{section}] {_printable(key)}"
            case _:
                path = _printable(loc[0])
        return f"{self.origins.get(loc[:1], self.file)}: {path}"

    def _account(self, loc: Loc) -> dict[str, Any]:
        """The account a place lies in; empty if it lies in none."""
        match loc:
            case ("accounts", int(number), *_):
                return self.accounts.get(number, {})
        return {}


def _printable(key: str | int) -> str:
    return str(key) if str(key).isprintable() else json.dumps(key)


def _rank(problem: tuple[Loc, str]) -> tuple[Any, ...]:
    loc, _ = problem
    return loc[:2] if loc[0] == "accounts" else loc[:1]


def hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
