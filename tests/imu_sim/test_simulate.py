from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face_model import rotation
from face_model.layout import SensorLayout
from face_model.rig import FaceRig
from imu_sim.chips.parts import load_part, perfect_part
from imu_sim.generator import generate
from imu_sim.hub.timing import HubTiming
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import Trajectory
from imu_sim.motion import still
from imu_sim.mounted_boards import MountedBoards, boards_on
from imu_sim.performance.action_units import weights_of
from imu_sim.physics import IdealImus
from imu_sim.simulate import simulate
from imu_sim.splines import Sampling
from imu_sim.subject import nominal_subject, random_subject
from imu_sim.tissue import rigid_tissue
from imu_sim.warped_family import WarpedFamily


def test_recording_agrees_with_the_motion(rig: FaceRig, layout: SensorLayout) -> None:
    motion = generate(2, 12.0)
    recording = simulate(motion, nominal_subject(rig, layout), layout, rate_hz=100.0, seed=1)
    assert recording.valid.shape == (1201, 12)
    assert recording.sensor_names == layout.names
    assert recording.weights[0].max() == 0.0
    np.testing.assert_allclose(recording.weights[::5], motion.weights[::3], atol=0.12)
    # A quiet second at the start: gravity on every unit, hardly any rate.
    quiet = slice(0, 60)
    np.testing.assert_allclose(np.linalg.norm(recording.specific_force[quiet].mean(0), axis=-1), 9.807, atol=0.4)
    assert np.abs(recording.angular_velocity[quiet].mean(0)).max() < np.deg2rad(1.5)
    np.testing.assert_allclose(np.linalg.norm(recording.orientation, axis=-1), 1.0, atol=1e-5)


def test_perfect_sensors_feel_held_poses_as_turned_gravity(rig: FaceRig, layout: SensorLayout) -> None:
    smile = still(3.0, weights=weights_of({"mouthSmile": 1.0}))
    rest, held = (
        simulate(motion, nominal_subject(rig, layout), layout, perfect_part(), 100.0) for motion in (still(3.0), smile)
    )
    angle = np.arccos(np.clip(np.sum(rest.specific_force[-1] * held.specific_force[-1], -1) / 9.80665**2, -1.0, 1.0))
    named = dict(zip(layout.names, np.rad2deg(angle), strict=True))
    assert named["skull"] == pytest.approx(0.0, abs=0.1)
    assert max(named["zygomaticus_left"], named["buccinator_left"]) > 2.0


def test_same_seed_same_recording(rig: FaceRig, layout: SensorLayout) -> None:
    motion, subject = generate(3, 4.0), random_subject(WarpedFamily(rig), layout, 5)
    first, again, other = (simulate(motion, subject, layout, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.orientation, again.orientation)
    np.testing.assert_array_equal(first.angular_velocity, again.angular_velocity)
    assert not np.array_equal(first.angular_velocity, other.angular_velocity)
    np.testing.assert_array_equal(first.weights, other.weights)


@pytest.mark.parametrize("rate_hz", [60.0, 100.0, 250.0])
def test_blocks_of_any_size_equal_one_batch(boards: MountedBoards, rate_hz: float) -> None:
    trajectory = Trajectory(generate(4, 6.0), loop=True)
    whole = ImuStream(trajectory, boards, load_part(), rate_hz, seed=7).next(240)
    stream = ImuStream(trajectory, boards, load_part(), rate_hz, seed=7)
    parts = [stream.next(count) for count in (1, 7, 100, 132)]
    for name in ("orientation", "angular_velocity", "specific_force"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-10)


def test_the_loop_has_no_seam_in_the_signals_and_noise_does_not_repeat(boards: MountedBoards) -> None:
    motion = generate(6, 5.0)
    period = round(motion.duration_s * 100)
    ideal = ImuStream(Trajectory(motion, loop=True), boards, perfect_part(), 100.0, 1).next(2 * period)
    np.testing.assert_allclose(ideal.specific_force[5:period], ideal.specific_force[period + 5 :], atol=1e-6)
    step = np.abs(np.diff(ideal.specific_force, axis=0)).max(axis=(1, 2))
    assert step[period - 2 : period + 2].max() < 0.05 * step.max()
    noisy = ImuStream(Trajectory(motion, loop=True), boards, load_part(), 100.0, 1).next(2 * period)
    assert not np.allclose(noisy.specific_force[:period], noisy.specific_force[period:], atol=1e-3)


def test_a_skewed_clock_samples_at_other_times_and_losses_are_marked(rig: FaceRig, layout: SensorLayout) -> None:
    motion, subject = generate(3, 8.0), nominal_subject(rig, layout)
    ideal, skewed = (
        simulate(motion, subject, layout, perfect_part(), timing=timing)
        for timing in (HubTiming(), HubTiming(skew_ppm=2000.0, loss=0.05))
    )
    assert skewed.rate_hz == 100.0
    assert skewed.valid.all(axis=1).sum() + (~skewed.valid).all(axis=1).sum() == len(skewed.valid)
    assert 0.01 < (~skewed.valid).mean() < 0.1
    # A clock that is 2 in 1000 fast takes its 500th sample when the right one takes the 499th.
    assert len(skewed.valid) > len(ideal.valid)
    k = np.array([500, 700])[skewed.valid[[500, 700], 0]]
    assert len(k)
    at = k / 1.002
    low = np.floor(at).astype(int)
    share = (at - low)[:, None, None]
    expected = ideal.specific_force[low] * (1.0 - share) + ideal.specific_force[low + 1] * share
    np.testing.assert_allclose(skewed.specific_force[k], expected, atol=0.02)


@pytest.mark.parametrize("biased", [False, True])
def test_the_simulated_gyroscope_integrates_to_the_orientation_within_its_bias(
    rig: FaceRig, layout: SensorLayout, biased: bool
) -> None:
    subject = nominal_subject(rig, layout)
    rigid = replace(subject, attachment=replace(subject.attachment, tissue=rigid_tissue(len(layout.sensors))))
    boards, seconds, rate_hz = boards_on(rigid, layout), 8.0, 400.0
    trajectory, part = Trajectory(generate(12, seconds)), perfect_part()
    bias = load_part().gyro.turn_on_bias if biased else 0.0
    part = replace(part, gyro=replace(part.gyro, turn_on_bias=bias))
    measured = ImuStream(trajectory, boards, part, rate_hz, seed=4).next(round(seconds * rate_hz)).angular_velocity
    pose = IdealImus(trajectory, boards, Sampling(0.0, rate_hz)).orientation(0, len(measured))
    q = pose[0]
    for rate in 0.5 * (measured[1:] + measured[:-1]):
        q = rotation.multiply(q, rotation.from_vector(rate / rate_hz))
    error = np.linalg.norm(rotation.to_vector(rotation.multiply(rotation.conjugate(q), pose[-1])), axis=-1)
    # Three standard deviations of three axes, and what the rule of trapezoids leaves.
    assert error.max() < 3.0 * np.sqrt(3.0) * bias * seconds + 0.003
    assert np.abs(measured).sum(axis=0).max() / rate_hz > 1.0
    if biased:
        assert error.max() > 0.5 * bias * seconds
