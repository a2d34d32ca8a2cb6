from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

import pytest

from orders_sync.store.database import Pool
from tests.independent.installation import Installation
from tests.independent.platform import FakePlatform, Oddity, Order, of_kind


@pytest.fixture
def install(pool: Pool, url: str) -> Iterator[Callable[..., Installation]]:
    """An account of an odd platform and a fresh database: `install("1688", orders, page_size_capped(100))`."""
    with ExitStack() as open_until_the_end:

        def begin(kind: str, orders: Iterable[Order], *oddities: Oddity, **settings: object) -> Installation:
            fake = open_until_the_end.enter_context(FakePlatform(kind, of_kind(kind, orders), *oddities))
            return Installation(pool, url, fake, **settings)  # type: ignore[arg-type]

        yield begin
