"""docs/dictionary.md: `python -m tests.support.dictionary` writes it from a database of this version."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

import psycopg

from orders_sync import embedded_postgres
from orders_sync.platforms import PLATFORMS
from orders_sync.store import dictionary, migrate, order_statuses
from tests.support.landed import land_world

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "dictionary.md"


def questions() -> list[tuple[str, str]]:
    """Return the titles of docs/queries.md with the SQL below each."""
    file = DOCS / "queries.md"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return re.findall(r"^## \d+\. (.*?)\n.*?```sql\n(.*?)```", text, re.DOTALL | re.MULTILINE)


def render(url: str) -> str:
    """Return what the file must hold, by a database in which `land_world` landed."""
    with psycopg.connect(url, autocommit=True) as session:
        return dictionary.render(session, questions())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, embedded_postgres.running(Path(folder)) as server:
        migrate.migrate(server.url)
        with psycopg.connect(server.url) as connection:
            order_statuses.fill(connection, {each.name: (each.direction, each.statuses) for each in PLATFORMS.values()})
        asyncio.run(land_world(server.url))
        FILE.write_text(render(server.url), encoding="utf-8")


if __name__ == "__main__":
    main()
