from __future__ import annotations

import numpy as np
import pytest

from face_model import rotation
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.motion import IDENTITY, FaceMotion, still
from imu_sim.splines import Sampling

RATE_HZ = 100.0


def test_full_turn_loops_without_a_seam() -> None:
    times = np.arange(301) / RATE_HZ
    q = rotation.from_vector(np.outer(2.0 * np.pi * times / 3.0, [0.0, 0.0, 1.0]))
    trajectory = Trajectory(FaceMotion(RATE_HZ, np.zeros((301, 52)), q, np.zeros((301, 3))), loop=True)
    for times in (np.linspace(2.9, 3.1, 41), np.linspace(5.9, 6.1, 41)):
        head = trajectory.head(times)
        np.testing.assert_allclose(head.angular_velocity[:, 2], 2.0 * np.pi / 3.0, rtol=1e-6)
        angle = rotation.to_vector(head.orientation)[:, 2]
        np.testing.assert_allclose(np.mod(angle - 2.0 * np.pi / 3.0 * times + 1.0, 2.0 * np.pi), 1.0, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 100.0])
def test_the_head_passes_through_its_samples(rate_hz: float) -> None:
    motion = generate(3, 10.0)
    every = motion.resampled(rate_hz)
    head = Trajectory(every).head(np.arange(every.samples) / rate_hz)
    apart = rotation.multiply(rotation.conjugate(head.orientation), every.head_orientation)
    # 30 Hz samples lie on control points; 100 Hz samples are between them.
    assert np.abs(rotation.to_vector(apart)).max() < (1e-9 if rate_hz != 100.0 else 1e-3)


@pytest.mark.parametrize("loop", [False, True])
def test_a_sampled_head_is_the_same_as_at_single_times(loop: bool) -> None:
    trajectory, sampling = Trajectory(generate(3, 6.0), loop), Sampling(0.25, 1000.0)
    found, expected = trajectory.head_on(sampling)(40, 900), trajectory.head(sampling.times(40, 900))
    for name in ("orientation", "angular_velocity", "angular_acceleration", "acceleration"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-8)


@pytest.mark.parametrize("derivative", [0, 1, 2])
def test_weights_are_smooth_through_the_seam(derivative: int) -> None:
    motion = generate(8, 12.0)
    trajectory = Trajectory(motion, loop=True)
    near = trajectory.weights(np.array([-1e-7, 1e-7, trajectory.period_s - 1e-7]), derivative)
    np.testing.assert_allclose(near[0], near[1], atol=1e-4 * 10**derivative)
    np.testing.assert_allclose(near[0], near[2], atol=1e-8 * 10**derivative)


def test_a_round_is_a_whole_number_of_control_points_and_hardly_longer() -> None:
    motion = FaceMotion(59.94, np.zeros((200, 52)), np.tile(IDENTITY, (200, 1)), np.zeros((200, 3)))
    period_s = Trajectory(motion, loop=True).period_s
    assert period_s * 60.0 == pytest.approx(round(period_s * 60.0))
    assert abs(period_s - motion.duration_s) <= 0.5 / 60.0


def test_smoothing_keeps_weights_in_range_and_holds_constants() -> None:
    motion = generate(9, 15.0)
    weights = Trajectory(motion).weights(np.linspace(0.0, 15.0, 4001))
    assert weights.min() >= -1e-12
    assert weights.max() <= motion.weights.max() + 1e-12
    held = Trajectory(still(1.0, weights=np.full(52, 0.7))).weights(np.linspace(0.0, 1.0, 50))
    np.testing.assert_allclose(held, 0.7, atol=1e-12)
    assert np.allclose(Trajectory(still(1.0)).head(np.array([0.5])).orientation, IDENTITY)
