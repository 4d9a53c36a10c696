from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit
from imu_sim.performance.canvas import Canvas
from imu_sim.performance.eye_motion import blink, blink_times, gaze
from imu_sim.performance.perform import Script, perform
from imu_sim.realism.statistics import blink_durations

LID = arkit.INDEX["eyeBlinkLeft"]


def test_blinks_close_faster_than_they_open() -> None:
    for seed in range(20):
        canvas = Canvas(np.arange(0.0, 2.0, 0.001))
        blink(1.0, canvas, np.random.default_rng(seed))
        lid = canvas.weights[:, LID]
        deep = np.flatnonzero(lid > lid.max() - 1e-9)
        moving = np.flatnonzero(lid > 1e-9)
        closing, opening = 1e-3 * (deep[0] - moving[0]), 1e-3 * (moving[-1] - deep[-1])
        assert 0.05 <= closing <= 0.1
        assert 0.1 <= opening <= 0.21
        assert opening > 1.1 * closing
        assert lid.max() > 0.4


def test_blinks_come_at_a_natural_rate() -> None:
    takes = [perform(Script(120.0), np.random.default_rng(seed), "rest") for seed in range(6)]
    found = [blink_durations(take) for take in takes]
    assert 10.0 <= np.mean([len(f) for f in found]) / 2.0 <= 22.0  # a minute; Bentivoglio 1997: 17 at rest
    assert 0.09 <= np.median(np.concatenate(found)) <= 0.15  # s at half depth, as recorded
    assert np.all(np.diff(blink_times(0.0, 300.0, np.random.default_rng(1))) >= 0.44)


@pytest.mark.parametrize("mean_s", [2.0, 6.0])
def test_mean_interval_is_as_asked_for(mean_s: float) -> None:
    times = blink_times(0.0, 5000.0, np.random.default_rng(0), mean_s)
    assert 5000.0 / len(times) == pytest.approx(mean_s, rel=0.12)


def test_gaze_jumps_fixates_counters_the_head_and_comes_home() -> None:
    times = np.arange(0.0, 60.0, 1 / 240)
    still = np.zeros((len(times), 3))
    looks, blinks = gaze(times, still, np.random.default_rng(0), 1.0, 0.0, 59.5)
    left = looks[:, arkit.INDEX["eyeLookOutLeft"]] - looks[:, arkit.INDEX["eyeLookInLeft"]]
    speed = np.abs(np.diff(left)) * 240.0
    assert speed.max() > 3.0  # saccades
    assert np.median(speed) < 0.1  # fixations
    assert np.abs(left[times > 59.4]).max() < 0.03
    assert all(0.0 < time < 59.5 for time in blinks)
    # A gaze weight and its opposite exclude each other, and both eyes look to the same side.
    assert not np.minimum(looks[:, arkit.INDEX["eyeLookOutLeft"]], looks[:, arkit.INDEX["eyeLookInLeft"]]).any()
    np.testing.assert_array_equal(looks[:, arkit.INDEX["eyeLookOutLeft"]], looks[:, arkit.INDEX["eyeLookInRight"]])
    turned = still + np.array([0.0, 0.0, 0.3])
    looks, _ = gaze(times, turned, np.random.default_rng(0), 0.0, 0.0, 59.5)
    assert looks[1000, arkit.INDEX["eyeLookOutRight"]] > 0.3
