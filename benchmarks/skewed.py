"""`orders-sync` on a machine whose clock is wrong: python benchmarks/skewed.py SECONDS COMMAND...

Every clock Python can be asked for the date is off by so much; the one that measures time runs on.
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
