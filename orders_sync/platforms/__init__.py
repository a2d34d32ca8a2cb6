"""One package per API. `PLATFORMS` is all that are installed, by the name used in settings and tables.

A platform is found by its entry point, `[project.entry-points."orders_sync.platforms"]`: ours stand in pyproject.toml,
somebody else's in the pyproject.toml of a package of their own. docs/adding-a-platform.md says what to write.
"""

from orders_sync.domain.messages import MessageContent
from orders_sync.domain.records import Head
from orders_sync.platforms.contract import MessageService, Page, PageQuery, Platform, Simulation
from orders_sync.platforms.registry import load_installed

PLATFORMS, UNUSABLE = load_installed()  # UNUSABLE: why an installed platform cannot be used, by the name of its entry

__all__ = [
    "PLATFORMS",
    "UNUSABLE",
    "Head",
    "MessageContent",
    "MessageService",
    "Page",
    "PageQuery",
    "Platform",
    "Simulation",
]
