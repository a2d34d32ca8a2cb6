"""Secrets of tests that look for them where they must not be."""

from __future__ import annotations

from urllib.parse import urlsplit

WRONG = "Hush-wrong-quokka"
PASSWORD = "Hush-password-numbat"


def with_password(url: str) -> str:
    """A URL with a password, which is not asked for on a server that trusts; one that has its own keeps it."""
    return url if urlsplit(url).password else url.replace("@", f":{PASSWORD}@", 1)
