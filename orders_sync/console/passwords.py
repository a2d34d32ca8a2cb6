"""Passwords as scrypt hashes, and tokens that nobody can guess."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets

COST, BLOCK, PARALLEL = 2**14, 8, 1  # 16 MB and some 50 ms a hash
LONGEST = 1024  # characters of a password: hashing more is work for nothing


def new_token() -> str:
    """Return a random token of 144 bits, in 24 letters, digits, - and _."""
    return secrets.token_urlsafe(18)


def hashed(password: str) -> str:
    """Return the hash of a password, with its parameters and a salt of its own."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, COST, BLOCK, PARALLEL)
    return "$".join(["scrypt", str(COST), str(BLOCK), str(PARALLEL), _text(salt), _text(digest)])


async def is_right(password: str, stored: str | None) -> bool:
    """Return whether a password has this hash. Without a hash it takes as long, and is wrong."""
    right = await asyncio.to_thread(_is_right, password[:LONGEST], stored or _dummy_hash())
    return right and stored is not None


def _is_right(password: str, stored: str) -> bool:
    _, cost, block, parallel, salt, digest = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(found, base64.b64decode(digest))


def _dummy_hash() -> str:
    return "$".join(["scrypt", str(COST), str(BLOCK), str(PARALLEL), _text(bytes(16)), _text(bytes(32))])


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=parallel, maxmem=2**26, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
