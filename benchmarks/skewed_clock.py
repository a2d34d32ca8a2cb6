"""Run `orders-sync` with a wrong clock: python benchmarks/skewed_clock.py SECONDS COMMAND...

The wall clock of Python is SECONDS ahead; monotonic clocks are unchanged.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from orders_sync.cli import main

if __name__ == "__main__":
    wrong = datetime.now(UTC) + timedelta(seconds=float(sys.argv[1]))
    sys.argv = ["orders-sync", *sys.argv[2:]]
    with time_machine.travel(wrong, tick=True):
        main()
