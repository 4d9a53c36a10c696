"""Numbers of samples, which are 32 bits wide and begin anew when a hub does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MODULUS: Final = 1 << 32


def comes_after(sequence: int, other: int) -> bool:
    """Whether a sample comes after another one of the same hub, also where the numbers wrapped between them."""
    return 0 < (sequence - other) % MODULUS < MODULUS // 2


def between(sequence: int, other: int, most: int = 1000) -> Iterator[int]:
    """Numbers after one sample and before another, at most so many."""
    for step in range(1, min((other - sequence) % MODULUS, most + 1)):
        yield (sequence + step) % MODULUS
