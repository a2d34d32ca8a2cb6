"""Secret text: the type marks what is kept in variables and files, never shown, and redacted in logs (P8)."""

from __future__ import annotations


class Secret:
    """Text that no repr, no log line and no traceback shows.

    A field of this type in a settings model needs no other mention anywhere: where it is read from and what logs
    redact follow from the type.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
