from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit, rotation
from face_model.frames import GRAVITY_M_S2
from face_model.layout import SensorLayout
from face_model.rig import FaceRig
from face_model.skin import skin_patches
from imu_sim.boards import LinearBoards
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.motion import IDENTITY, FaceMotion, still
from imu_sim.physics import BoardState, ImuTruth, imu_truth

RATE_HZ = 100.0
LEVER = np.array([[[0.08, 0.03, -0.05], [0.0, 0.07, 0.02]]])
"""Two boards fixed to the head, m."""


def rigid(samples: int) -> BoardState:
    shape = (samples, 2, 3)
    zero = np.zeros(shape)
    mount = rotation.normalise(np.array([[[0.3, -0.2, 0.5, 0.7], [0.0, 0.0, 0.0, 1.0]]]))
    return BoardState(
        np.broadcast_to(LEVER, shape), zero, zero, np.broadcast_to(mount, (samples, 2, 4)).astype(float), zero
    )


def moved(orientation: np.ndarray, position: np.ndarray) -> Trajectory:
    return Trajectory(FaceMotion(RATE_HZ, np.zeros((len(orientation), arkit.COUNT)), orientation, position))


def in_sensors(boards: BoardState, vectors_head: np.ndarray) -> np.ndarray:
    return np.asarray(rotation.rotate(rotation.conjugate(boards.orientation), vectors_head))


def close(found: np.ndarray, expected: np.ndarray, relative: float = 1e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * np.abs(expected).max())


def test_still_head_feels_gravity_alone(boards: LinearBoards) -> None:
    weights = np.random.default_rng(1).uniform(0.0, 0.6, arkit.COUNT)
    trajectory = Trajectory(still(2.0, weights=weights))
    times = np.linspace(0.0, 2.0, 21)
    truth = imu_truth(
        trajectory.head(times), boards.state(*(trajectory.weights(times, derivative) for derivative in (0, 1, 2)))
    )
    np.testing.assert_allclose(truth.angular_velocity, 0.0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(truth.specific_force, axis=-1), GRAVITY_M_S2, rtol=1e-12)
    # Turned into the earth frame the force points straight up: +9.81 on the axis that points up.
    np.testing.assert_allclose(
        rotation.rotate(truth.orientation, truth.specific_force) / GRAVITY_M_S2,
        np.broadcast_to([0.0, 0.0, 1.0], truth.specific_force.shape),
        atol=1e-11,
    )


def test_head_turning_at_a_constant_rate() -> None:
    times = np.arange(501) / RATE_HZ
    rate = 1.3
    q = rotation.from_vector(np.outer(times * rate, [0.0, 0.0, 1.0]))
    head = moved(q, np.zeros((501, 3))).head(times)
    boards = rigid(501)
    truth = imu_truth(head, boards)
    omega = np.broadcast_to([0.0, 0.0, rate], boards.position.shape)
    centripetal = -(rate**2) * boards.position * [1.0, 1.0, 0.0]
    close(truth.angular_velocity, in_sensors(boards, omega))
    close(truth.specific_force, in_sensors(boards, centripetal + np.array([0.0, 0.0, GRAVITY_M_S2])))


def test_head_nodding_and_being_shaken() -> None:
    fine = np.arange(801) / RATE_HZ
    w, a, b = 2.0 * np.pi * 0.7, 0.4, 0.05
    q = rotation.from_vector(np.outer(a * np.sin(w * fine), [0.0, 1.0, 0.0]))
    shift = np.outer(b * np.sin(1.3 * w * fine), [1.0, 0.5, -2.0])
    times = np.linspace(1.0, 7.0, 301)
    head = moved(q, shift).head(times)
    boards = rigid(len(times))
    truth = imu_truth(head, boards)
    angle, rate, accel = a * np.sin(w * times), a * w * np.cos(w * times), -a * w * w * np.sin(w * times)
    zero = np.zeros_like(times)
    omega, alpha = (np.stack([zero, v, zero], -1)[:, None] * np.ones((1, 2, 1)) for v in (rate, accel))
    earth = np.outer(-b * (1.3 * w) ** 2 * np.sin(1.3 * w * times), [1.0, 0.5, -2.0]) + np.array(
        [0.0, 0.0, GRAVITY_M_S2]
    )
    back = rotation.from_vector(np.outer(-angle, [0.0, 1.0, 0.0]))
    force = (
        rotation.rotate(back, earth)[:, None]
        + np.cross(alpha, boards.position)
        + np.cross(omega, np.cross(omega, boards.position))
    )
    close(truth.angular_velocity, in_sensors(boards, omega))
    close(truth.specific_force, in_sensors(boards, force))


def talking(boards: LinearBoards) -> tuple[Trajectory, np.ndarray, ImuTruth]:
    trajectory = Trajectory(generate(5, 20.0))
    times = 6.0 + np.arange(4001) / 1000.0
    return trajectory, times, truth_at(trajectory, boards, times)


def truth_at(trajectory: Trajectory, boards: LinearBoards, times: np.ndarray) -> ImuTruth:
    state = boards.state(*(trajectory.weights(times, derivative) for derivative in (0, 1, 2)))
    return imu_truth(trajectory.head(times), state)


