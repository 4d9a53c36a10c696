from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.reliability import Reliability, confidence_metrics, log_density, reliability_of


def test_honest_and_boastful_confidence():
    rng = np.random.default_rng(0)
    truth = np.zeros((4000, 52))
    estimate = np.where(rng.random(truth.shape) < 0.7, 0.0, 0.5)
    honest = confidence_metrics(truth, estimate, np.full(truth.shape, 0.7))
    assert honest.calibration_error < 0.01
    boastful = confidence_metrics(truth, estimate, np.full(truth.shape, 0.95))
    assert boastful.calibration_error == pytest.approx(0.25, abs=0.01)
    assert boastful.share_within == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("scale", [0.03, 0.1, 0.4])
def test_intervals_of_true_laplace_errors_hold_four_in_five_and_no_other_scale_is_likelier(scale):
    rng = np.random.default_rng(1)
    truth = rng.laplace(scale=scale, size=(4000, 52))

    def metrics(claimed_scale):
        confidence = np.full(truth.shape, 1.0 - np.exp(-0.1 / claimed_scale))
        return confidence_metrics(truth, np.zeros_like(truth), confidence)

    honest = metrics(scale)
    assert honest.coverage_80 == pytest.approx(0.8, abs=0.01)
    assert honest.coverage_80_observable == pytest.approx(0.8, abs=0.01)
    assert honest.calibration_error < 0.01
    assert honest.log_likelihood == pytest.approx(-np.log(2.0 * scale) - 1.0, abs=0.01)
    assert honest.log_likelihood > max(metrics(0.6 * scale).log_likelihood, metrics(1.6 * scale).log_likelihood)


@settings(max_examples=20, deadline=None)
@given(claimed=st.floats(0.01, 0.99))
def test_the_density_is_one_altogether(claimed):
    error = np.linspace(-60.0, 60.0, 200_001)
    density = np.exp(log_density(error, np.full(error.shape, claimed)))
    assert np.trapezoid(density, error) == pytest.approx(1.0, abs=0.01)


def test_reliability_of_takes_together_is_that_of_all_their_weights():
    rng = np.random.default_rng(2)
    claimed, within = rng.random(500), rng.random(500) < 0.5
    whole = reliability_of(claimed, within)
    parts = Reliability.sum([reliability_of(claimed[:90], within[:90]), reliability_of(claimed[90:], within[90:])])
    assert parts.calibration_error == pytest.approx(whole.calibration_error)
    assert [b.count for b in parts.bins] == [b.count for b in whole.bins]
    assert reliability_of(np.array([1.0]), np.array([True])).bins[0].low == 0.9
    assert np.isnan(Reliability.sum([]).calibration_error)
