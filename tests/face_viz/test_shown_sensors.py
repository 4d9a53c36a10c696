"""Sensors on a face, and how their states are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import imu_sample
from face_model.layout import Sensor, SkullPose
from face_model.rig import FaceRig
from face_viz.shown_sensors import SensorStatus, on_rig

SKULL = SkullPose((0.0, 0.07, 0.0), (0.0, 0.0, 0.0, 1.0))


def on_skull(name: str) -> Sensor:
    return Sensor(0, name, "none", "midline", None, SKULL, True)


def on_skin(name: str, place: tuple[float, float]) -> Sensor:
    return Sensor(len(name), name, "mentalis", "midline", place, None)


def on_a_vertex(rig: FaceRig) -> tuple[float, float]:
    """A place that this face has."""
    pupils = rig.neutral[[rig.landmarks["pupil_left"], rig.landmarks["pupil_right"]]]
    mouth = rig.neutral[[rig.landmarks["mouth_corner_left"], rig.landmarks["mouth_corner_right"]]]
    target, height = rig.neutral[40], pupils[:, 2].mean()
    lateral = 0.5 * (pupils[0, 1] - pupils[1, 1])
    return float(target[1] / lateral), float((target[2] - height) / (height - mouth[:, 2].mean()))


def test_they_lie_on_the_face_and_keep_their_states(small_rig: FaceRig) -> None:
    sensors = [on_skull("skull"), on_skin("chin", on_a_vertex(small_rig))]
    shown = on_rig(small_rig, "two", sensors, [SensorStatus.VALID, SensorStatus.MISSING])
    assert [info.name for info in shown.infos()] == ["skull", "chin"]
    assert shown.statuses.tolist() == [0, 2]
    poses = shown.poses(np.zeros(52, np.float32))
    assert poses[0, :3] == pytest.approx(SKULL.position_m)
    assert np.linalg.norm(poses[1, :3] - small_rig.neutral[40]) < 0.02
    assert shown.with_statuses([SensorStatus.FAULTY, SensorStatus.VALID]).statuses.tolist() == [1, 0]


def test_without_a_reference_nothing_can_be_drawn(small_rig: FaceRig) -> None:
    with pytest.raises(ValueError, match="reference"):
        on_rig(small_rig, "none", [], [])


def test_states_follow_from_the_status_bits() -> None:
    assert SensorStatus.of(imu_sample.STATUS_USABLE) is SensorStatus.VALID
    assert SensorStatus.of(imu_sample.STATUS_USABLE | imu_sample.STATUS_GYRO_SATURATED) is SensorStatus.VALID
    assert SensorStatus.of(imu_sample.STATUS_FAULT | imu_sample.STATUS_VALID) is SensorStatus.FAULTY
    assert SensorStatus.of(imu_sample.STATUS_MISSING) is SensorStatus.MISSING
