"""Make text of platforms and users safe for a terminal: control characters are shown, not executed.

    C0 controls, DEL                      -> their pictures (U+2400 ...): an escape is a visible sign
    C1 controls, bidi, invisible marks,
    line and paragraph separators,
    lone surrogates                       -> <U+202E>

Buyers, sellers and anything that answers in place of a platform write this text: it must not move the cursor, clear
the screen, reach the clipboard, reverse the order of digits or be invisible in an id.
"""

from __future__ import annotations

import unicodedata

_CONTROL = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories; other unprintable ones are spaces or have no meaning


def visible(text: str, keep: str = "") -> str:
    """Replace characters that a terminal executes or hides, except those in `keep`."""
    if text.isprintable():
        return text
    return "".join(letter if letter in keep or not _is_control(letter) else _sign(letter) for letter in text)


def visible_json(document: str) -> str:
    """Escape such characters in a JSON document, which stays equivalent."""
    if document.isprintable():
        return document
    return "".join(c if c in "\n" or not _is_control(c) else _escape(ord(c)) for c in document)


def _is_control(letter: str) -> bool:
    return not letter.isprintable() and unicodedata.category(letter) in _CONTROL


def _sign(letter: str) -> str:
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def _escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000  # JSON writes what lies beyond as a pair of surrogates
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
