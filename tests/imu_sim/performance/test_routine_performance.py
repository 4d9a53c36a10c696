from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model import arkit, rotation
from face_model.routine import DURATION_S, REST_S, ROUTINE, nominal_weights, schedule
from imu_sim.motion import FaceMotion
from imu_sim.performance.routine_performance import perform_routine

ASKED = nominal_weights() > 0.5
NUMBER = {prompt.name: number for number, prompt in enumerate(ROUTINE)}


@pytest.fixture(scope="module")
def people() -> list[FaceMotion]:
    return [perform_routine(seed) for seed in range(40)]


def during(motion: FaceMotion, window: tuple[float, float]) -> np.ndarray:
    times = np.arange(motion.samples) / motion.rate_hz
    return motion.weights[(times >= window[0]) & (times <= window[1])]


def held(motion: FaceMotion) -> np.ndarray:
    """Mean weights (P, 52) while each pose is expected to stand."""
    return np.array([during(motion, cue.hold_s).mean(axis=0) for cue in schedule()])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_whoever_does_it_it_is_a_valid_motion_at_the_times_of_the_schedule(seed: int) -> None:
    motion = perform_routine(seed)
    assert motion.duration_s == pytest.approx(DURATION_S)
    assert motion.loops
    assert 0.0 <= motion.weights.min() <= motion.weights.max() <= 1.0
    still = int((REST_S - 0.2) * motion.rate_hz)
    assert not motion.weights[:still].any()
    np.testing.assert_array_equal(motion.weights, perform_routine(seed).weights)


def test_poses_stand_when_they_are_expected_to_and_have_gone_before_the_next(people: list[FaceMotion]) -> None:
    shares = np.array([held(motion)[ASKED] for motion in people]) / nominal_weights()[ASKED]
    assert 0.6 < np.median(shares) < 0.85
    assert np.quantile(shares, 0.01) > 0.3
    wander = [np.ptp(during(motion, cue.hold_s), axis=0) for motion in people for cue in schedule()]
    assert np.quantile(np.array(wander).reshape(len(people), *ASKED.shape)[:, ASKED], 0.9) < 0.15
    # Of most: some faces are never quite relaxed.
    gone = [
        during(motion, later.rest_s)[:, asked].max(axis=0)
        for motion in people
        for later, asked in zip(schedule()[1:], ASKED[:-1], strict=True)
    ]
    assert np.quantile(np.concatenate(gone), 0.9) < 0.15


def test_people_differ(people: list[FaceMotion]) -> None:
    smiles = np.array([held(motion)[NUMBER["smile"], arkit.INDEX["mouthSmileLeft"]] for motion in people])
    assert smiles.std() > 0.05
    left = np.array([held(motion)[NUMBER["smile_left"]] for motion in people])
    other = left[:, arkit.INDEX["mouthSmileRight"]] / left[:, arkit.INDEX["mouthSmileLeft"]]
    assert 0.15 < np.mean(other > 0.25) < 0.6, "some cannot smile on one side alone"


def test_the_head_moves_little_but_it_moves(people: list[FaceMotion]) -> None:
    angles = [np.linalg.norm(rotation.to_vector(motion.head_orientation), axis=-1).max() for motion in people]
    assert np.deg2rad(0.1) < np.median(angles) < np.deg2rad(15.0)
