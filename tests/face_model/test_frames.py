"""Axes of other conventions to face_head and back."""

from __future__ import annotations

import numpy as np
import pytest

from face_model.frames import checked_frame, from_graphics, head_frame, sensor_frame, to_graphics


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


@pytest.mark.parametrize(
    ("namespace", "head", "sensor"),
    [
        ("", "face_head", "imu_mentalis"),
        ("/", "face_head", "imu_mentalis"),
        ("/alice", "alice/face_head", "alice/imu_mentalis"),
        ("lab/bob/", "lab/bob/face_head", "lab/bob/imu_mentalis"),
    ],
)
def test_frames_begin_with_the_wearers_namespace(namespace: str, head: str, sensor: str) -> None:
    assert head_frame(namespace) == checked_frame(head) == head
    assert sensor_frame(namespace, "mentalis") == checked_frame(sensor) == sensor
    assert head_frame(namespace, "robot/head") == "robot/head"


@pytest.mark.parametrize("name", ["", "/face_head", "face_head/", "a//b", "face head", "a\nb", "x" * 201])
def test_what_tf2_takes_for_no_frame_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected the name of a frame"):
        checked_frame(name)
