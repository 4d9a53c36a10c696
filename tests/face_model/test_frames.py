"""Axes of other conventions to face_head and back."""

from __future__ import annotations

import numpy as np

from face_model.frames import from_graphics, to_graphics


def test_out_of_the_face_is_x() -> None:
    assert np.array_equal(from_graphics(np.array([0.0, 0.0, 1.0])), [1.0, 0.0, 0.0])


def test_left_of_the_face_is_y() -> None:
    assert np.array_equal(from_graphics(np.array([1.0, 0.0, 0.0])), [0.0, 1.0, 0.0])


def test_up_is_z() -> None:
    assert np.array_equal(from_graphics(np.array([0.0, 1.0, 0.0])), [0.0, 0.0, 1.0])


def test_round_trip_keeps_points_and_handedness() -> None:
    points = np.random.default_rng(0).normal(size=(5, 7, 3))
    assert np.array_equal(to_graphics(from_graphics(points)), points)
    assert np.linalg.det(from_graphics(np.eye(3))) > 0.0
