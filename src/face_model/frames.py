"""The one place where axes of other conventions become `face_head` axes.

`face_head` (REP-103): x forward out of the face, y to the wearer's left, z up, origin midway between the ears.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEAD_FRAME = "face_head"

GRAVITY_M_S2 = 9.80665
"""Standard gravity (ISO 80000-3), m/s2."""


def from_graphics(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Graphics axes (x to the face's left, y up, z out of the face), as ICT-FaceKit and ARKit use, to `face_head`.

    Shape (..., 3) either way; units unchanged; the origin is not moved.
    """
    return points[..., [2, 0, 1]]


def to_graphics(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """`face_head` axes to graphics axes, the inverse of `from_graphics`."""
    return points[..., [1, 2, 0]]
