"""Half a part of the head: what lies at y >= 0, to be mirrored, and what the shapes need to know of each vertex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class Region(IntEnum):
    """What a vertex belongs to, for the shapes."""

    SKIN = 0
    LID = 1
    """Skin around an eye, in rings from the lid margin (s = 0) to the face (s = 1)."""
    SOCKET = 2
    """Behind the lid margin, hidden by the eyeball."""
    LIP = 3
    """Skin around the mouth: s is 0 where the lips meet, 1 at the edge of the red, 2 at the face."""
    MOUTH = 4
    """Inside of the lips and the mouth's lining; s from 0 at the lips to 1 at the throat."""
    BROW = 5
    EAR = 6
    EYE = 7
    TEETH_UPPER = 8
    TEETH_LOWER = 9
    TONGUE = 10


@dataclass
class Half:
    """Vertices of one part at y >= 0, in construction millimetres.

    Attributes:
        points: (N, 3).
        triangles: (M, 3), counter-clockwise from outside.
        region: (N,) `Region`.
        t, v: (N,) where on the head's surface; NaN off the skin.
        s, phi: (N,) place in the rings of a lid, a lip or a socket (see `Region`); phi 0 at the outer corner,
            pi/2 at the top; NaN elsewhere.
        color: (N, 3) sRGB 0 to 255.
        on_midline: (N,) vertices that have no mirror image.
    """

    points: Array
    triangles: Indices
    region: Indices
    color: Array
    t: Array = field(default_factory=lambda: np.empty(0))
    v: Array = field(default_factory=lambda: np.empty(0))
    s: Array = field(default_factory=lambda: np.empty(0))
    phi: Array = field(default_factory=lambda: np.empty(0))
    on_midline: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))

    def __post_init__(self) -> None:
        count = len(self.points)
        for name in ("t", "v", "s", "phi"):
            if not len(getattr(self, name)):
                setattr(self, name, np.full(count, np.nan))
        if not len(self.on_midline):
            self.on_midline = np.abs(self.points[:, 1]) < 1e-9


def strip(lower: Indices, upper: Indices, *, closed: bool) -> Indices:
    """Two triangles per step between two lines of equally many vertices, (2 * steps, 3).

    Counter-clockwise seen from the side where `lower` runs to the right with `upper` above it.
    """
    if closed:
        lower, upper = np.append(lower, lower[0]), np.append(upper, upper[0])
    a, b, c, d = lower[:-1], lower[1:], upper[:-1], upper[1:]
    return np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])


def strips(lines: Sequence[Indices], *, closed: bool) -> Indices:
    """`strip` between each line and the next."""
    return np.concatenate([strip(a, b, closed=closed) for a, b in pairwise(lines)])


def fan(line: Indices, tip: int, *, closed: bool) -> Indices:
    """Triangles from a line to one vertex, which lies where `strip` has its upper line."""
    ring = np.append(line, line[0]) if closed else line
    return np.stack([ring[:-1], ring[1:], np.full(len(ring) - 1, tip)], axis=1)


def smoothstep(start: float, end: float, x: Array | float) -> Array:
    """0 before `start`, 1 after `end`, smooth between."""
    u = np.clip((np.asarray(x, dtype=float) - start) / (end - start), 0.0, 1.0)
    eased: Array = u * u * (3.0 - 2.0 * u)
    return eased
