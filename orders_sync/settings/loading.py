"""Reading the settings: the file, the environment over it, checked as a whole."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orders_sync.domain.errors import ConfigurationError
from orders_sync.settings.accounts import convert_accounts
from orders_sync.settings.models import SECTIONS, Settings
from orders_sync.settings.tables import PREFIX, Tables, fields, hint, printable, variable

DEFAULT_FILE = Path("orders_sync.toml")
HOME, CONFIG, ACCOUNTS, USER = variable("home"), variable("config"), variable("accounts"), variable("user")
FORMER_NAMES = {"sync": {"tries": "retries"}}  # by section and key: a name that is taken for one version more
# Kubernetes sets these in every pod beside a service named orders-sync or orders-sync-console.
SERVICE_LINK = re.compile(r"ORDERS_SYNC_([A-Z0-9]+_)*(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_[A-Z]+(_[A-Z]+)?)?)")


def load(
    config: Path | None = None, environ: Mapping[str, str] = os.environ, *, with_secrets: bool = False
) -> Settings:
    """Read `config`, else what ORDERS_SYNC_CONFIG names, else ./orders_sync.toml if there is one.

    The environment wins over the file; an empty variable counts as unset. An account with a mistake is misconfigured,
    and the others can be used. Secrets of accounts that are kept in variables and files are read when they are
    revealed; `with_secrets`: now, and an account whose secrets cannot be read is misconfigured. A mistake outside
    [[accounts]] raises one `ConfigurationError` that lists every mistake, those of accounts too.
    """
    file = _file(config, environ)
    written = _read(file) if file else {}
    tables = Tables(environ, file.parent if file else Path())
    if text := environ.get(ACCOUNTS):
        accounts, misconfigured = convert_accounts(tables, _json(ACCOUNTS, text), f"{ACCOUNTS}: ", ACCOUNTS)
    else:
        accounts, misconfigured = convert_accounts(
            tables, written.get("accounts", []), f"{file}: ", f"{file}: accounts"
        )
    known = ("accounts", *SECTIONS)
    tables.errors += [f"{file}: {printable(key)}: unknown key{hint(key, known)}" for key in written if key not in known]
    sections = {name: _section(tables, name, written.get(name, {}), f"{file}: ") for name in SECTIONS}
    unknown = dict(_unknown_variables(tables))
    of_accounts = [text for name, text in unknown.items() if name.startswith(f"{ACCOUNTS}__")]
    settings = Settings(
        accounts=accounts, misconfigured=misconfigured, unknown=of_accounts, home=_path(environ.get(HOME)), file=file
    )
    if with_secrets:
        settings = settings.with_secrets()
    if tables.errors or len(of_accounts) < len(unknown):
        of_others = [text for text in unknown.values() if text not in of_accounts]
        raise ConfigurationError("\n".join([*of_others, *settings.mistakes, *tables.errors]))
    settings = msgspec.structs.replace(settings, warnings=tables.warnings)
    made: dict[str, Any] = {name: model(**sections[name]) for name, model in SECTIONS.items()}
    return msgspec.structs.replace(settings, **made)


def _file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = config or _path(environ.get(CONFIG))
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    if not os.path.exists(named):  # where Path.exists raises: a folder we may not look into
        raise ConfigurationError(f"{named}: no such file (named by {'--config' if config else CONFIG})")
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
    raise ConfigurationError(f"{file}: {problem}")  # not chained to the error, which may hold the file's text


def _json(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    raise ConfigurationError(f"{name}: is not JSON: {problem}")  # not chained, as above


def _section(tables: Tables, name: str, table: object, origin: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        tables.errors.append(f"{origin}{name}: must be a table")
        table = {}
    known = fields(SECTIONS[name])
    variables = {key: [variable(name, key)] for key in known}
    if name == "database":
        variables["url"].insert(0, "DATABASE_URL")
    former = FORMER_NAMES.get(name, {})
    set_variables = {each for each, text in tables.environ.items() if text}
    for key, before in former.items():
        variables[key].append(variable(name, before))
        tables.check_former_name(before, key, table, f"{origin}[{name}] ")
        tables.check_former_name(variable(name, before), variable(name, key), set_variables)
    # a messenger that cannot be reached stops no command, so its URL is read when a notice is sent
    return tables.convert(table, known, f"{origin}[{name}] ", variables, former=former, defers=name == "notify")


def _unknown_variables(tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield each with a sentence on it."""
    known = tables.known | {HOME, CONFIG, ACCOUNTS, USER}
    for name in tables.environ:
        if name.upper().startswith(PREFIX) and name not in known and not SERVICE_LINK.fullmatch(name):
            yield name, f"{name}: unknown variable{hint(name.upper(), known)}"
