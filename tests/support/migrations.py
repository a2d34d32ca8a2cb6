"""Migrations to a revision, as `alembic` makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import config as alembic_config

ROOT = Path(__file__).parents[2]


def alembic(url: str, *words: str) -> None:
    """The command, in this process: starting it takes longer than what it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        alembic_config.main(["-c", str(ROOT / "alembic.ini"), *words])
