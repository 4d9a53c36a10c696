"""Signals of ideal units against closed forms, with heads whose motion is known without any spline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import arkit, rotation
from face_model.frames import GRAVITY_M_S2
from face_model.layout import SensorLayout, load_layout
from face_model.rig import FaceRig
from imu_sim.attachment import ideal_attachment, random_attachment
from imu_sim.generator import generate
from imu_sim.head import build_head
from imu_sim.kinematics import HeadPath, HeadState, Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.mounted_boards import MountedBoards, board_orientation, boards_on
from imu_sim.physics import IdealImus, ImuTruth, imu_truth
from imu_sim.splines import Sampling, UniformSpline
from imu_sim.subject import Subject

SAMPLING = Sampling(0.0, 1000.0)
TIMES = SAMPLING.times(0, 3000)
UP = np.array([0.0, 0.0, GRAVITY_M_S2])
LEVERS = np.array([[0.08, 0.03, -0.05], [0.0, 0.07, 0.02]])
MOUNTS = np.asarray(rotation.normalise(np.array([[0.3, -0.2, 0.5, 0.7], [0.0, 0.0, 0.0, 1.0]])))


@dataclass(frozen=True)
class Analytic:
    """A head that moves by formula under a face with constant weights."""

    state: Callable[[np.ndarray], HeadState]
    held: np.ndarray | None = None

    @property
    def weight_spline(self) -> UniformSpline:
        weights = np.zeros(arkit.COUNT) if self.held is None else self.held
        return UniformSpline(np.repeat(weights[:, None], 8, axis=1), 60.0)

    def head_on(self, sampling: Sampling) -> HeadPath:
        return lambda first, count: self.state(sampling.times(first, count))


@pytest.fixture(scope="module")
def bolted(layout: SensorLayout) -> MountedBoards:
    """Two boards fixed to the head at `LEVERS`, turned by `MOUNTS`."""
    table = np.zeros((1 + arkit.COUNT, 3, 3, 2))
    table[0] = np.stack([LEVERS.T, np.eye(3)[:, [0, 0]], np.eye(3)[:, [1, 1]]])
    ideal = ideal_attachment(replace(layout, sensors=layout.sensors[:2]))
    return MountedBoards(table, (), replace(ideal, mount=MOUNTS))


def signals(motion: Analytic | Trajectory, boards: MountedBoards, count: int = len(TIMES)) -> ImuTruth:
    return IdealImus(motion, boards, SAMPLING).next(count)


def in_sensors(vectors_head: np.ndarray) -> np.ndarray:
    """Vectors (T, 2, 3) or (T, 1, 3) of the bolted boards in sensor axes, (3, 2, T)."""
    both = np.broadcast_to(vectors_head, (len(vectors_head), 2, 3))
    return np.asarray(rotation.rotate(rotation.conjugate(MOUNTS), both)).T


def close(found: np.ndarray, expected: np.ndarray, relative: float = 1e-9) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * np.abs(expected).max())


def test_a_head_spinning_at_a_constant_rate(bolted: MountedBoards) -> None:
    rate = 7.0
    spin = np.array([0.0, 0.0, rate])

    def state(times: np.ndarray) -> HeadState:
        zero = np.zeros((len(times), 3))
        return HeadState(np.asarray(rotation.from_vector(np.outer(times, spin))), zero + spin, zero, zero)

    found = signals(Analytic(state), bolted)
    centripetal = np.broadcast_to(-(rate**2) * LEVERS * [1.0, 1.0, 0.0], (len(TIMES), 2, 3))
    close(found.angular_velocity, in_sensors(np.broadcast_to(spin, centripetal.shape)))
    close(found.specific_force, in_sensors(centripetal + UP))


def nod(times: np.ndarray, hz: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angle about y, 0.4 rad to each side, with its first and second derivative."""
    w = 2.0 * np.pi * hz
    return 0.4 * np.sin(w * times), 0.4 * w * np.cos(w * times), -0.4 * w * w * np.sin(w * times)


