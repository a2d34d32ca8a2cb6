"""Database URLs and connection strings as libpq parses them: several hosts, a socket, `options`, TLS, a service."""

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
OF_A_SERVICE = ("service", "password", "passfile")  # a service's file says the rest, and wins over variables


def completed(url: str, **defaults: str) -> str:
    """Return a connection string with everything that a URL or connection string sets, and our defaults.

    A default is set only where neither it nor a PG* variable sets one. Raises `DatabaseError`.
    """
    asked = _parse(url)
    defaults = {**DEFAULTS, **defaults}
    if "," in asked.get("host", ""):
        defaults["target_session_attrs"] = "primary"  # a standby takes no orders
    variables = _variables()
    ours = {key: value for key, value in defaults.items() if not os.environ.get(variables.get(key, ""))}
    return make_conninfo(**{**ours, **asked, "client_encoding": "UTF8"})


def with_variables(url: str) -> str:
    """Return a connection string with what the PG* variables of this process add to a URL, its password included.

    It connects to the same place after they were removed, as they are for the embedded server. Raises `DatabaseError`.
    """
    asked = _parse(url)
    found = {key: os.environ[name] for key, name in _variables().items() if os.environ.get(name)}
    if "service" in {**found, **asked}:
        found = {key: value for key, value in found.items() if key in OF_A_SERVICE}
    return make_conninfo(**{**found, **asked})


def shown(url: str) -> str:
    """Return the database and hosts of a URL for messages, without user, password and options (P8)."""
    try:
        asked = _parse(url)
    except DatabaseError:
        return "(unreadable URL)"
    hosts, ports = asked.get("host", "").split(","), asked.get("port", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    places = [f"{host or 'local socket'}{f':{port}' if port else ''}" for host, port in zip_longest(hosts, ports)]
    if "service" in asked and not asked.get("host"):
        places = [f"service {asked['service']}"]
    return f"{asked.get('dbname') or asked.get('user') or '?'} on {', '.join(places)}"


def libpq_environment(url: str) -> dict[str, str]:
    """Return a URL's parameters as libpq's environment variables: on a command line a password is visible (P8)."""
    variables = _variables()
    return {variables[key]: value for key, value in _parse(url).items() if key in variables}


def libpq_argument(url: str) -> str:
    """Return the parameters that have no variable as a connection string for psql, without secrets."""
    variables = _variables()
    return make_conninfo(
        **{key: value for key, value in _parse(url).items() if key not in variables and key not in SECRETS}
    )


def _parse(url: str) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except UnicodeDecodeError:
        problem = "it holds bytes that are not UTF-8"
    except psycopg.ProgrammingError as error:
        # an unknown parameter is named; other words of libpq quote what may be part of a password
        text = str(error).strip()
        problem = text if text.startswith("invalid URI query parameter") else "it cannot be read"
    raise DatabaseError(
        f"DATABASE_URL, [database] url or the argument of `db move`: {problem}; it takes libpq's parameters and no "
        "others"
    )


@cache
def _variables() -> dict[str, str]:
    """Return libpq's environment variable of each parameter that has one."""
    return {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
