"""Templates. What a page shows is text: only a template writes HTML, everything else is escaped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from orders_sync.console import shop_words
from orders_sync.console.stored_words import stored
from orders_sync.console.words import LANGUAGES, Words
from orders_sync.domain import local_times
from orders_sync.domain.display import visible

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
REQUEST = re.compile(r"(\brequest |请求 )(\d{1,18})\b")


def page(template: str, words: Words, values: Mapping[str, Any]) -> str:
    """Return a template with these values, in this language."""
    return _environment().get_template(template).render(words=words, _=words, **values)


@cache
def fingerprint(name: str) -> str:
    """Return a short hash of a static file: its URL changes with its content."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def linked(text: str, url: Callable[[str], str]) -> Markup:
    """Return a text as HTML in which the numbers of requests lead to their backfills."""
    pieces = REQUEST.split(visible(text, keep="\n\t"))  # words, word before a number, number, words, ...
    made = [escape(pieces[0])]
    for before, number, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        made.append(Markup('{}<a href="{}">{}</a>{}').format(before, url(f"/backfills/{number}"), number, after))
    return Markup("").join(made)


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
        stored=stored,
        exception=shop_words.exception,
    )
    made.filters.update(linked=linked)
    made.filters.update(visible=lambda text: "" if text is None else visible(str(text), keep="\n\t"))
    return made
