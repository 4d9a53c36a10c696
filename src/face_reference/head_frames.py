"""The head's orientation as sources give it, and what the message says: one place for these conventions.

The message's quaternion turns `face_head` (REP-103: x out of the face, y to the wearer's left, z up) into the source's
view: x from the camera's picture towards the wearer reversed, that is the way a face that looks straight into the
camera looks; y to that face's left, z up in the picture. A face that looks into the camera has the identity.

Positive angles in degrees or rad, as they are given out by the sources and meant here:
yaw: about z, the face turns to its left; pitch: about y, the face looks down; roll: about x, the face leans to its
right (all right-handed in `face_head` axes). Applied yaw first, then pitch, then roll: q = yaw * pitch * roll.

Live Link Face publishes no convention: that its yaw, pitch and roll are about up, ear axis and nose axis, in that
order, is read from how others use them, their signs are not confirmed. Who needs the head's absolute orientation from
a phone checks the signs once by nodding and turning.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import rotation
from face_model.frames import from_graphics

Quaternion = tuple[float, float, float, float]


def from_angles(yaw: float, pitch: float, roll: float) -> Quaternion:
    """From angles in rad, see the module's text."""
    z, y, x = (rotation.from_vector(np.eye(3)[axis] * angle) for axis, angle in ((2, yaw), (1, pitch), (0, roll)))
    return _tuple(rotation.multiply(rotation.multiply(z, y), x))


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
