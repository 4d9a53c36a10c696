"""One convention for the head."""

from __future__ import annotations

import numpy as np
import pytest

from face_model.livelink_packet import head_orientation
from face_reference.head_frames import from_camera_matrix


def test_a_camera_matrix_in_graphics_axes() -> None:
    c, s = np.cos(0.3), np.sin(0.3)
    about_up = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])  # z, out of the face, towards x, its left
    np.testing.assert_allclose(from_camera_matrix(about_up), head_orientation(0.3, 0.0, 0.0), atol=1e-9)
    assert from_camera_matrix(np.eye(3)) == pytest.approx((0.0, 0.0, 0.0, 1.0))
