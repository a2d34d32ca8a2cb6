"""The entry point of `orders-sync` and `python -m orders_sync`."""

from __future__ import annotations

import gc
import os
import signal
import sys

OBJECTS_PER_COLLECTION = 100_000  # rows are made by the ten thousand and hold no cycles


def main() -> None:
    """Run the command line. Exit codes: as in `cli/exit_codes.py`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during imports ends the process, without a traceback
    _open_standard_streams()
    gc.disable()  # until the command is imported
    from orders_sync import cli  # here: after the signal and the streams are set up

    cli.main(on_imported=_collect_garbage)


def _collect_garbage() -> None:
    """Start garbage collection; what is imported is never garbage, and is not walked for any, at the exit neither."""
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    gc.enable()


def _open_standard_streams() -> None:
    """Open closed standard streams (`>&-`) on /dev/null, so that no socket gets their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


if __name__ == "__main__":
    main()
