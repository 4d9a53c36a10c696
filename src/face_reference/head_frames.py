"""The head's orientation as sources give it, and what the message says: one place for these conventions.

The message's quaternion turns `face_head` (REP-103: x out of the face, y to the wearer's left, z up) into the source's
view: x from the camera's picture towards the wearer reversed, that is the way a face that looks straight into the
camera looks; y to that face's left, z up in the picture. A face that looks into the camera has the identity.

The signs of Live Link Face are its own: `face_model.livelink_packet`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from face_model.frames import from_graphics

Quaternion = tuple[float, float, float, float]


def from_camera_matrix(matrix: NDArray[np.floating]) -> Quaternion:
    """From a rotation (3, 3) of a face's axes (x to its left, y up, z out of it) into a camera's that looks along -z.

    As MediaPipe's facial transformation matrix has it: both are graphics axes, and a face that looks into the camera
    has the identity.
    """
    turn = np.asarray(matrix, dtype=np.float64)
    axes = from_graphics(np.eye(3)).T  # columns: graphics axes in face_head
    return _tuple(rotation.from_matrix(axes @ turn @ axes.T))


def _tuple(quaternion: NDArray[np.floating]) -> Quaternion:
    x, y, z, w = (float(value) for value in rotation.normalise(np.asarray(quaternion, dtype=np.float64)))
    return x, y, z, w
