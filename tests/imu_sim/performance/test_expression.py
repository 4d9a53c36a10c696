from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.performance.canvas import RATE_HZ, Canvas
from imu_sim.performance.expression import Expression, express, felt, micro, posed

JAW = arkit.INDEX["jawOpen"]


def painted(expression: Expression, seed: int = 0, seconds: float = 6.0) -> np.ndarray:
    canvas = Canvas(np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    express(expression, canvas, np.random.default_rng(seed))
    return canvas.weights


def test_it_comes_stays_and_goes_when_it_says() -> None:
    jaw = painted(Expression(1.0, {"jawOpen": 0.6}, 1.0, onset_s=0.5, apex_s=1.0, offset_s=0.8))[:, JAW]
    times = np.arange(len(jaw)) / RATE_HZ
    assert not jaw[times < 1.0].any()
    assert not jaw[times > 3.3 + 0.08].any()
    apex = jaw[(times > 1.6) & (times < 2.5)]
    assert np.all(np.abs(apex - 0.6) < 0.12)
    assert np.ptp(apex) < 0.08


def test_only_the_shapes_of_the_pose_move() -> None:
    weights = painted(Expression(1.0, "smirk_left"))
    moved = {arkit.BLENDSHAPES[i] for i in np.flatnonzero(weights.max(axis=0))}
    assert moved == {"mouthSmileLeft", "cheekSquintLeft", "mouthLeft", "eyeSquintLeft"}


def test_expressions_beyond_the_end_are_cut_and_those_after_it_leave_nothing() -> None:
    assert painted(Expression(5.5, "smile")).any()
    assert not painted(Expression(7.0, "smile")).any()


def test_felt_expressions_are_slower_than_posed_ones_and_leave_slower_than_they_come() -> None:
    rng = np.random.default_rng(0)
    slow = [felt(0.0, "smile", 1.0, 1.0, 1.0, rng) for _ in range(300)]
    quick = [posed(0.0, "smile", 1.0, 1.0, 1.0, rng) for _ in range(300)]
    assert 0.4 <= np.median([e.onset_s for e in slow]) <= 0.7  # Schmidt, Cohn, Tian 2003
    assert np.median([e.onset_s for e in quick]) < 0.7 * np.median([e.onset_s for e in slow])
    assert all(e.offset_s >= e.onset_s for e in (*slow, *quick))


def test_micro_expressions_last_between_a_25th_and_half_a_second() -> None:
    rng = np.random.default_rng(0)
    brief = [micro(0.0, "smile", rng) for _ in range(300)]
    lengths = np.array([e.end_s for e in brief])
    assert lengths.min() >= 0.04 - 1e-9
    assert lengths.max() <= 0.5 + 1e-9
    assert lengths.min() < 0.08
    # Speed is bounded: 1.875 is the peak slope of the minimum-jerk step.
    assert max(1.875 * e.amount / min(e.onset_s, e.offset_s) / RATE_HZ for e in brief) < 0.3


def test_unknown_poses_are_refused() -> None:
    with pytest.raises(MotionError, match="found 'gloom'"):
        painted(Expression(0.5, "gloom"))
