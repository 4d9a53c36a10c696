"""Names of coordinate frames, and the one place where axes of other conventions become `face_head` axes.

`face_head` (REP-103): x forward out of the face, y to the wearer's left, z up, origin midway between the ears.

In messages each wearer's frames begin with their ROS namespace, `alice/face_head` and `alice/imu_mentalis`, so that two
wearers share one tree of transforms; without a namespace the names stand alone.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

HEAD_FRAME = "face_head"

GRAVITY_M_S2 = 9.80665
"""Standard gravity (ISO 80000-3), m/s2."""

LONGEST_FRAME = 200
_FRAME = re.compile(r"[^\s/]+(/[^\s/]+)*")


def head_frame(namespace: str = "", given: str = "") -> str:
    """Frame of the head of the wearer in a ROS namespace.

    Args:
        namespace: absolute or relative; empty or `/`: none.
        given: a name that somebody chose; it is taken as it is, without the namespace.
    """
    return given or _within(namespace, HEAD_FRAME)


def sensor_frame(namespace: str, sensor: str) -> str:
    """Frame of a sensor of that wearer: `imu/<sensor>/data` carries it."""
    return _within(namespace, f"imu_{sensor}")


def checked_frame(name: str) -> str:
    """A frame's name as tf2 takes it.

    Raises:
        ValueError: it is empty, begins or ends with a slash, holds white space, or is too long.
    """
    if not _FRAME.fullmatch(name) or len(name) > LONGEST_FRAME:
        raise ValueError(
            f"expected the name of a frame such as alice/face_head, without white space and without / at its ends, "
            f"found {name[:LONGEST_FRAME]!r}; choose another"
        )
    return name


def _within(namespace: str, name: str) -> str:
    return "/".join(part for part in (namespace.strip("/"), name) if part)


def from_graphics(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Graphics axes (x to the face's left, y up, z out of the face), as ICT-FaceKit and ARKit use, to `face_head`.

    Shape (..., 3) either way; units unchanged; the origin is not moved.
    """
    return points[..., [2, 0, 1]]


def to_graphics(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """`face_head` axes to graphics axes, the inverse of `from_graphics`."""
    return points[..., [1, 2, 0]]
