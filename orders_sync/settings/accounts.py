"""Converting [[accounts]]: each by the model of its platform. A mistake in one account stops no other one."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from orders_sync.domain.accounts import Identity, host_of
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import is_secret, matching
from orders_sync.platforms import PLATFORMS, UNUSABLE
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.settings.models import MisconfiguredAccount
from orders_sync.settings.tables import Tables, fields, variable

Model = type[AccountSettings]


@dataclass
class _Account:
    """One table of [[accounts]]. `place`: prefix of its error messages, which `tables` keeps; `values`: by field."""

    place: str
    label: str
    tables: Tables
    model: Model = AccountSettings
    name: str | None = None
    identity: Identity | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def misconfigured(self) -> MisconfiguredAccount:
        return MisconfiguredAccount(
            label=self.label,
            name=self.name,
            identity=self.identity,
            mistakes=tuple(self.tables.errors),
            secrets=tuple(value for value in self.values.values() if isinstance(value, Secret)),
        )


def convert_accounts(
    tables: Tables, written: object, origin: str, place: str
) -> tuple[list[AccountSettings], list[MisconfiguredAccount]]:
    """Return the accounts that can be used and those that cannot. A mistake in the list as such goes to `tables`.

    `origin`: prefix of error messages about one account; `place`: about the list.
    """
    if not isinstance(written, list):
        tables.errors.append(f"{place}: must be a list of tables: [[accounts]]")
        return [], []
    numbers: dict[str, int] = {}
    accounts = [_account(tables, table, number, numbers, origin) for number, table in enumerate(written)]
    _find_shared_variables(accounts)
    _find_same_identity(accounts)
    return (
        [each.model(**each.values) for each in accounts if not each.tables.errors],
        [each.misconfigured() for each in accounts if each.tables.errors],
    )


def _account(tables: Tables, table: object, number: int, numbers: dict[str, int], origin: str) -> _Account:
    place = f"accounts[{number}]"
    account = _Account(origin + place, place, replace(tables, errors=[], used=Counter()))
    if not isinstance(table, dict):
        account.tables.errors.append(f"{account.place}: must be a table")
        return account
    if isinstance(name := table.get("name"), str):
        account.place += f" {json.dumps(name, ensure_ascii=False)}"
    first = numbers.setdefault(str(name), number) if "name" in table else number
    if first != number:
        account.tables.errors.append(f"{account.place}: name: is already the name of accounts[{first}]")
    account.model, account.values = _convert(account.tables, table, f"{account.place}: ")
    account.identity = _identity(table, account.model, account.values)
    if first == number and "name" in account.values:
        account.name = account.label = account.values["name"]
    return account


def _find_shared_variables(accounts: list[_Account]) -> None:
    shared = Counter(name for each in accounts for name in each.tables.used)
    for each in accounts:
        each.tables.errors += [
            f"{name}: is the variable of several accounts: rename them" for name in each.tables.used if shared[name] > 1
        ]


def _find_same_identity(accounts: list[_Account]) -> None:
    first: dict[Identity, _Account] = {}
    for each in accounts:
        if each.identity is None or each.tables.errors:
            continue
        if (other := first.setdefault(each.identity, each)) is not each:
            each.name = None
            each.tables.errors.append(
                f"{each.place}: is the same account as {other.label}: {each.identity}. Its orders would be read twice: "
                "remove one of them"
            )


def _identity(table: dict[str, Any], model: Model, values: dict[str, Any]) -> Identity | None:
    """Return whose orders an account lists; None where a mistake keeps that from being known."""
    if "platform" not in values or "seller" not in values:
        return None
    [(key, base_url)] = [(key, each) for key, each in fields(model).items() if each.name == "base_url"]
    if "base_url" not in values and table.get(key) is not None:
        return None
    return Identity(values["platform"], host_of(values.get("base_url", base_url.default)), values["seller"])


def _convert(tables: Tables, table: dict[str, Any], place: str) -> tuple[Model, dict[str, Any]]:
    """Return the model of the account's platform and its values; what is wrong goes to `tables`."""
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
    values = tables.convert(table, fields(model), place, _variables(table, model), _aliases(model), defers=True)
    return model, values


def _models() -> list[Model]:
    return [platform.settings for platform in PLATFORMS.values()]


def _of_any_platform(tables: Tables, table: dict[str, Any], place: str) -> dict[str, Any]:
    """Convert what every platform spells alike: where the platform is not known, neither are its own keys."""
    tables.known.update(*(each for model in _models() for each in _variables(table, model).values()))
    shared = set.intersection(*(set(fields(model)) for model in _models())) - {"platform"}
    known = {key: each for key, each in fields(AccountSettings).items() if key in shared}
    return tables.convert({key: value for key, value in table.items() if key in known}, known, place, defers=True)


def _variables(table: dict[str, Any], model: Model) -> dict[str, list[str]]:
    """Return the variable that overrides each of an account's secrets, by its key."""
    name = re.sub("[^A-Z0-9]", "_", str(table.get("name")).upper())
    return {key: [variable("accounts", name, key)] for key, each in fields(model).items() if is_secret(each.type)}


def _aliases(model: Model) -> dict[str, str]:
    """Return the model's key for each word by which another platform calls the same."""
    own = {each.name: key for key, each in fields(model).items()}
    others = {key: each.name for other in _models() for key, each in fields(other).items()}
    return {key: own[name] for key, name in others.items() if name in own and key != own[name]}
