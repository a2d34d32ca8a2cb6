"""Converting [[accounts]]: each by the model of its platform."""

from __future__ import annotations

import json
import re
from typing import Any

from orders_sync.domain.setting_types import is_secret, matching
from orders_sync.platforms import PLATFORMS, UNUSABLE
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.settings.tables import Tables, fields, variable

Model = type[AccountSettings]


def read_accounts(tables: Tables, written: object, origin: str, place: str) -> list[tuple[Model, dict[str, Any]]]:
    """Return each account's model and its values, of use if `tables` holds no errors in the end.

    `origin` and `place`: what stands before an account in an error, and before all of them.
    """
    if not isinstance(written, list):
        tables.errors.append(f"{place}: must be a list of tables: [[accounts]]")
        return []
    numbers: dict[str, int] = {}
    converted = []
    for number, table in enumerate(written):
        place = f"{origin}accounts[{number}]"
        if not isinstance(table, dict):
            tables.errors.append(f"{place}: must be a table")
            continue
        name = table.get("name")
        if isinstance(name, str):
            place += f" {json.dumps(name, ensure_ascii=False)}"
        if "name" in table and (first := numbers.setdefault(str(name), number)) != number:
            tables.errors.append(f"{place}: name: is already the name of accounts[{first}]")
        converted.append(_account(tables, table, f"{place}: "))
    shared = [name for name in tables.used.elements() if tables.used[name] > 1]
    tables.errors += [f"{name}: is the variable of several accounts: rename them" for name in shared]
    return converted


def _account(tables: Tables, table: dict[str, Any], place: str) -> tuple[Model, dict[str, Any]]:
    try:
        if "platform" not in table:
            raise ValueError("is required")
        if reason := UNUSABLE.get(str(table["platform"])):
            raise ValueError(f"{table['platform']}: {reason}")
        one_of_them = matching("|".join(map(re.escape, PLATFORMS)), f"one of {', '.join(PLATFORMS)}")
        table["platform"] = one_of_them(table["platform"])
    except ValueError as error:
        tables.errors.append(f"{place}platform: {error}")
        return AccountSettings, _of_any_platform(tables, table, place)
    model = PLATFORMS[table["platform"]].settings
    return model, tables.convert(table, fields(model), place, _variables(table, model), _aliases(model))


def _models() -> list[Model]:
    return [platform.settings for platform in PLATFORMS.values()]


def _of_any_platform(tables: Tables, table: dict[str, Any], place: str) -> dict[str, Any]:
    """Convert what every platform spells alike: where the platform is not known, neither are its own keys."""
    tables.known.update(*(each for model in _models() for each in _variables(table, model).values()))
    shared = set.intersection(*(set(fields(model)) for model in _models())) - {"platform"}
    known = {key: each for key, each in fields(AccountSettings).items() if key in shared}
    return tables.convert({key: value for key, value in table.items() if key in known}, known, place)


def _variables(table: dict[str, Any], model: Model) -> dict[str, list[str]]:
    """Return the variable that overrides each of an account's secrets, by its key."""
    name = re.sub("[^A-Z0-9]", "_", str(table.get("name")).upper())
    return {key: [variable("accounts", name, key)] for key, each in fields(model).items() if is_secret(each.type)}


def _aliases(model: Model) -> dict[str, str]:
    """Return the model's key for each word by which another platform calls the same."""
    own = {each.name: key for key, each in fields(model).items()}
    others = {key: each.name for other in _models() for key, each in fields(other).items()}
    return {key: own[name] for key, name in others.items() if name in own and key != own[name]}
