"""Values on their way to be checked: where each came from, and what is wrong with them, in words for the user."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from orders_sync.domain.errors import SettingsError
from orders_sync.settings.models import SECTIONS, AccountSettings, Section, account_model

S = TypeVar("S", bound=Section)
Loc = tuple[str | int, ...]

KEYS = ("accounts", *SECTIONS)
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

    def checked(self) -> tuple[list[AccountSettings], dict[str, Any]]:
        """The accounts, and the sections by name.

        Raises one `SettingsError` with a line for each mistake, also of those complained of before.
        """
        for key in self.values:
            if key not in KEYS:
                self.complain(f"unknown key{hint(key, KEYS)}", key)
        written = self.values.get("accounts", [])
        if not isinstance(written, list):
            self.complain("must be a list of tables: [[accounts]]", "accounts")
            written = []
        accounts = [self._checked(account_model(raw), raw, "accounts", number) for number, raw in enumerate(written)]
        sections = {name: self._checked(model, self.values.get(name, {}), name) for name, model in SECTIONS.items()}
        if self.problems:
            lines = [f"{self._place(loc)}: {text}" for loc, text in sorted(self.problems, key=_rank)]
            raise SettingsError("\n".join(lines))
        return [make() for make in accounts], {name: make() for name, make in sections.items()}

    def _checked(self, model: type[S], raw: object, *loc: str | int) -> Callable[[], S]:
        """What a table says, as what makes the section of it: once nothing was complained of."""
        if not isinstance(raw, dict):
            self.complain("must be a table", *loc)
            return model
        found = {}
        for key, check in model.checks().items():
            if key in raw:
                try:
                    found[key] = check(raw[key])
                except ValueError as error:
                    self.complain(str(error), *loc, key)
            elif key in model.required() and OTHERS_NAME.get(key) not in raw:  # the other name is complained of
                self.complain("is required", *loc, key)
        if model is not AccountSettings:  # where the platform is not known, neither are its words
            for key in raw:
                if key not in model.checks():
                    self.complain(_unknown(key, model), *loc, key)
        return partial(model, **found)

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


def _unknown(key: str, model: type[Section]) -> str:
    others_name = OTHERS_NAME.get(key)
    if others_name in model.checks():
        return f"is another platform's word: for this one write {others_name}"
    return f"unknown key{hint(key, model.checks())}"


def _printable(key: str | int) -> str:
    return str(key) if str(key).isprintable() else json.dumps(key)


def _rank(problem: tuple[Loc, str]) -> tuple[Any, ...]:
    loc, _ = problem
    return loc[:2] if loc[0] == "accounts" else loc[:1]


def hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
