from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_recording.takes.reference_findings import best_lag


@given(shift=st.integers(-300, 300), seed=st.integers(0, 100))
@settings(max_examples=20)
def test_the_best_lag_is_found(shift: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(3000, 2))
    smooth = np.stack([np.convolve(column, np.ones(25), mode="same") for column in noise.T], axis=1)
    lag_s, r = best_lag(smooth[500:2500], smooth[500 - shift : 2500 - shift])
    assert lag_s * 250.0 == pytest.approx(shift, abs=0.5)
    assert r > 0.8
