from __future__ import annotations

import itertools

import numpy as np
import pytest

from face_model import arkit, observability, rotation
from imu_sim.errors import MotionError
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.performance import performance
from imu_sim.performance.demo import script
from imu_sim.performance.expression import Expression
from imu_sim.performance.perform import Script, perform
from imu_sim.performance.poses import POSES
from imu_sim.performance.speech import Speech


def blink_count(motion: FaceMotion) -> int:
    """Closings of both eyes at once."""
    both = motion.weights[:, [arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]].min(axis=1) > 0.6
    return int(np.count_nonzero(np.diff(both.astype(int)) == 1))


def test_starts_with_three_still_seconds_and_loops() -> None:
    motion = performance()
    rest = slice(0, int(3.0 * motion.rate_hz))
    assert not motion.weights[rest].any()
    np.testing.assert_allclose(motion.head_orientation[rest], [[0, 0, 0, 1]] * (rest.stop - rest.start))
    assert motion.loops
    assert 60.0 <= motion.duration_s <= 90.0
    # Still again before the seam, so that the loop does not begin with a jerk.
    assert np.abs(np.diff(motion.weights[-4:], axis=0)).max() < 1e-3


def test_every_shape_that_sensors_see_is_shown() -> None:
    strongest = performance().weights.max(axis=0)
    weak = [
        arkit.BLENDSHAPES[i]
        for i in observability.OBSERVABLE
        if strongest[i] < 0.15 and arkit.BLENDSHAPES[i] != "mouthClose"
    ]
    assert weak == ["jawForward"] or not weak


def test_weights_stay_in_range_and_nothing_jumps() -> None:
    motion = performance()
    assert motion.weights.min() >= 0.0
    assert motion.weights.max() <= 1.0
    gaze = [i for i, name in enumerate(arkit.BLENDSHAPES) if name.startswith("eyeLook")]
    lids = [i for i, name in enumerate(arkit.BLENDSHAPES) if name.startswith("eyeBlink")]
    skin = [i for i in range(arkit.COUNT) if i not in gaze + lids]
    step = np.abs(np.diff(motion.weights, axis=0))
    assert step[:, skin].max() < 0.15  # full strength takes 0.1 s at least
    assert step[:, lids].max() < 0.55  # a lid closes in 60 ms: 1.875 / 0.06 s / 60 Hz


def test_mouth_close_never_passes_jaw_open() -> None:
    for motion in (performance(), generate(3, 60.0)):
        close, jaw = motion.weights[:, arkit.INDEX["mouthClose"]], motion.weights[:, arkit.INDEX["jawOpen"]]
        assert np.all(close <= jaw + 1e-12)


def test_blinks_come_at_a_natural_rate_and_speed() -> None:
    counts = [blink_count(perform(Script(120.0), np.random.default_rng(seed), "rest")) for seed in range(5)]
    assert 10.0 <= np.mean(counts) / 2.0 <= 25.0  # a minute


def test_head_moves_like_a_head() -> None:
    motion = performance()
    head = Trajectory(motion, loop=True).head(np.arange(0.0, motion.duration_s, 0.01))
    speed = np.linalg.norm(head.angular_velocity, axis=-1)
    assert 0.3 < speed.max() < 3.0  # rad/s
    angle = np.linalg.norm(rotation.to_vector(head.orientation), axis=-1)
    assert np.deg2rad(10.0) < angle.max() < np.deg2rad(45.0)
    assert np.linalg.norm(head.acceleration, axis=-1).max() < 8.0  # m/s2


def test_same_seed_same_motion() -> None:
    np.testing.assert_array_equal(performance(3).weights, performance(3).weights)
    assert not np.array_equal(performance(3).weights, performance(4).weights)
    np.testing.assert_array_equal(generate(3, 20.0).weights, generate(3, 20.0).weights)
    assert not np.array_equal(generate(3, 20.0).weights, generate(4, 20.0).weights)


def test_sentences_of_the_score_do_not_overlap_and_poses_are_known() -> None:
    played = script()
    sentences = sorted(played.speech, key=lambda s: s.start_s)
    for first, second in itertools.pairwise(sentences):
        assert first.end_s <= second.start_s
    assert all(isinstance(e.pose, dict) or e.pose in POSES for e in played.expressions)
    assert max(e.end_s for e in played.expressions) < played.duration_s


def test_unknown_names_are_refused() -> None:
    with pytest.raises(MotionError, match="found 'gloom'"):
        perform(Script(3.0, expressions=(Expression(0.5, "gloom"),)), np.random.default_rng(0), "x")
    with pytest.raises(MotionError, match="QQ"):
        perform(Script(3.0, speech=(Speech(0.5, "AA QQ"),)), np.random.default_rng(0), "x")
