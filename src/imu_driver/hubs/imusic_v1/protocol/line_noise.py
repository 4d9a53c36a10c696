"""Many pieces too short for a packet, counted at once: noise holds a delimiter in every few bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

LEAST_FRAME: Final = 7
"""Fewest bytes of a frame that can hold a packet: version, type, CRC-32, one byte of COBS."""


@dataclass(frozen=True)
class Noise:
    """What a piece of noise holds.

    Attributes:
        frames: of at least `LEAST_FRAME` bytes, in order.
        bad_cobs: shorter ones that are no COBS.
        short: shorter ones that are.
        newest: the last of those that are not in `frames`; empty if there is none.
    """

    frames: list[bytes]
    bad_cobs: int
    short: int
    newest: bytes


def sieve(data: bytes) -> Noise:
    """Sort what lies between the delimiters in `data`; empty frames are not counted."""
    values = np.frombuffer(data, np.uint8)
    ends = np.append(np.flatnonzero(values == 0), len(values))
    starts = np.concatenate(([0], ends[:-1] + 1))
    sizes = ends - starts
    tiny = np.flatnonzero((sizes > 0) & (sizes < LEAST_FRAME))
    at, end = starts[tiny], ends[tiny]
    newest = data[at[-1] : end[-1]] if len(tiny) else b""
    short = 0
    while len(at):
        # Each code of COBS says where the next one stands; the last must point to the end and not beyond it.
        at = at + values[at]
        short += int(np.count_nonzero(at == end))
        inside = at < end
        at, end = at[inside], end[inside]
    large = np.flatnonzero(sizes >= LEAST_FRAME)
    frames = [data[i:j] for i, j in zip(starts[large].tolist(), ends[large].tolist(), strict=True)]
    return Noise(frames, len(tiny) - short, short, newest)
