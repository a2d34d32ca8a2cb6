"""Reservations of calls under an app's rate limit."""

from __future__ import annotations

import msgspec

AHEAD = 1.0  # seconds: the most one reservation holds, and how long before its moment a permit can be reserved


class Reservation(msgspec.Struct, frozen=True):
    """Permits for calls, the first in `delay` seconds. `permits` is 0: none is to be had, ask again after `delay`."""

    delay: float
    permits: int
