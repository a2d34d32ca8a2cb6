"""Reservations of calls under an app's rate limit."""

from __future__ import annotations

import msgspec

AHEAD = 1.0  # seconds: the most of the budget one reservation holds, and how far before its time a slot is given away


class Reservation(msgspec.Struct, frozen=True):
    """`slots` calls, the first in `delay` seconds. `slots` is 0: all is taken or held, ask again after `delay`."""

    delay: float
    slots: int
