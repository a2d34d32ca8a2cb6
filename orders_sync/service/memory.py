"""Memory that was freed, and that the C library keeps in case it is wanted again."""

from __future__ import annotations

import ctypes

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; elsewhere the library decides by itself


def give_back() -> None:
    """Hand free pages to the system, those between pieces that live on too: glibc never does that by itself.

    Thousands of payloads are freed at a time. Without this a process stays as large as its largest moment, and over
    the days one moment is larger than all before. Takes a few ms.
    """
    if _trim is not None:
        _trim(0)
