"""REP-155's frames of a face on the shipped head."""

from __future__ import annotations

import numpy as np

from face_hri.head_points import AHEAD, OPTICAL, SELLION_M
from face_model import rotation
from face_model.faces import load_rig


def test_the_sellion_is_the_deepest_point_between_nose_and_forehead() -> None:
    head = load_rig("head").neutral
    middle = head[np.abs(head[:, 1]) < 0.002]

    def front(z_m: float) -> float:
        return float(middle[np.abs(middle[:, 2] - z_m) < 0.003, 0].max())

    x, y, z = SELLION_M
    assert y == 0.0
    assert abs(front(z) - x) < 0.003
    assert front(z - 0.03) > front(z) + 0.005, "the nose"
    assert front(z + 0.02) > front(z), "the forehead"


def test_the_gaze_is_an_optical_frame_that_looks_out_of_the_face() -> None:
    axes = rotation.rotate(np.array(OPTICAL), np.eye(3))
    assert np.allclose(axes, [[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])  # right, down, ahead
    assert np.allclose(rotation.rotate(np.array(AHEAD), np.eye(3)), np.eye(3))
