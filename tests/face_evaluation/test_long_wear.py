from __future__ import annotations

import numpy as np
import pytest

from face_evaluation.long_wear import mean_long_wear, read_long_wear
from face_inference.errors import InferenceError


def test_a_growing_error(recorded):
    recording = recorded(seconds=306.0, rate_hz=10.0)
    growing = np.clip((np.arange(3060) - 30) / 3000.0, 0.0, 1.0)[:, None] * 0.1
    wear = read_long_wear(recording, recording.weights + growing, rest_s=3.0)
    assert wear.first == pytest.approx(0.01, rel=0.01)
    assert wear.last == pytest.approx(0.09, rel=0.01)
    assert wear.growth == pytest.approx(9.0, rel=0.02)
    np.testing.assert_allclose(wear.minutes, [0.01, 0.03, 0.05, 0.07, 0.09], rtol=0.01)
    steady = read_long_wear(recording, recording.weights + 0.05, rest_s=3.0)
    assert mean_long_wear([wear, steady]).first == pytest.approx(0.03, rel=0.01)
    assert steady.growth == pytest.approx(1.0)


def test_a_short_take_is_refused(recorded):
    recording = recorded(seconds=100.0, rate_hz=10.0)
    with pytest.raises(InferenceError, match="at least 120 s"):
        read_long_wear(recording, recording.weights, rest_s=3.0)
