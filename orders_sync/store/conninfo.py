"""What a database URL asks for, as libpq reads it: several hosts, a socket's folder, `options`, TLS, a service."""

from __future__ import annotations

import os
from functools import cache
from itertools import zip_longest

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orders_sync.domain.errors import DatabaseError

DEFAULTS = {
    "application_name": "orders-sync",
    "connect_timeout": "10",  # seconds, for each host
    # a peer that is gone without a word is noticed within a minute instead of two hours
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
SECRETS = ("password", "sslpassword")


def completed(url: str, **defaults: str) -> str:
    """Return a connection string with everything that a URL or connection string sets, and our defaults.

    A default is set only where neither it nor a PG* variable sets one. Raises `DatabaseError`.
    """
    asked = _read(url)
    defaults = {**DEFAULTS, **defaults}
    if "," in asked.get("host", ""):
        defaults["target_session_attrs"] = "primary"  # a standby takes no orders
    variables = _variables()
    ours = {key: value for key, value in defaults.items() if not os.environ.get(variables.get(key, ""))}
    return make_conninfo(**{**ours, **asked, "client_encoding": "UTF8"})


def shown(url: str) -> str:
    """A database URL without what must not be shown (P8)."""
    try:
        asked = _read(url)
    except DatabaseError:
        return "(unreadable URL)"
    hosts, ports = asked.get("host", "").split(","), asked.get("port", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    places = [f"{host or 'local socket'}{f':{port}' if port else ''}" for host, port in zip_longest(hosts, ports)]
    if "service" in asked and not asked.get("host"):
        places = [f"service {asked['service']}"]
    return f"{asked.get('dbname') or asked.get('user') or '?'} on {', '.join(places)}"


def libpq_environment(url: str) -> dict[str, str]:
    """A URL's parameters as libpq's variables: on a command line it would show its password (P8)."""
    variables = _variables()
    return {variables[key]: value for key, value in _read(url).items() if key in variables}


def libpq_argument(url: str) -> str:
    """The rest of them, which no variable names, as an argument for psql; secrets are left out."""
    variables = _variables()
    return make_conninfo(
        **{key: value for key, value in _read(url).items() if key not in variables and key not in SECRETS}
    )


def _read(url: str) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except UnicodeDecodeError:
        problem = "it holds bytes that are not UTF-8"
    except psycopg.ProgrammingError as error:
        # an unknown parameter is named; other words of libpq quote what may be part of a password
        text = str(error).strip()
        problem = text if text.startswith("invalid URI query parameter") else "it cannot be read"
    raise DatabaseError(f"DATABASE_URL or [database] url: {problem}; it takes libpq's parameters and no others")


@cache
def _variables() -> dict[str, str]:
    """The variable of each parameter that has one."""
    return {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
