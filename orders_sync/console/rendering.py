"""Templates. What a page shows is text: only a template writes HTML, everything else is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orders_sync.console.words import LANGUAGES, Words
from orders_sync.domain import local_times
from orders_sync.domain.display import visible

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


def page(template: str, words: Words, values: Mapping[str, Any]) -> str:
    """Return a template with these values, in this language."""
    return _environment().get_template(template).render(words=words, _=words, **values)


@cache
def fingerprint(name: str) -> str:
    """Return a short hash of a static file: its URL changes with its content."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        fingerprint=fingerprint,
        zone_name=local_times.zone_name,
        stamp=local_times.stamp,
        iso=local_times.iso,
        languages=LANGUAGES,
    )
    made.filters.update(visible=lambda text: "" if text is None else visible(str(text), keep="\n\t"))
    return made
