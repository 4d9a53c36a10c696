from __future__ import annotations

import itertools

import numpy as np
import pytest

from face_model import arkit, rotation
from imu_sim import visemes
from imu_sim.errors import MotionError
from imu_sim.eyes import blink_times, blinks
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.performance import performance
from imu_sim.poses import POSES, weights_of
from imu_sim.score import SCORE
from imu_sim.timeline import Expression, Score, perform
from imu_sim.visemes import Speech


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
        arkit.BLENDSHAPES[i] for i in arkit.OBSERVABLE if strongest[i] < 0.15 and arkit.BLENDSHAPES[i] != "mouthClose"
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
    assert step[:, lids].max() < 0.35  # a lid closes in 100 ms


def test_mouth_close_never_passes_jaw_open() -> None:
    for motion in (performance(), generate(3, 60.0)):
        close, jaw = motion.weights[:, arkit.INDEX["mouthClose"]], motion.weights[:, arkit.INDEX["jawOpen"]]
        assert np.all(close <= jaw + 1e-12)


def test_blinks_come_at_a_natural_rate_and_speed() -> None:
    counts = [blink_count(perform(Score(120.0), np.random.default_rng(seed), "rest")) for seed in range(5)]
    assert 10.0 <= np.mean(counts) / 2.0 <= 25.0  # a minute
    rng = np.random.default_rng(1)
    times = np.arange(0.0, 4.0, 0.001)
    lid = blinks(times, np.array([1.0]), rng)[:, arkit.INDEX["eyeBlinkLeft"]]
    peak = int(np.argmax(lid))
    closing = times[peak] - times[np.flatnonzero(lid > 0.0)[0]]
    last = float(times[np.flatnonzero(lid > 1e-6)[-1]])
    opening = last - times[np.flatnonzero(lid > lid.max() - 1e-9)[-1]]
    assert 0.09 <= closing <= 0.15
    assert 0.14 <= opening <= 0.25
    assert np.all(np.diff(blink_times(300.0, rng)) >= 0.44)


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


def test_generator_covers_every_shape_with_held_and_isolated_poses() -> None:
    weights = np.concatenate([generate(seed, 120.0).weights for seed in range(12)])
    strongest = weights.max(axis=0)
    weak = [arkit.BLENDSHAPES[i] for i in arkit.OBSERVABLE if strongest[i] < 0.5]
    assert not weak
    assert weights.max() <= 1.0
    assert weights.min() >= 0.0
    # Held: some shape stays high and nearly constant for three seconds.
    window = 3 * 60
    means = np.lib.stride_tricks.sliding_window_view(weights[::6], window // 6, axis=0)
    assert np.any((means.min(axis=-1) > 0.3) & (np.ptp(means, axis=-1) < 0.15))
    # Isolated: a skin shape is strong while every other one is nearly at rest.
    skin = weights[:, [i for i in arkit.OBSERVABLE if not arkit.BLENDSHAPES[i].startswith("eyeBlink")]]
    ordered = np.sort(skin, axis=1)
    assert np.any((ordered[:, -1] > 0.5) & (ordered[:, -3] < 0.1))
    # One-sided: left and right of a pair differ widely.
    mirrored = weights[:, list(arkit.MIRROR)]
    assert np.abs(weights - mirrored)[:, arkit.INDEX["mouthSmileLeft"]].max() > 0.4


@pytest.mark.parametrize("duration_s", [4.0, 7.3, 31.0])
def test_generated_takes_of_any_length_loop(duration_s: float) -> None:
    motion = generate(1, duration_s)
    assert motion.duration_s == pytest.approx(duration_s, abs=0.02)
    assert motion.loops


def test_lips_meet_in_mama_and_round_in_you() -> None:
    times = np.arange(0.0, 2.0, 1 / 200)
    mama = visemes.mouth(Speech(0.0, "M AA1 M AA1"), times)
    jaw, press = mama[:, arkit.INDEX["jawOpen"]], mama[:, arkit.INDEX["mouthPressLeft"]]
    peaks = np.flatnonzero((press[1:-1] > press[:-2]) & (press[1:-1] >= press[2:]) & (press[1:-1] > 0.2)) + 1
    assert len(peaks) == 2
    assert np.all(jaw[peaks] < 0.15)
    assert jaw.max() > 0.3
    you = visemes.mouth(Speech(0.0, "Y UW1"), times)
    assert you[:, arkit.INDEX["mouthPucker"]].max() > 0.45
    assert np.abs(np.diff(mama, axis=0)).max() < 0.06  # smooth at 200 Hz


def test_sentences_of_the_score_do_not_overlap_and_poses_are_known() -> None:
    sentences = sorted(SCORE.speech, key=lambda s: s.start_s)
    for first, second in itertools.pairwise(sentences):
        assert first.start_s + first.duration_s <= second.start_s
    assert all(isinstance(e.pose, dict) or e.pose in POSES for e in SCORE.expressions)
    assert max(e.end_s for e in SCORE.expressions) < SCORE.duration_s


def test_unknown_names_are_refused() -> None:
    with pytest.raises(MotionError, match="mouthSmlie"):
        weights_of({"mouthSmlie": 1.0})
    with pytest.raises(MotionError, match="found 'gloom'"):
        perform(Score(3.0, expressions=(Expression(0.5, "gloom"),)), np.random.default_rng(0), "x")
    with pytest.raises(MotionError, match="QQ"):
        visemes.mouth(Speech(0.0, "AA QQ"), np.arange(3.0))
