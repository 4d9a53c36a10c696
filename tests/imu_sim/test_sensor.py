from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.fusion import OrientationFusion, oversampling
from imu_sim.sensor import SensorBank, SensorModel, perfect_sensor

RATE_HZ = 200.0


def at_rest(samples: int, sensors: int = 2) -> tuple[np.ndarray, np.ndarray]:
    gyro = np.zeros((samples, sensors, 3))
    return gyro, gyro + np.array([0.0, 0.0, GRAVITY_M_S2])


def test_noise_has_the_density_of_the_datasheet() -> None:
    model = SensorModel(gyro_walk_rad_s_rts=0.0)
    measured = SensorBank(model, 2, RATE_HZ, np.random.default_rng(1)).measure(*at_rest(40000))
    expected = (
        (measured.angular_velocity, np.deg2rad(0.015) * np.sqrt(RATE_HZ / 2.0)),
        (measured.specific_force, 200e-6 * GRAVITY_M_S2 * np.sqrt(RATE_HZ / 2.0)),
    )
    for signal, sigma in expected:
        np.testing.assert_allclose(signal.std(axis=0), sigma, rtol=0.03)


def test_bias_differs_between_units_and_walks() -> None:
    model = SensorModel(gyro_noise_rad_s_rthz=0.0, gyro_walk_rad_s_rts=0.01)
    bank = SensorBank(model, 400, RATE_HZ, np.random.default_rng(2))
    before = bank.gyro_bias
    assert before.std() == pytest.approx(model.gyro_bias_rad_s, rel=0.1)
    bank.measure(*at_rest(800, 400))
    # A random walk of 0.01 rad/s/sqrt(s) over four seconds.
    assert (bank.gyro_bias - before).std() == pytest.approx(0.02, rel=0.1)


def test_saturation_is_clipped_and_told() -> None:
    gyro, accel = at_rest(3)
    gyro[1, 0, 2], accel[2, 1, 0] = -30.0, 90.0
    measured = SensorBank(perfect_sensor(), 2, RATE_HZ, np.random.default_rng(3)).measure(gyro, accel)
    assert measured.angular_velocity[1, 0, 2] == pytest.approx(-np.deg2rad(1024))
    assert measured.specific_force[2, 1, 0] == pytest.approx(8 * GRAVITY_M_S2)
    np.testing.assert_array_equal(np.argwhere(measured.gyro_saturated), [[1, 0]])
    np.testing.assert_array_equal(np.argwhere(measured.accel_saturated), [[2, 1]])


def test_perfect_sensor_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    gyro, accel = rng.normal(0.0, 1.0, (50, 3, 3)), rng.normal(0.0, 9.0, (50, 3, 3))
    measured = SensorBank(perfect_sensor(), 3, RATE_HZ, rng).measure(gyro, accel)
    np.testing.assert_array_equal(measured.angular_velocity, gyro)
    np.testing.assert_array_equal(measured.specific_force, accel)


def test_any_split_of_the_stream_gives_the_same_values() -> None:
    rng = np.random.default_rng(5)
    gyro, accel = rng.normal(0.0, 1.0, (120, 2, 3)), rng.normal(0.0, 9.0, (120, 2, 3))
    whole = SensorBank(SensorModel(), 2, RATE_HZ, np.random.default_rng(6)).measure(gyro, accel)
    bank = SensorBank(SensorModel(), 2, RATE_HZ, np.random.default_rng(6))
    parts = [bank.measure(gyro[a:b], accel[a:b]) for a, b in ((0, 1), (1, 50), (50, 50), (50, 120))]
    for name in ("angular_velocity", "specific_force", "gyro_saturated"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-12)


def test_fusion_finds_up_and_keeps_it_while_turning() -> None:
    samples = 2000
    times = np.arange(samples) / RATE_HZ
    turn = rotation.from_vector(np.outer(0.8 * times, [0.0, 0.0, 1.0]))
    mount = rotation.from_vector(np.array([0.4, -0.3, 0.2]))
    truth = rotation.multiply(turn, np.broadcast_to(mount, turn.shape))
    gyro = np.broadcast_to(rotation.rotate(rotation.conjugate(mount), np.array([0.0, 0.0, 0.8])), (samples, 1, 3))
    accel = rotation.rotate(rotation.conjugate(truth), np.array([0.0, 0.0, GRAVITY_M_S2]))[:, None]
    found = OrientationFusion(1, RATE_HZ).update(gyro, accel)[:, 0]
    # Sensor to earth, z up; the heading starts anywhere but then follows the turn.
    up = rotation.rotate(found, rotation.rotate(rotation.conjugate(truth), np.array([0.0, 0.0, 1.0])))
    np.testing.assert_allclose(up, np.broadcast_to([0.0, 0.0, 1.0], up.shape), atol=2e-3)
    offset = rotation.multiply(found, rotation.conjugate(truth))
    moved = rotation.to_vector(rotation.multiply(offset, np.broadcast_to(rotation.conjugate(offset[0]), offset.shape)))
    assert np.abs(moved).max() < 0.02


@pytest.mark.parametrize(("rate_hz", "expected"), [(60, 4), (100, 2), (199, 2), (200, 1), (400, 1)])
def test_sensors_are_read_at_200_hz_or_more(rate_hz: float, expected: int) -> None:
    assert oversampling(rate_hz) == expected
