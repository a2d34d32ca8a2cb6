"""Every command of the program, subcommands included, by its path of words."""

from __future__ import annotations

from typing import Any


def commands(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return a command and all below it, by the words after `orders-sync`."""
    found = {path: command}
    for name, each in getattr(command, "commands", {}).items():
        found |= commands(each, (*path, name))
    return found


def leaves(command: Any) -> list[tuple[str, ...]]:
    """Return those that do something: no group, unless it does so by itself, as `audit`."""
    return [
        path
        for path, each in commands(command).items()
        if path and (not hasattr(each, "commands") or each.invoke_without_command)
    ]
