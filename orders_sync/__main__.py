"""The entry point of `orders-sync` and `python -m orders_sync`."""

from __future__ import annotations

import gc
import os
import signal
import sys

OBJECTS_PER_COLLECTION = 100_000  # rows are made by the ten thousand and hold no cycles


def main() -> None:
    """Run the command line. Exit codes: as in `cli.EXIT_CODES`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during imports ends the process, without a traceback
    _open_standard_streams()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    from orders_sync import cli  # here: after the signal and the streams are set up

    gc.freeze()  # imported objects are never garbage; saves a quarter of an idle `sync`, most of it the walk at exit
    cli.main()


def _open_standard_streams() -> None:
    """Open closed standard streams (`>&-`) on /dev/null, lest a socket get their number and be written to."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


if __name__ == "__main__":
    main()
