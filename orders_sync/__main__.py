"""Where a command begins: `orders-sync`, or `python -m orders_sync`."""

from __future__ import annotations

import gc
import os
import signal
import sys


def main() -> None:
    """The console script; exit codes as in `cli.main`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules are imported ends it, without a traceback
    _open_standard_streams()
    gc.disable()  # nothing of what is imported is garbage, and looking for it takes a tenth of the start
    from orders_sync import cli

    gc.freeze()  # it stays: the collector need not walk it again and again, nor at the exit
    gc.enable()
    cli.main()


def _open_standard_streams() -> None:
    """Let a stream that was closed (`>&-`) lead nowhere: its number would be given to the next socket, written to."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


if __name__ == "__main__":
    main()
