from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.metrics import jitter_ratio, lag_s


@pytest.mark.parametrize("shift", [-7, 0, 5])
def test_lag_of_a_shifted_estimate(shift):
    truth = np.random.default_rng(0).normal(size=(600, 52))
    assert lag_s(truth, np.roll(truth, shift, axis=0), 100.0) == pytest.approx(shift / 100.0)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 3.0), offset=st.floats(-1.0, 1.0))
def test_jitter_is_energy_and_knows_no_offset(gain, offset):
    truth = np.random.default_rng(0).normal(size=(100, 52))
    assert jitter_ratio(truth, gain * truth + offset) == pytest.approx(gain**2)


def test_jitter_of_a_still_face_is_no_number():
    assert math.isnan(jitter_ratio(np.zeros((10, 52)), np.ones((10, 52))))
