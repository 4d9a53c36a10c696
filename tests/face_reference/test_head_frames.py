"""One convention for the head."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from face_reference.head_frames import from_angles, from_camera_matrix


def test_angles_turn_as_they_say() -> None:
    ahead = np.array([1.0, 0.0, 0.0])
    assert rotation.rotate(np.array(from_angles(0.3, 0.0, 0.0)), ahead)[1] > 0.0  # to the wearer's left
    assert rotation.rotate(np.array(from_angles(0.0, 0.3, 0.0)), ahead)[2] < 0.0  # down
    left = np.array([0.0, 1.0, 0.0])
    assert rotation.rotate(np.array(from_angles(0.0, 0.0, 0.3)), left)[2] > 0.0  # leans to the right
    assert from_angles(0.0, 0.0, 0.0) == pytest.approx((0.0, 0.0, 0.0, 1.0))


def test_a_camera_matrix_in_graphics_axes() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    about_up = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])  # z, out of the face, towards x, its left
    np.testing.assert_allclose(from_camera_matrix(about_up), from_angles(0.3, 0.0, 0.0), atol=1e-9)
    assert from_camera_matrix(np.eye(3)) == pytest.approx((0.0, 0.0, 0.0, 1.0))