def nodding(times: np.ndarray, hz: float = 3.0) -> HeadState:
    """Faster than anybody nods, while the head is shaken along a line."""
    angle, rate, acceleration = nod(times, hz)
    about_y, zero = np.array([0.0, 1.0, 0.0]), np.zeros((len(times), 3))
    w = 2.0 * np.pi * 1.3 * hz
    return HeadState(
        np.asarray(rotation.from_vector(np.outer(angle, about_y))),
        zero + rate[:, None] * about_y,
        zero + acceleration[:, None] * about_y,
        np.outer(-0.05 * w * w * np.sin(w * times), [1.0, 0.5, -2.0]),
    )


def test_a_head_that_nods_and_is_shaken(bolted: MountedBoards) -> None:
    found = signals(Analytic(nodding), bolted)
    head = nodding(TIMES)
    angle, rate, acceleration = nod(TIMES, 3.0)
    # By hand for a rotation about y: x is carried towards -z, and the lever's y stays.
    x, z = LEVERS[:, 0], LEVERS[:, 2]
    euler = np.stack([np.outer(acceleration, z), np.zeros((len(TIMES), 2)), -np.outer(acceleration, x)], axis=-1)
    centripetal = np.stack([-np.outer(rate**2, x), np.zeros((len(TIMES), 2)), -np.outer(rate**2, z)], axis=-1)
    earth = head.acceleration + UP
    c, s = np.cos(angle), np.sin(angle)
    carried = np.stack([c * earth[:, 0] - s * earth[:, 2], earth[:, 1], s * earth[:, 0] + c * earth[:, 2]], axis=-1)
    close(found.angular_velocity, in_sensors(head.angular_velocity[:, None]))
    close(found.specific_force, in_sensors(carried[:, None] + euler + centripetal))


def test_a_sampled_nod_is_as_good_as_the_formula(bolted: MountedBoards) -> None:
    """The same through a motion sampled at 60 Hz and its splines, for a nod of 0.7 Hz."""
    times, hz = np.arange(481) / 60.0, 0.7
    q = np.asarray(rotation.from_vector(np.outer(nod(times, hz)[0], [0.0, 1.0, 0.0])))
    shaken = np.outer(0.05 * np.sin(2.0 * np.pi * 1.3 * hz * times), [1.0, 0.5, -2.0])
    sampled = Trajectory(FaceMotion(60.0, np.zeros((481, arkit.COUNT)), q, shaken))
    found, expected = (signals(m, bolted, 7000) for m in (sampled, Analytic(lambda t: nodding(t, hz))))
    # The spline does not know how the motion goes on beyond its ends.
    close(found.angular_velocity[..., 1000:], expected.angular_velocity[..., 1000:], 1e-6)
    close(found.specific_force[..., 1000:], expected.specific_force[..., 1000:], 1e-6)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-3.1, 3.1), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_every_static_pose_feels_exactly_gravity(turn: list[float], seed: int) -> None:
    layout, rng = load_layout(), np.random.default_rng(seed)
    boards = boards_on(Subject("one", build_head(), random_attachment(layout, rng)), layout)
    q = np.asarray(rotation.from_vector(np.array([turn])))

    def state(times: np.ndarray) -> HeadState:
        zero = np.zeros((len(times), 3))
        return HeadState(np.repeat(q, len(times), axis=0), zero, zero, zero)

    motion = Analytic(state, rng.uniform(0.0, 0.8, arkit.COUNT))
    found = signals(motion, boards, 60)
    np.testing.assert_allclose(found.angular_velocity, 0.0, atol=1e-11)
    np.testing.assert_allclose(np.linalg.norm(found.specific_force, axis=0), GRAVITY_M_S2, rtol=1e-10)
    pose = IdealImus(motion, boards, SAMPLING).orientation(0, 60)
    # Turned into the earth frame the force points straight up: +9.81 on the axis that points up.
    up = rotation.rotate(pose, found.specific_force.T)
    np.testing.assert_allclose(up, np.broadcast_to(UP, up.shape), atol=1e-8)


@pytest.fixture(scope="module")
def crooked(rig: FaceRig, layout: SensorLayout) -> MountedBoards:
    """Boards with all that a gluing has but the tissue: it adds what orientations leave out."""
    attachment = random_attachment(layout, np.random.default_rng(3))
    return boards_on(Subject("one", rig, replace(attachment, tissue=ideal_attachment(layout).tissue)), layout)


