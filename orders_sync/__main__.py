"""Where a command begins: `orders-sync`, or `python -m orders_sync`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """The console script; exit codes as in `cli.main`."""
    gc.disable()  # nothing of what is imported is garbage, and looking for it takes a tenth of the start
    # httpx's own command, and with it click and pygments, which nobody here calls: httpx does without where it is
    # missing, and None is how an import is told so
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    from orders_sync import cli

    gc.freeze()  # it stays: the collector need not walk it again and again, nor at the exit
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
