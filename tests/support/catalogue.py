"""The texts of the console, and the catalogue that translates them.

python -m tests.support.catalogue     writes the catalogue anew: new texts are added untranslated, unused ones go
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

from orders_sync.console.words import CATALOGUE

CONSOLE = Path(CATALOGUE).parents[3]
PACKAGE = CONSOLE.parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "words": None, "later": None, "Sentence": None}


def texts() -> dict[str, list[str]]:
    """Every text that the console may show, with the files that use it."""
    found: dict[str, list[str]] = {}
    options = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
    for file, _, text, *_ in extract_from_dir(CONSOLE, METHODS, options, KEYWORDS, strip_comment_tags=True):
        found.setdefault(str(text), []).append(file)
    for path in PACKAGE.rglob("*.py"):
        if not path.is_relative_to(CONSOLE) and b"Sentence(" in path.read_bytes():
            for _, text, *_ in extract_from_file("python", path, {"Sentence": None}):
                found.setdefault(str(text), []).append(path.relative_to(PACKAGE).as_posix())
    return found


def translations() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh")


def renewed() -> bytes:
    """The catalogue with every text that is used and no other, in the order of the files."""
    old, new = translations(), Catalog(locale="zh", header_comment="# Texts of the console in Chinese.", fuzzy=False)
    for text, files in sorted(texts().items()):
        known = old.get(text)
        new.add(text, known.string if known else "", [(file, 0) for file in sorted(set(files))])
    written = io.BytesIO()
    write_po(written, new, width=120, include_lineno=False, omit_header=True)
    head = b'# Texts of the console in Chinese.\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return head + written.getvalue()


if __name__ == "__main__":
    CATALOGUE.write_bytes(renewed())
    missing = [message.id for message in translations() if message.id and not message.string]
    print(f"{CATALOGUE}: {len(missing)} texts without a translation", *missing, sep="\n  ")
