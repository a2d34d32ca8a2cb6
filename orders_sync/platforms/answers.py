"""What an answer means that is no success. No platform publishes its codes (api-facts 7), so lists of words decide."""

from __future__ import annotations

from orders_sync.domain.accounts import Account
from orders_sync.domain.errors import PlatformError, Refused, Throttled, Transient

_LONGEST_MESSAGE = 300


def failure(
    account: Account, code: str, message: object, refused: tuple[str, ...], throttled: tuple[str, ...]
) -> PlatformError:
    """`Refused` or `Throttled` where the account's list of codes says so (the platform's, if it has none), else
    `Transient`: a code without a meaning known to us is worth another try. The text shows no credential (P8)."""
    said = "" if message is None else str(message)
    shown = account.hushed(code)[:_LONGEST_MESSAGE]
    text = f"the platform answers code {shown}: {account.hushed(said)[:_LONGEST_MESSAGE] or 'no message'}"
    if _is_one_of(account.refused_codes or refused, code, said):
        return Refused(text, code=shown)
    if _is_one_of(account.throttled_codes or throttled, code, said):
        return Throttled(text, code=shown)
    return Transient(text, code=shown)


def _is_one_of(words: tuple[str, ...], code: str, message: str) -> bool:
    """The code equals a word, or the message holds it, in whatever case. Plain numbers are looked for in codes only: an
    order number in a message may hold any."""
    code, message = code.casefold(), message.casefold()
    folded = [word.casefold() for word in words if word]
    return any(word == code or (word in message and not word.isdigit()) for word in folded)
