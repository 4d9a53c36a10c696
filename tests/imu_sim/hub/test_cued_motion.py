"""The simulated subject does the guided routine when it is prompted, whenever that is."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit, nod_and_shake
from face_model.routine import REST_S, schedule
from imu_sim.hub.cued_motion import ALIGNMENT_AT_S, CuedTrajectory, with_alignment
from imu_sim.performance.nod_and_shake_performance import perform_nod_and_shake
from imu_sim.performance.routine_performance import perform_routine
from imu_sim.splines import Sampling

RATE_HZ = 1000.0
SMILE = arkit.INDEX["mouthSmileLeft"]


def played(trajectory: CuedTrajectory, cue_s: float, elapsed_s: float, length_s: float) -> np.ndarray:
    """Weights (52, T) of a stream in blocks of 0.2 s in which the cue is heard at `cue_s`."""
    sampled = trajectory.weight_spline.on(Sampling(0.0, RATE_HZ))
    blocks, told = [], False
    for first in range(0, round(length_s * RATE_HZ), 200):
        if not told and first / RATE_HZ >= cue_s:
            trajectory.prompted(elapsed_s, cue_s)
            told = True
        blocks.append(sampled(first, 200)[0])
    return np.concatenate(blocks, axis=1)


@pytest.mark.parametrize(("cue_s", "elapsed_s"), [(20.0, 0.05), (47.3, 0.6), (0.4, 0.2)])
def test_it_rests_until_prompted_and_then_keeps_the_routine_s_times(cue_s: float, elapsed_s: float) -> None:
    routine = perform_routine(3)
    weights = played(CuedTrajectory(routine), cue_s, elapsed_s, cue_s + 20.0)
    assert not weights[:, : round(cue_s * RATE_HZ)].any()
    # No jump: a blink is the fastest there is, and in the rest that follows the cue there is hardly anything.
    assert np.abs(np.diff(weights, axis=1)).max() < 0.03
    assert np.abs(np.diff(weights[:, : round((cue_s + 0.8) * RATE_HZ)], axis=1)).max() < 1e-3
    begin_s = cue_s - elapsed_s
    times = np.arange(round(REST_S * routine.rate_hz), round(15.0 * routine.rate_hz)) / routine.rate_hz
    expected = routine.weights[np.round(times * routine.rate_hz).astype(int), SMILE]
    found = weights[SMILE, np.round((begin_s + times) * RATE_HZ).astype(int)]
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    smile = schedule()[0]
    middle_s = begin_s + 0.5 * (smile.hold_s[0] + smile.hold_s[1])
    assert weights[SMILE, round(middle_s * RATE_HZ)] > 0.3


def test_it_rests_after_the_end_and_when_the_routine_is_cancelled() -> None:
    trajectory = CuedTrajectory(perform_routine(3))
    sampled = trajectory.weight_spline.on(Sampling(0.0, RATE_HZ))
    trajectory.prompted(0.1, 10.0)
    assert not trajectory.resting
    assert not sampled(round(100.0 * RATE_HZ), 50)[0].any()
    assert sampled(round(15.0 * RATE_HZ), 50)[0].any()
    trajectory.prompted(None, 15.0)
    assert trajectory.resting
    assert not sampled(round(15.0 * RATE_HZ), 50)[0].any()


def test_prompts_of_one_routine_do_not_move_it_and_another_routine_does() -> None:
    trajectory = CuedTrajectory(perform_routine(3))
    sampled = trajectory.weight_spline.on(Sampling(0.0, RATE_HZ))
    trajectory.prompted(0.1, 10.0)
    before = sampled(14000, 50)[0]
    trajectory.prompted(3.2, 13.0)
    np.testing.assert_array_equal(sampled(14000, 50)[0], before)
    trajectory.prompted(0.1, 13.0)
    assert np.abs(sampled(14000, 50)[0] - before).max() > 0.01


def test_a_nod_and_a_shake_come_when_they_are_asked_for() -> None:
    course = with_alignment(perform_routine(3), perform_nod_and_shake(3))
    trajectory = CuedTrajectory(course)
    trajectory.prompted(ALIGNMENT_AT_S + 0.1, 10.0)
    heads = trajectory.head_on(Sampling(0.0, RATE_HZ))

    def turned(first_s: float, last_s: float) -> float:
        found = heads(round(first_s * RATE_HZ), round((last_s - first_s) * RATE_HZ)).orientation
        return float(2.0 * np.arccos(np.clip(np.abs(found[:, 3]), 0.0, 1.0)).max())

    begin_s = 9.9
    assert turned(begin_s + 0.3, begin_s + nod_and_shake.STILL_S - 0.2) < 0.01
    for phase in nod_and_shake.PHASES[1:]:
        assert turned(begin_s + phase.start_s, begin_s + phase.end_s) > 0.1
    trajectory.prompted(None, 25.0)
    assert turned(25.0, 26.0) < 1e-6
