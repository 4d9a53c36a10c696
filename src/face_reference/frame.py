"""One picture of a face as a source reports it: the shape that all sources end in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_model import arkit

LARGEST_WEIGHT = 1.2
"""ARKit weights pass 1 by up to 0.08 in real files; what is beyond this is damage."""


@dataclass(frozen=True)
class ReferenceFrame:
    """One picture.

    Attributes:
        source: kind and name, e.g. "livelink iPhone of Ana".
        arrival_s: when it was there, on this machine's monotonic clock, s.
        number: of the picture by the source's own count; counted by the receiver where it has none.
        source_time_s: on the source's own clock; NaN if it has none.
        face_seen: whether a face was there; if not, the weights are zero and `seen` is False everywhere.
        weights: (52,) float32 in `arkit.BLENDSHAPES` order, 0 to 1.
        seen: (52,) bool, which of them the source measures.
        taken_s: when the picture was taken on this machine's monotonic clock, where the source knows it; else NaN.
        head: quaternion x, y, z, w of `face_head` to the source's frame (see `face_reference.head_frames`), None if it
            is not measured.
    """

    source: str
    arrival_s: float
    number: int
    source_time_s: float = math.nan
    face_seen: bool = False
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(arkit.COUNT, dtype=np.float32))
    seen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(arkit.COUNT, dtype=np.bool_))
    taken_s: float = math.nan
    head: tuple[float, float, float, float] | None = None
