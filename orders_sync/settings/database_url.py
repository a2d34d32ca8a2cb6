"""DATABASE_URL as libpq reads it.

A URL that libpq reads otherwise than it was meant is refused: a password with @ or / would become part of a host's name
and be shown (P8).

    postgresql://user:password@host:port,host2:port2/database?parameter=value&parameter=value
                 |- userinfo -| the first @ ends it, unless a / comes before
"""

from __future__ import annotations

import re
from urllib.parse import unquote

FORM = "must be a URL without spaces: postgresql://user:password@host:5432/database"
ENCODE = "in a user or password write @ as %40, / as %2F, # as %23, ? as %3F, : as %3A and % as %25"
_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(\S+)")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|(?:%2[Ff]|%40)[^:\[\]]*|[\w.-]*)(?::(\d{0,5}))?")
_PARAMETER = re.compile(r"[a-z_]+=[^=]*")


def parse(text: str) -> str:
    """The same URL with the scheme `postgresql`. Raises ValueError, whose text holds nothing of the URL."""
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(FORM)
    userinfo, hosts, _, query = _parts(match[1])
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", match[1]):
        raise ValueError(f"holds a % that is no percent-encoding: {ENCODE}")
    if not _is_text(match[1]):
        raise ValueError(f"holds percent-encoded bytes that are not UTF-8: {ENCODE}, other characters as UTF-8")
    if "@" in match[1].removeprefix(f"{userinfo}@") or "?" in userinfo.partition(":")[0]:
        raise ValueError(f"can be read in more than one way: {ENCODE}; elsewhere, too, write @ as %40")
    if not all(_is_host(host) for host in hosts.split(",")):
        raise ValueError(f"does not name a host and port where they belong, after the password: {ENCODE}")
    if query and not all(_PARAMETER.fullmatch(each) for each in query.split("&")):
        raise ValueError(
            "must end with parameters as libpq takes them, ?name=value&name=value: in a value write = as %3D, & as %26"
        )
    return f"postgresql://{match[1]}"


def written_password(url: str) -> str:
    """The password as it stands in a URL, percent-encoded or not; empty when there is none."""
    match = _URL.fullmatch(url)
    return _parts(match[1])[0].partition(":")[2] if match else ""


def _parts(rest: str) -> tuple[str, str, str, str]:
    """User and password, hosts, database and parameters, cut where libpq cuts."""
    at, slash = rest.find("@"), rest.find("/")
    userinfo = rest[:at] if at >= 0 and (slash < 0 or at < slash) else ""
    where, _, query = rest.removeprefix(f"{userinfo}@").partition("?")
    hosts, _, database = where.partition("/")
    return userinfo, hosts, database, query


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    return match is not None and int(match[1] or 0) <= 65535


def _is_text(text: str) -> bool:
    try:
        unquote(text, errors="strict")
    except UnicodeDecodeError:
        return False
    return True
