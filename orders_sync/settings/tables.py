"""Converting one table of the settings key by key, so that every mistake is found, each with its place."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from orders_sync.domain.errors import SettingsError
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import FORMS, convert, each_secret, is_secret

PREFIX = "ORDERS_SYNC_"
# the path of a file: no secret looks so
PATH = re.compile(r"(?:\.{1,2}/)?(?:[\w.-]+/)*[\w-]+\.(?:txt|key|pem|secret|token|password)|\.{1,2}/.+")

Fields = dict[str, FieldInfo]


@cache
def fields(model: type[msgspec.Struct]) -> Fields:
    """The fields of a model by the key a user writes."""
    return {each.encode_name: each for each in msgspec.structs.fields(model)}


@dataclass
class Tables:
    """The tables as they are converted. `folder`: where relative paths of secrets start.

    `errors`, `warnings`: lines for the user, `PLACE: WORDS`.
    `known` and `used`: variables that may be set, and how many keys took their value from each.
    """

    environ: Mapping[str, str]
    folder: Path
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    used: Counter[str] = field(default_factory=Counter)

    def convert(
        self,
        table: dict[str, Any],
        fields: Fields,
        place: str,
        variables: Mapping[str, list[str]] = MappingProxyType({}),
        aliases: Mapping[str, str] = MappingProxyType({}),
        former: Mapping[str, str] = MappingProxyType({}),
        *,
        defers: bool = False,
    ) -> dict[str, Any]:
        """Return the fields' values by name; those left out, null or wrong are missing. Adds mistakes to `errors`.

        `place` stands before a key in an error. `variables`: those that override a key, the first that is set wins.
        `aliases`: words for keys that are known, but not understood here. `former`: the name a key had before, taken
        where the key itself is not there. `defers`: a secret that is kept in a variable or a file is read when it is
        revealed; until then only the form of the reference is checked.
        """
        found = {}
        for key, each in fields.items():
            self.known.update(variables.get(key, ()))
            name = next(filter(self.environ.get, variables.get(key, ())), None)
            written = key if key in table else former.get(key, key)
            try:
                if name:
                    self.used[name] += 1
                    found[each.name] = _from_variable(self.environ[name], each.type, name)
                elif table.get(written) is not None or (written in table and each.required):
                    found[each.name] = self._value(table[written], each.type, place + written, defers)
                elif each.required and not any(aliases.get(other) == key for other in table):
                    raise ValueError("is required")
            except ValueError as error:
                self.errors.append(f"{name or place + written}: {error}")
        self.errors += [
            f"{place}{printable(key)}: is another platform's word: for this one write {aliases[key]}"
            if key in aliases
            else f"{place}{printable(key)}: unknown key{hint(key, fields)}"
            for key in table
            if key not in fields and key not in former.values()
        ]
        return found

    def check_former_name(self, name: str, now: str, there: Container[str], place: str = "") -> None:
        """Add a warning if a key or variable is there under the name it had before, a mistake if under both names."""
        if name in there and now in there:
            self.errors.append(f"{place}{name}: is called {now} now, which is there too: remove {name}")
        elif name in there:
            self.warnings.append(f"{place}{name}: is called {now} now: rename it, this name goes with the next version")

    def _value(self, value: Any, kind: Any, place: str, defers: bool) -> Any:
        if one := each_secret(kind):
            several = value if isinstance(value, list) else [value]
            return tuple(self._value(each, one, f"{place}[{n}]", defers) for n, each in enumerate(several))
        if not is_secret(kind):
            return convert(value, kind)
        if defers and is_reference(value):
            return Secret(partial(self._secret, value, kind, place), _place_of(value))
        secret: Secret = convert(self._referenced(value), kind)
        secret.place = _place_of(value)
        return secret

    def _secret(self, reference: dict[str, str], kind: Any, place: str) -> str:
        try:
            secret: Secret = convert(self._referenced(reference), kind)
        except ValueError as error:
            problem = str(error)
        else:
            return secret.reveal()
        raise SettingsError(f"{place}: {problem}")  # out here, for the error itself may hold the secret

    def _referenced(self, value: Any) -> object:
        """Return the text behind `{ env = "NAME" }` or `{ file = "/path" }`; another value as it is.

        Names and paths are repeated only if they look like it: people put the secret itself there.
        """
        match value:
            case {"env": str(name), **rest} if not rest:
                if text := _unwrapped(self.environ.get(name, "")):
                    return text
                problem = "empty" if name in self.environ else "not set"
                raise ValueError(f"environment {_place_of(value)} is {problem}")
            case {"file": str(path), **rest} if not rest:
                return _content(self.folder / os.path.expanduser(path), self._shown(path))
            case dict():
                raise ValueError(FORMS)
        return value

    def _shown(self, path: str) -> str:
        """Return how a file is named in messages; a relative one by its folder, where the text may be the secret."""
        if Path(os.path.expanduser(path)).is_absolute() or PATH.fullmatch(path):
            return f"file {self.folder.absolute() / os.path.expanduser(path)}"
        return f"file named here, in folder {self.folder.absolute()},"


def _from_variable(text: str, kind: Any, name: str) -> Any:
    """Convert the text of a variable; several secrets stand in it with white space between."""
    if one := each_secret(kind):
        return tuple(_from_variable(each, one, name) for each in _unwrapped(text).split())
    found = convert(_unwrapped(text), kind)
    if is_secret(kind):
        found.place = f"variable {name}"
    return found


def is_reference(value: object) -> bool:
    """Tell whether a secret is written as `{ env = "NAME" }` or `{ file = "/path" }`."""
    match value:
        case {"env": str(), **rest} | {"file": str(), **rest}:
            return not rest
    return False


def _place_of(value: object) -> str:
    """Return where a secret that is written so is found. A name or path is shown only if it looks like one."""
    match value:
        case {"env": str(name)}:
            return f"variable {name if re.fullmatch(r'[A-Z][A-Z0-9_]*', name) else 'named here'}"
        case {"file": str(path)}:
            return f"file {path if Path(path).is_absolute() else 'named here'}"
    return "written in the settings"


def variable(*path: str) -> str:
    """Return the variable that overrides a key."""
    return PREFIX + "__".join(path).upper()


def _content(path: Path, shown: str) -> str:
    try:
        text = _unwrapped(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{shown} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{shown} is not UTF-8 text") from None
    if not text:
        raise ValueError(f"{shown} is empty")
    return text


def _unwrapped(text: str) -> str:
    """Strip what editors and shells put around a secret: a byte order mark before, line ends behind."""
    return text.removeprefix("\ufeff").rstrip("\r\n")


def printable(key: str) -> str:
    """A key as it may stand in a line for the user."""
    return key if key.isprintable() else json.dumps(key)


def hint(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, in brackets; empty if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
