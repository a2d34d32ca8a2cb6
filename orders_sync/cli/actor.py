"""The person who runs a command, for the record of what people did."""

from __future__ import annotations

import getpass
import os

from orders_sync.domain.activity import Actor, Origin
from orders_sync.settings.loading import USER


def current() -> Actor:
    """Return who runs this command: ORDERS_SYNC_USER, else the user of the shell, behind sudo who called it."""
    try:
        name = os.environ.get(USER) or os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        name = f"user {os.getuid()}"
    return Actor(name, Origin.CLI)
