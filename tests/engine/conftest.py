from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from orders_sync.platforms import PLATFORMS
from tests.support.story import empty_months_are_believed, tell

__all__ = ["empty_months_are_believed", "tell"]


@pytest.fixture
def old_code(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have KA read by an older version's code from here on; without arguments by today's."""
    today = PLATFORMS["xportcn_ka"]

    def install(**changes: object) -> None:
        monkeypatch.setitem(PLATFORMS, "xportcn_ka", replace(today, **changes))  # type: ignore[arg-type]

    return install
