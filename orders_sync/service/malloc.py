"""Return freed memory from the C library to the system."""

from __future__ import annotations

import ctypes

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only; other libraries decide by themselves


def trim_heap() -> None:
    """Return free pages to the system, including those between live objects, which glibc never does by itself.

    Thousands of payloads are freed at a time. Without this a process stays at its peak size, which grows over days.
    Takes a few ms; no effect without glibc.
    """
    if _trim is not None:
        _trim(0)
