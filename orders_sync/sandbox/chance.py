"""Random draws that can be repeated. Nothing here is a secret."""

from __future__ import annotations

from random import Random
from typing import TypeVar

T = TypeVar("T")


def dice(seed: int | str) -> Random:
    """A generator of its own: the same seed, the same draws, on every machine."""
    return Random(seed)  # noqa: S311


def pick(rng: Random, options: tuple[T, ...] | list[T]) -> T:
    """One of them; quicker than Random.choice."""
    return options[int(rng.random() * len(options))]
