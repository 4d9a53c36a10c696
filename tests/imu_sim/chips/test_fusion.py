from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from face_model import rotation
from face_model.frames import GRAVITY_M_S2
from imu_sim.chips.fusion import OrientationFusion, oversampling
from imu_sim.chips.magnetometer import MagneticScene, MagnetometerBank
from imu_sim.chips.parts import load_magnetometer, load_part
from imu_sim.chips.sensor import SensorBank

RATE_HZ = 200.0
MOUNTS = rotation.from_vector(np.random.default_rng(1).normal(0.0, 1.0, (6, 3)))


def looking_around(seconds: float, fastest_dps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A head that turns to and fro about the vertical: orientation (N, S, 4), rates and forces (N, S, 3) of units."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    slow = 2.0 * np.pi * np.array([0.031, 0.045, 0.013])
    rate = np.deg2rad(fastest_dps) * np.sin(np.outer(times, slow)).mean(axis=1)
    heading = np.cumsum(rate) / RATE_HZ
    head = rotation.from_vector(np.outer(heading, [0.0, 0.0, 1.0]))
    truth = np.asarray(rotation.multiply(head[:, None], MOUNTS[None]))
    to_unit = rotation.conjugate(truth)
    turning = np.zeros((len(times), 1, 3))
    turning[:, 0, 2] = rate
    force = rotation.rotate(to_unit, np.broadcast_to([0.0, 0.0, GRAVITY_M_S2], (*truth.shape[:2], 3)))
    return truth, np.asarray(rotation.rotate(to_unit, np.broadcast_to(turning, force.shape))), np.asarray(force)


def heading_error(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Heading of what was found against the truth, (N, S) rad, without jumps."""
    off = rotation.multiply(found, rotation.conjugate(truth))
    return np.asarray(np.unwrap(2.0 * np.arctan2(off[..., 2], off[..., 3]), axis=0))


def measured(rate: np.ndarray, force: np.ndarray, seed: int, name: str = "QMI8658") -> tuple[np.ndarray, np.ndarray]:
    bank = SensorBank(load_part(name), rate.shape[1], RATE_HZ, 1, np.random.default_rng(seed))
    read = bank.measure(rate, force)
    return read.angular_velocity, read.specific_force


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


def test_units_that_rest_together_do_not_drift_apart_in_slow_turns() -> None:
    """Turns at up to 3.5 degrees per second, about where rest ends: filters that decide alone learn them for bias."""
    truth, rate, force = looking_around(180.0, 3.5)
    signals = measured(rate, force, seed=2)

    def apart(one_rest: bool) -> float:
        found = OrientationFusion(6, RATE_HZ, one_rest=one_rest).update(*signals)
        error = heading_error(found, truth)
        moved = error[-1] - error[600]
        return float(np.rad2deg(np.ptp(moved)))

    together, alone = apart(True), apart(False)
    assert together < 3.0
    assert alone > 4.0 * together


@pytest.mark.parametrize("one_rest", [True, False])
def test_any_split_gives_the_same_orientations(one_rest: bool) -> None:
    _, rate, force = looking_around(10.0, 8.0)
    gyro, accel = measured(rate, force, seed=3)
    whole = OrientationFusion(6, RATE_HZ, one_rest=one_rest).update(gyro, accel)
    source = OrientationFusion(6, RATE_HZ, one_rest=one_rest)
    edges = (0, 1, 1, 7, 52, 500, 503, 2000)
    joined = np.concatenate([source.update(gyro[a:b], accel[a:b]) for a, b in pairwise(edges)])
    np.testing.assert_allclose(joined, whole, atol=1e-12)


def test_nine_axes_know_north_and_keep_it() -> None:
    truth, rate, force = looking_around(180.0, 40.0)
    gyro, accel = measured(rate, force, seed=4)
    # The subject has not been still since the units were switched on: no rest has shown the bias.
    still = np.broadcast_to([0.0, 0.0, 0.0, 1.0], (len(truth), 4))
    scene = MagneticScene()
    field = scene.field(truth, still, np.zeros(rate.shape), np.arange(len(truth)) / RATE_HZ)
    field = MagnetometerBank(load_magnetometer(), 6, np.random.default_rng(5)).measure(field)
    north, none = (
        heading_error(OrientationFusion(6, RATE_HZ, mode).update(gyro, accel, *more), truth)[12_000:]
        for mode, more in (("9d", (field,)), ("6d", ()))
    )
    # What hard and soft iron leave of a level field of 21 uT: 1.1 uT are 3 degrees.
    assert np.rad2deg(np.sqrt(np.mean(north**2))) < 5.0
    minutes = np.arange(len(north)) / RATE_HZ / 60.0
    drift, drift_without = (np.rad2deg(np.abs(np.polyfit(minutes, error, 1)[0])).max() for error in (north, none))
    assert drift < 2.5  # degrees per minute
    assert drift_without > 2.0 * drift


def test_mode_and_signals_must_fit() -> None:
    _, rate, force = looking_around(1.0, 1.0)
    with pytest.raises(ValueError, match="in mode 9d"):
        OrientationFusion(6, RATE_HZ, "9d").update(rate, force)
    with pytest.raises(ValueError, match="none in 6d"):
        OrientationFusion(6, RATE_HZ).update(rate, force, force)


@pytest.mark.parametrize(("rate_hz", "expected"), [(60, 4), (100, 2), (199, 2), (200, 1), (400, 1)])
def test_sensors_are_read_at_200_hz_or_more(rate_hz: float, expected: int) -> None:
    assert oversampling(rate_hz) == expected
