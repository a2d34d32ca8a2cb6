"""Secret text: the type marks what is kept in variables and files, never shown, and redacted in logs (P8)."""

from __future__ import annotations

from collections.abc import Callable


class Secret:
    """Text that no repr, no log line and no traceback shows.

    A field of this type in a settings model needs no other mention anywhere: where it is read from and what logs
    redact follow from the type. `text`: the text, or a function that reads it when it is first needed and raises
    `SettingsError` if it cannot. `place`: where it is found, for people.
    """

    __slots__ = ("_text", "place")

    def __init__(self, text: str | Callable[[], str], place: str = "") -> None:
        self._text = text
        self.place = place

    def reveal(self) -> str:
        """Return the text itself, which is read once. Raises `SettingsError` if it cannot be read."""
        if not isinstance(self._text, str):
            self._text = self._text()
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