def test_integrating_the_ideal_gyroscope_returns_the_orientation(crooked: MountedBoards) -> None:
    trajectory, sampling = Trajectory(generate(5, 12.0)), Sampling(4.0, 1000.0)
    ideal = IdealImus(trajectory, crooked, sampling)
    pose, rate = ideal.orientation(0, 4001), ideal.next(4001).angular_velocity.T
    q = pose[0]
    # Two samples a step apart and the one between them: Simpson's rule, good to the fourth power of the step.
    for k in range(0, 4000, 2):
        mean = (rate[k] + 4.0 * rate[k + 1] + rate[k + 2]) / 6.0
        q = rotation.multiply(q, rotation.from_vector(mean * 2.0 / sampling.rate_hz))
    error = rotation.to_vector(rotation.multiply(rotation.conjugate(q), pose[-1]))
    assert np.linalg.norm(error, axis=-1).max() < 1e-5
    assert np.abs(rate[:, 1:]).max() > 0.3  # something moved


def test_specific_force_is_the_second_derivative_of_the_chips_position(crooked: MountedBoards) -> None:
    motion = generate(5, 12.0)
    # The head's own acceleration is tested above: here it turns about its origin.
    trajectory = Trajectory(replace(motion, head_position=np.zeros_like(motion.head_position)))
    sampling = Sampling(4.0, 1000.0)
    ideal = IdealImus(trajectory, crooked, sampling)
    pose, force = ideal.orientation(0, 4000), ideal.next(4000).specific_force.T
    head = trajectory.head(sampling.times(0, 4000))
    local = crooked.moving(trajectory.weight_spline, sampling)(0, 4000).position
    earth = rotation.rotate(head.orientation[:, None], local.T)
    h = 1.0 / sampling.rate_hz
    second = (-earth[4:] + 16 * earth[3:-1] - 30 * earth[2:-2] + 16 * earth[1:-3] - earth[:-4]) / (12 * h * h)
    close(rotation.rotate(pose, force)[2:-2] - UP, second, 1e-4)


def test_signals_without_tissue_are_those_of_the_boards_state(crooked: MountedBoards) -> None:
    """`IdealImus` adds mounting to `imu_truth` and nothing else."""
    trajectory = Trajectory(generate(6, 3.0))
    state = crooked.moving(trajectory.weight_spline, SAMPLING)(0, 500)
    truth = imu_truth(trajectory.head(SAMPLING.times(0, 500)), state)
    found = IdealImus(trajectory, crooked, SAMPLING).next(500)
    mount = crooked.attachment.mount
    for mine, other in ((truth.angular_velocity, found.angular_velocity), (truth.specific_force, found.specific_force)):
        np.testing.assert_allclose(rotation.rotate(rotation.conjugate(mount), mine.T), other.T, atol=1e-9)
    assert board_orientation(state, mount).shape == (500, 12, 4)


def test_any_split_gives_the_same_signals(rig: FaceRig, layout: SensorLayout) -> None:
    attachment = random_attachment(layout, np.random.default_rng(3))
    boards, trajectory = boards_on(Subject("one", rig, attachment), layout), Trajectory(generate(6, 3.0), loop=True)
    whole = IdealImus(trajectory, boards, SAMPLING).next(1000)
    split = IdealImus(trajectory, boards, SAMPLING)
    parts = [split.next(count) for count in (1, 0, 130, 369, 500)]
    for name in ("angular_velocity", "specific_force"):
        joined = np.concatenate([getattr(part, name) for part in parts], axis=-1)
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-10)


def test_tissue_is_felt_in_fast_motion_only(rig: FaceRig, layout: SensorLayout) -> None:
    attachment = random_attachment(layout, np.random.default_rng(3))
    soft, firm = (
        boards_on(Subject("one", rig, replace(attachment, tissue=tissue)), layout)
        for tissue in (attachment.tissue, ideal_attachment(layout).tissue)
    )
    trajectory = Trajectory(generate(6, 6.0))
    forces = [signals(trajectory, boards, 6000).specific_force for boards in (soft, firm)]
    apart = np.abs(forces[0] - forces[1]).max()
    moved = np.abs(forces[1] - forces[1][..., :1]).max()
    assert 0.001 * moved < apart < 0.2 * moved
