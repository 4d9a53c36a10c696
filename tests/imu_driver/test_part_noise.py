"""Covariances from datasheets."""

from __future__ import annotations

import math

import pytest

from face_model.frames import GRAVITY_M_S2
from imu_driver.part_noise import part_noise


def test_white_noise_is_density_by_bandwidth_as_the_simulated_part_has_it() -> None:
    np = pytest.importorskip("numpy")
    from imu_sim.chips.parts import load_part
    from imu_sim.chips.sensor import SensorBank

    part = load_part("QMI8658")
    noise = part_noise("QMI8658")
    assert noise is not None
    still = np.zeros((4000, 4, 3))
    force = still + np.array([0.0, 0.0, GRAVITY_M_S2])
    read = SensorBank(part, 4, 1000.0, 10, np.random.default_rng(1)).measure(still, force)
    assert np.diff(read.angular_velocity[50:], axis=0).var() / 2.0 == pytest.approx(noise.rate, rel=0.35)
    assert np.diff(read.specific_force[50:], axis=0).var() / 2.0 == pytest.approx(noise.force, rel=0.35)


@pytest.mark.parametrize(("part", "rate_dps", "force_mg"), [("QMI8658", 0.115, 1.54), ("ICM-42688-P", 0.022, 0.55)])
def test_the_parts_of_the_issue(part: str, rate_dps: float, force_mg: float) -> None:
    noise = part_noise(part)
    assert noise is not None
    assert math.degrees(math.sqrt(noise.rate)) == pytest.approx(rate_dps, rel=0.02)
    assert math.sqrt(noise.force) / GRAVITY_M_S2 * 1e3 == pytest.approx(force_mg, rel=0.02)
    assert 0.01 < math.sqrt(noise.inclination) < 0.06


@pytest.mark.parametrize("name", ["", "unknown", "../layouts/face_12", "QMC5883P", "QMI 8658", "a\0b", "\u00e4"])
def test_of_what_is_not_known_nothing_is_made_up(name: str) -> None:
    assert part_noise(name) is None


@pytest.mark.ros
def test_messages_have_them_as_rep_145_and_sensor_msgs_ask() -> None:
    pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    import numpy as np
    from builtin_interfaces.msg import Time

    from face_model.imu_sample import STATUS_MISSING, STATUS_ORIENTATION_VALID, STATUS_VALID, ImuSample
    from imu_driver.messages import imu_message

    status = np.array([STATUS_VALID | STATUS_ORIENTATION_VALID, STATUS_VALID, STATUS_MISSING], np.uint8)
    level = np.tile(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (3, 1))
    three = np.zeros((3, 3), np.float32)
    sample = ImuSample(1, 0, 0.0, status, level, three, three, 1.0, 1.0)
    noise = part_noise("QMI8658")
    assert noise is not None
    whole = imu_message(sample, 0, Time(), "imu_skull", noise)
    np.testing.assert_array_equal(np.reshape(whole.angular_velocity_covariance, (3, 3)), np.eye(3) * noise.rate)
    np.testing.assert_array_equal(np.reshape(whole.linear_acceleration_covariance, (3, 3)), np.eye(3) * noise.force)
    turned = np.reshape(whole.orientation_covariance, (3, 3))
    np.testing.assert_allclose(turned, np.diag([noise.inclination, noise.inclination, math.pi**2 / 3.0]))
    without = imu_message(sample, 1, Time(), "imu_skull", noise)
    assert without.orientation_covariance[0] == -1.0
    assert without.angular_velocity_covariance[0] == noise.rate
    assert imu_message(sample, 2, Time(), "imu_skull", noise) is None
    unknown = imu_message(sample, 0, Time(), "imu_skull")
    assert not np.any(unknown.orientation_covariance)
    assert not np.any(unknown.angular_velocity_covariance)
