"""The complete commented example of a settings file."""

from __future__ import annotations

from pathlib import Path

NAME = "orders_sync.example.toml"
PACKAGE = Path(__file__).resolve().parent.parent


def example() -> str:
    """Return the text of the example, which is valid as it is."""
    packed = PACKAGE / NAME  # in a wheel; in a checkout it stands beside the package
    return (packed if packed.is_file() else PACKAGE.parent / NAME).read_text(encoding="utf-8")
