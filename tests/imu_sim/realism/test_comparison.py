from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit
from imu_sim.motion import FaceMotion
from imu_sim.performance import performance
from imu_sim.realism.comparison import distances
from imu_sim.realism.statistics import motion_statistics


def changed(motion: FaceMotion, weights: np.ndarray, rate_hz: float | None = None) -> FaceMotion:
    return FaceMotion(rate_hz or motion.rate_hz, weights, motion.head_orientation, motion.head_position)


def named(a: FaceMotion, b: FaceMotion) -> dict[str, float]:
    return {d.name: d.value for d in distances(motion_statistics([a]), motion_statistics([b]))}


@pytest.fixture(scope="module")
def motion() -> FaceMotion:
    # The scripted one: a random person may hold poses for most of a minute, and then has few speeds to compare.
    return performance()


def test_motion_is_no_distance_from_itself(motion: FaceMotion) -> None:
    s = motion_statistics([motion])
    for d in distances(s, s):
        assert d.value == pytest.approx(0.0 if d.kind == "distance" else 1.0, abs=1e-9), d.name


def test_half_as_strong_and_twice_as_fast_are_seen(motion: FaceMotion) -> None:
    weak = named(changed(motion, 0.5 * motion.weights), motion)
    assert weak["mean weight"] == pytest.approx(0.5, abs=1e-6)
    assert weak["deviation"] == pytest.approx(0.5, abs=1e-6)
    assert weak["weights, Wasserstein"] > 0.01
    assert weak["correlation of shapes, mean difference"] == pytest.approx(0.0, abs=0.05)
    fast = named(changed(motion, motion.weights, 120.0), motion)
    # Not quite doubled: at twice the speed more of the slow motion counts as moving.
    assert 1.2 < fast["speed while moving, 95th percentile"] <= 2.05
    assert fast["events a minute"] == pytest.approx(2.0, rel=0.2)
    assert fast["spectrum, share of power elsewhere"] > 0.1
    assert fast["head, angular rate"] == pytest.approx(2.0, rel=0.1)


def test_shuffled_shapes_have_other_correlations(motion: FaceMotion) -> None:
    rolled = np.stack([np.roll(motion.weights[:, i], 97 * i) for i in range(arkit.COUNT)], 1)
    assert named(changed(motion, rolled), motion)["correlation of shapes, mean difference"] > 0.03
    assert named(changed(motion, rolled), motion)["left-right correlation, mean difference"] > 0.5


def test_what_never_happens_has_no_ratio(motion: FaceMotion) -> None:
    found = named(changed(motion, np.zeros_like(motion.weights)), motion)
    assert np.isnan(found["events a minute"])
    assert np.isnan(found["blinks a minute"])
    assert found["weights, Wasserstein"] > 0.01
