"""docs/dictionary.md: `python -m tests.support.dictionary` writes it from a database of this version."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from orders_sync.store import dictionary
from tests.support.landed import land_world
from tests.support.prepared_server import migrated_server
from tests.support.questions import questions

FILE = Path(__file__).parents[2] / "docs" / "dictionary.md"


def render(url: str) -> str:
    """Return what the file must hold, by a database in which `land_world` landed."""
    with psycopg.connect(url, autocommit=True) as session:
        return dictionary.render(session, [(each.title, each.query) for each in questions()])


def main() -> None:
    with migrated_server() as url:
        asyncio.run(land_world(url))
        FILE.write_text(render(url), encoding="utf-8")


if __name__ == "__main__":
    main()
