"""Repeatable random numbers. None of them is used as a secret."""

from __future__ import annotations

from random import Random
from typing import TypeVar

T = TypeVar("T")


def seeded_rng(seed: int | str) -> Random:
    """Return a new generator; equal seeds give equal sequences on every machine."""
    return Random(seed)  # noqa: S311


def pick(rng: Random, options: tuple[T, ...] | list[T]) -> T:
    """Return a random element of a non-empty sequence. Faster than `Random.choice`."""
    return options[int(rng.random() * len(options))]
