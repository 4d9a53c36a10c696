from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.metrics import CLEARLY, LOWER, UPPER, compare_weights, correlations, own_rest
from face_inference.errors import InferenceError
from face_model import arkit, observability

JAW = arkit.INDEX["jawOpen"]
SEEDS = st.integers(0, 1000)


def sine(frequency_hz=0.7, count=1000, rate_hz=100.0):
    weights = np.zeros((count, 52), dtype=np.float32)
    t = np.arange(count) / rate_hz
    weights[:] = (0.5 + 0.4 * np.sin(2 * np.pi * frequency_hz * t))[:, None]
    return weights


def test_a_perfect_estimate():
    truth = sine()
    metrics = compare_weights(truth, truth, 100.0)
    assert metrics.mae == metrics.mae_relative == 0.0
    assert metrics.good_lower == metrics.good_upper == 1.0
    assert metrics.r_observable == pytest.approx(1.0)
    assert metrics.r_clearly == pytest.approx(1.0)


def test_mae_of_a_constant_offset_and_of_hidden_shapes_alone():
    truth = sine()
    offset = compare_weights(truth, truth + np.float32(0.1), 100.0)
    assert offset.mae == pytest.approx(0.1, abs=1e-6)
    assert offset.mae_relative == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(offset.shape_mae, 0.1, atol=1e-6)
    hidden = [i for i in range(52) if i not in observability.OBSERVABLE]
    estimate = truth.copy()
    estimate[:, hidden] += 0.52
    metrics = compare_weights(truth, estimate, 100.0)
    assert metrics.mae_observable == 0.0
    assert metrics.mae == pytest.approx(0.52 * len(hidden) / 52, abs=1e-6)


def test_upper_and_lower_face_have_limits_of_their_own():
    truth, estimate = sine(), sine()
    estimate[:, UPPER] += 0.05
    estimate[:300, LOWER] += 0.05
    metrics = compare_weights(truth, estimate, 100.0)
    assert metrics.mae_upper == pytest.approx(0.05, abs=1e-6)
    assert metrics.mae_lower == pytest.approx(0.015, abs=1e-6)
    assert metrics.good_upper == 1.0
    assert metrics.good_lower == pytest.approx(0.7)
    assert len(UPPER) + len(LOWER) == 52


def test_clearly_seen_shapes_are_some_of_the_observable():
    assert set(CLEARLY) < set(observability.OBSERVABLE)


def test_own_rest_is_the_most_relaxed_second():
    truth = sine()
    truth[400:500] = 0.03
    assert own_rest(truth, 100.0) == slice(400, 500)
    assert own_rest(truth[:50], 100.0) == slice(0, 50)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, offset=st.floats(-0.3, 0.3))
def test_an_offset_changes_neither_relative_error_nor_correlation(seed, offset):
    rng = np.random.default_rng(seed)
    truth, estimate = rng.random((300, 52)), rng.random((300, 52))
    a, b = compare_weights(truth, estimate, 100.0), compare_weights(truth, estimate + offset, 100.0)
    assert b.mae_relative == pytest.approx(a.mae_relative)
    assert b.r_observable == pytest.approx(a.r_observable)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_mean_of_lower_and_upper_face_is_the_mean_of_all(seed):
    rng = np.random.default_rng(seed)
    metrics = compare_weights(rng.random((50, 52)), rng.random((50, 52)), 100.0)
    parts = (len(LOWER) * metrics.mae_lower + len(UPPER) * metrics.mae_upper) / 52
    assert parts == pytest.approx(metrics.mae)
    assert metrics.shape_mae.mean() == pytest.approx(metrics.mae)


def test_correlation_is_signed_skips_still_shapes_and_is_zero_for_a_constant_estimate():
    truth, estimate = sine(), sine()
    truth[:, JAW] = 0.3
    estimate[:, 0] = 1.0 - estimate[:, 0]
    estimate[:, 1] = 0.2
    r = correlations(truth, estimate)
    assert "jawOpen" not in r
    assert r[arkit.BLENDSHAPES[0]] == pytest.approx(-1.0)
    assert r[arkit.BLENDSHAPES[1]] == 0.0


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(InferenceError, match="expected two arrays"):
        compare_weights(np.zeros((5, 52)), np.zeros((4, 52)), 100.0)
