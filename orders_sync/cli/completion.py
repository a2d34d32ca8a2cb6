"""`orders-sync completion`: a script with which a shell completes commands, options and names of accounts."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]

PROGRAM = "orders-sync"
VARIABLE = "_ORDERS_SYNC_COMPLETE"  # set by the script when the shell asks for completions


class Shell(StrEnum):
    """Shells that a script can be made for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print a script that completes commands, options and account names. Save it where the shell looks for it."""
    print(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell))


def is_asked() -> bool:
    """Tell whether a shell asks for completions, and prepare to answer."""
    if VARIABLE not in os.environ:
        return False
    completion_init()
    return True
