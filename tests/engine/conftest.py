from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from orders_sync.domain import emptiness
from orders_sync.sandbox import Faults, World
from orders_sync.store.database import Pool
from tests.engine.story import Story, an_hour_ago


@pytest.fixture(autouse=True)
def empty_months_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's history begins years before most of its orders; what an empty answer is worth is tested apart."""
    monkeypatch.setattr(emptiness, "ONE_ANSWER", timedelta(days=10_000))


@pytest.fixture
def tell(pool: Pool, url: str) -> Callable[..., Story]:
    """Begin a story: `tell(orders=300)`."""

    def begin(orders: int = 300, seed: int = 1, days: float = 5, **settings: object) -> Story:
        world = World(orders, 3, seed, now=an_hour_ago(), days=days)
        return Story(pool, url, world, Faults(hang_seconds=0.01, retry_after=0), **settings)  # type: ignore[arg-type]

    return begin
