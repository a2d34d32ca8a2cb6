"""Reading the settings: the file, the variables over it, the secrets from where they are kept."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orders_sync.domain.errors import SettingsError
from orders_sync.settings.draft import Draft, hint
from orders_sync.settings.models import SECTIONS, Settings, account_model
from orders_sync.settings.values import FORMS

DEFAULT_FILE = Path("orders_sync.toml")
PREFIX = "ORDERS_SYNC_"
HOME, CONFIG, ACCOUNTS = f"{PREFIX}HOME", f"{PREFIX}CONFIG", f"{PREFIX}ACCOUNTS"
SECRETS = ("app_secret", "access_secret", "hook_token")
NOT_FOUND = "not-found-anywhere"  # passes every check: one complaint is enough
# Kubernetes sets these in every pod beside a service named orders-sync or orders-sync-console.
SERVICE_LINK = re.compile(r"ORDERS_SYNC_([A-Z0-9]+_)*(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_[A-Z]+(_[A-Z]+)?)?)")


def load(config: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """`config`, else what ORDERS_SYNC_CONFIG names, else ./orders_sync.toml if there is one; over it the environment.

    An empty variable counts as unset. Raises one `SettingsError` with a line for each mistake.
    """
    file = _file(config, environ)
    draft = Draft(file, _read(file) if file else {})
    _overlay(draft, environ)
    _account_secrets(draft, environ)
    _refuse_unknown(draft, environ)
    _refuse_twins(draft)
    accounts, sections = draft.checked()
    return Settings(accounts, **sections, home=_path(environ.get(HOME)), file=file)


def _file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = config or _path(environ.get(CONFIG))
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    if not os.path.exists(named):  # where Path.exists raises: a folder we may not look into
        raise SettingsError(f"{named}: no such file (named by {'--config' if config else CONFIG})")
    return named


def _path(text: str | None) -> Path | None:
    return Path(os.path.expanduser(text)) if text else None  # where Path.expanduser raises: ~nobody


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text (byte {error.start})"
    except (ValueError, RecursionError) as error:  # a number of 5000 digits is a plain ValueError
        problem = f"is not TOML: {error}"
    raise SettingsError(f"{file}: {problem}")  # out here, for the error itself may hold the whole text


def _json(variable: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    raise SettingsError(f"{variable}: is not JSON: {problem}")  # out here, as above


def _overlay(draft: Draft, environ: Mapping[str, str]) -> None:
    """Lay ORDERS_SYNC_SYNC__LAG and its like, DATABASE_URL and ORDERS_SYNC_ACCOUNTS over the file."""
    for section, model in SECTIONS.items():
        for key in model.checks():
            variable = _variable(section, key)
            if text := environ.get(variable):
                draft.lay(section, key, text, variable)
    if url := environ.get("DATABASE_URL"):
        draft.lay("database", "url", url, "DATABASE_URL")
    if accounts := environ.get(ACCOUNTS):
        draft.origins["accounts",] = ACCOUNTS
        draft.values["accounts"] = _json(ACCOUNTS, accounts)


def _variable(*path: str) -> str:
    return PREFIX + "__".join(path).upper()


def _section_variables() -> list[str]:
    return [_variable(section, key) for section, model in SECTIONS.items() for key in model.checks()]


def _secret_variables(account: dict[str, Any]) -> dict[str, str]:
    """The variables that override this account's secrets, by the key of each."""
    name = re.sub("[^A-Z0-9]", "_", str(account.get("name")).upper())
    return {key: _variable("accounts", name, key) for key in account_model(account).secrets}


def _all_secret_variables(draft: Draft) -> list[str]:
    return [variable for account in draft.accounts.values() for variable in _secret_variables(account).values()]


def _account_secrets(draft: Draft, environ: Mapping[str, str]) -> None:
    """Put the secrets themselves where an account says where to find them; later checks see text only."""
    uses = Counter(_all_secret_variables(draft))
    for number, account in draft.accounts.items():
        for key, variable in _secret_variables(account).items():
            if environ.get(variable):
                account[key] = _unwrapped(environ[variable])
                draft.origins["accounts", number, key] = variable
                if uses[variable] > 1:
                    draft.complain("is the variable of several accounts: rename them", "accounts", number, key)
        for key in SECRETS:
            if isinstance(account.get(key), dict):
                try:
                    account[key] = _found(account[key], draft.file, environ)
                except ValueError as error:
                    draft.complain(str(error), "accounts", number, key)
                    account[key] = NOT_FOUND


def _found(reference: dict[str, Any], file: Path | None, environ: Mapping[str, str]) -> str:
    """The secret behind `{ env = "NAME" }` or `{ file = "/path" }`; a relative path starts at the settings file.

    Names and paths are repeated only if they look like it: people put the secret itself there.
    """
    match reference:
        case {"env": str(name), **rest} if not rest:
            shown = name if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else "named here"
            if text := _unwrapped(environ.get(name, "")):
                return text
            raise ValueError(f"environment variable {shown} is {'empty' if name in environ else 'not set'}")
        case {"file": str(path), **rest} if not rest:
            shown = path if Path(path).is_absolute() else "named here"
            return _content(Path(file.parent if file else ".", os.path.expanduser(path)), f"file {shown}")
    raise ValueError(FORMS)


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
    """A secret without what editors and shells put around it: a byte order mark before, line ends behind."""
    return text.removeprefix("\ufeff").rstrip("\r\n")


def _refuse_unknown(draft: Draft, environ: Mapping[str, str]) -> None:
    known = {HOME, CONFIG, ACCOUNTS, *_section_variables(), *_all_secret_variables(draft)}
    for name in environ:
        if name.upper().startswith(PREFIX) and name not in known and not SERVICE_LINK.fullmatch(name):
            draft.origins[name,] = name
            draft.complain(f"unknown variable{hint(name.upper(), known)}", name)


def _refuse_twins(draft: Draft) -> None:
    first: dict[str, int] = {}
    for number, account in draft.accounts.items():
        if "name" in account:
            earlier = first.setdefault(str(account["name"]), number)
            if earlier != number:
                draft.complain(f"is already the name of accounts[{earlier}]", "accounts", number, "name")
