"""Reading the past one tick at a time: rings of rows, addressed by how many ticks a face has seen.

Letters: B faces, L slots of a ring, C channels of its rows. A ring's rows lie where they were written; nothing is ever
moved. The slot that this tick will write is never read: its age is 0 here, and it holds the oldest row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

HIDDEN = -1e4
"""Score of what must not be seen: its exponential is zero in float32, and float16 can hold it."""


@dataclass(frozen=True)
class RingShape:
    """Slots and channels of a ring; the number of slots is a power of two, so that all rings go round together."""

    length: int
    width: int


def ring_of(ticks: int, width: int) -> RingShape:
    """The smallest ring that holds the last `ticks` rows beside the slot that is written."""
    return RingShape(1 << ticks.bit_length(), width)


def ages(ticks: Tensor, length: int) -> Tensor:
    """Age in ticks of each slot's row, (B, L), from the ticks seen so far (B, 1); 0 for the slot to be written."""
    return torch.remainder(ticks - torch.arange(length, dtype=ticks.dtype, device=ticks.device), float(length))


def hidden(age: Tensor, ticks: Tensor, reach: int) -> Tensor:
    """(B, L) to be added to scores: `HIDDEN` for rows of the present slot, never written, or older than `reach`."""
    out = (age < 1.0) | (age > ticks) | (age > float(reach))
    return out.to(ticks.dtype) * HIDDEN


def row_back(ring: Tensor, ticks: Tensor, back: int) -> Tensor:
    """The row written `back` ticks ago, (B, L, C) -> (B, C); zeros if there was no such tick."""
    age = ages(ticks, int(ring.shape[1]))
    chosen = ((age == float(back)) & (age <= ticks)).to(ring.dtype)[:, None]  # (B, 1, L)
    # A product instead of an index: every engine has it, and rows are few.
    return (chosen @ ring)[:, 0]
