from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.fusion import OrientationFusion, oversampling

RATE_HZ = 200.0


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
