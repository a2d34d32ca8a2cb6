"""P7: what was freed goes back to the system."""

from __future__ import annotations

import ctypes

import psutil
import pytest

from orders_sync.service import malloc

PIECE = 3_000  # bytes, of about the size of a payload
MANY = 30_000


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_pages_between_what_lives_on_are_given_back_P7() -> None:
    pieces = [b"x" * PIECE for _ in range(MANY)]
    kept = pieces[::100]
    full = psutil.Process().memory_info().rss
    del pieces
    malloc.trim_heap()
    assert full - psutil.Process().memory_info().rss > MANY * PIECE / 2
    assert len(kept) == MANY / 100