def test_integrating_angular_velocity_returns_the_orientation(boards: LinearBoards) -> None:
    _, times, truth = talking(boards)
    step = times[1] - times[0]
    q = truth.orientation[0]
    # Two samples a step apart and the one between them: Simpson's rule, good to the fourth power of the step.
    for k in range(0, len(times) - 2, 2):
        mean = (truth.angular_velocity[k] + 4.0 * truth.angular_velocity[k + 1] + truth.angular_velocity[k + 2]) / 6.0
        q = rotation.multiply(q, rotation.from_vector(mean * 2.0 * step))
    error = np.linalg.norm(rotation.to_vector(rotation.multiply(rotation.conjugate(q), truth.orientation[-1])), axis=-1)
    assert error.max() < 1e-5
    assert np.abs(truth.angular_velocity[:, 1:]).max() > 0.1  # something moved


def test_specific_force_is_the_second_derivative_of_position(boards: LinearBoards) -> None:
    trajectory, times, truth = talking(boards)
    # The head's own position is known only at its samples, so a head that turns about its origin is used.
    still_origin = Trajectory(
        FaceMotion(
            trajectory.motion.rate_hz,
            trajectory.motion.weights,
            trajectory.motion.head_orientation,
            np.zeros_like(trajectory.motion.head_position),
        )
    )
    truth = truth_at(still_origin, boards, times)
    head = still_origin.head(times)
    local = boards.state(*(still_origin.weights(times, derivative) for derivative in (0, 1, 2))).position
    earth = rotation.rotate(head.orientation[:, None], local)
    h = times[1] - times[0]
    second = (-earth[4:] + 16 * earth[3:-1] - 30 * earth[2:-2] + 16 * earth[1:-3] - earth[:-4]) / (12 * h * h)
    felt = rotation.rotate(truth.orientation, truth.specific_force)[2:-2] - [0.0, 0.0, GRAVITY_M_S2]
    close(felt, second, 1e-4)


def test_boards_follow_the_skin(rig: FaceRig, layout: SensorLayout, boards: LinearBoards) -> None:
    weights = np.random.default_rng(2).uniform(0.0, 1.0, (20, arkit.COUNT))
    position, orientation = skin_patches(rig, layout).board_poses(weights)
    state = boards.state(weights, np.zeros_like(weights), np.zeros_like(weights))
    np.testing.assert_allclose(state.position, position, atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(state.orientation * orientation, axis=-1)), 1.0, atol=1e-12)


def test_board_rates_match_a_small_step(boards: LinearBoards) -> None:
    rng = np.random.default_rng(3)
    weights, change = rng.uniform(0.2, 0.8, (30, arkit.COUNT)), rng.normal(0.0, 1.0, (30, arkit.COUNT))
    zero, step = np.zeros_like(weights), 1e-5
    before, after = (boards.state(weights + s * step * change, change, zero) for s in (-1.0, 1.0))
    turned = rotation.multiply(after.orientation, rotation.conjugate(before.orientation))
    here = boards.state(weights, change, zero)
    close(here.angular_velocity, rotation.to_vector(turned) / (2.0 * step), 1e-5)
    close(here.velocity, (after.position - before.position) / (2.0 * step), 1e-5)


def test_full_turn_loops_without_a_seam() -> None:
    times = np.arange(301) / RATE_HZ
    q = rotation.from_vector(np.outer(2.0 * np.pi * times / 3.0, [0.0, 0.0, 1.0]))
    trajectory = Trajectory(FaceMotion(RATE_HZ, np.zeros((301, 52)), q, np.zeros((301, 3))), loop=True)
    head = trajectory.head(np.linspace(2.9, 3.1, 41))
    np.testing.assert_allclose(head.angular_velocity[:, 2], 2.0 * np.pi / 3.0, rtol=1e-6)


@pytest.mark.parametrize("derivative", [0, 1, 2])
def test_weights_are_smooth_through_the_seam(derivative: int) -> None:
    motion = generate(8, 12.0)
    trajectory = Trajectory(motion, loop=True)
    near = trajectory.weights(np.array([-1e-7, 1e-7, trajectory.period_s - 1e-7]), derivative)
    np.testing.assert_allclose(near[0], near[1], atol=1e-4 * 10**derivative)
    np.testing.assert_allclose(near[0], near[2], atol=1e-9 * 10**derivative)


def test_smoothing_keeps_weights_in_range_and_holds_constants() -> None:
    motion = generate(9, 15.0)
    weights = Trajectory(motion).weights(np.linspace(0.0, 15.0, 4001))
    assert weights.min() >= -1e-12
    assert weights.max() <= motion.weights.max() + 1e-12
    held = Trajectory(still(1.0, weights=np.full(52, 0.7))).weights(np.linspace(0.0, 1.0, 50))
    np.testing.assert_allclose(held, 0.7, atol=1e-12)
    assert np.allclose(Trajectory(still(1.0)).head(np.array([0.5])).orientation, IDENTITY)
