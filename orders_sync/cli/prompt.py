"""Questions to the user of a command."""

from __future__ import annotations

import sys

from orders_sync.cli import output
from orders_sync.domain.errors import DeclinedError


def confirm(question: str) -> None:
    """Ask on standard error. Raises `DeclinedError` for any answer but yes, where nobody answers, and with --json."""
    if output.is_json():
        raise DeclinedError(f"nothing was done: with --json, --yes must confirm it ({question})")
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print(file=sys.stderr)
        raise DeclinedError("nothing was done: nobody answered. --yes answers beforehand")
    if answer.strip().lower() not in ("y", "yes"):
        raise DeclinedError("nothing was done: it was not confirmed")
