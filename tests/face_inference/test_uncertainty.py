from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference import uncertainty
from face_model import arkit, observability

scales = st.floats(0.02, 3.0)
probabilities = st.floats(0.05, 0.99)


def test_what_sensors_cannot_see_claims_no_more_than_was_measured():
    sure = np.ones((3, arkit.COUNT), dtype=np.float32)
    found = uncertainty.honest(sure)
    assert (found[:, list(observability.HIDDEN)] < 0.995).all()
    assert (found[:, list(observability.OBSERVABLE)] == 1.0).all()
    assert (sure == 1.0).all()
    np.testing.assert_array_equal(uncertainty.honest(sure * np.float32(0.1)), sure * np.float32(0.1))


@given(scale=scales, probability=probabilities)
def test_the_interval_of_a_published_confidence_is_the_one_of_its_scale(scale, probability):
    confidence = uncertainty.confidence_of(np.array(scale))
    expected = uncertainty.half_width_of_scale(probability) * scale
    assert uncertainty.half_width(confidence, probability) == pytest.approx(expected, rel=2e-3)
    assert uncertainty.within(uncertainty.half_width_of_scale(probability)) == pytest.approx(probability)


@given(confidence=st.floats(0.01, 0.99))
def test_the_interval_at_the_confidence_itself_is_the_tolerance(confidence):
    found = uncertainty.half_width(np.array(confidence), confidence)
    assert found == pytest.approx(uncertainty.TOLERANCE)


def test_it_is_the_laplace_distribution():
    error = np.random.default_rng(1).laplace(scale=0.2 / np.sqrt(2.0), size=200_000)  # standard deviation 0.2
    claimed = uncertainty.confidence_of(np.array(0.2))
    assert float(claimed) == pytest.approx(float(np.mean(np.abs(error) <= 0.1)), abs=0.005)
    assert np.mean(np.abs(error) <= uncertainty.half_width(claimed, 0.8)) == pytest.approx(0.8, abs=0.005)


def test_a_sure_and_an_ignorant_confidence_give_finite_intervals():
    width = uncertainty.half_width(np.array([1.0, 0.0], dtype=np.float32), 0.8)
    assert np.all(np.isfinite(width))
    assert width[0] < 0.02
    assert width[1] > 1.0


def test_the_tensor_form_equals_the_array_form():
    torch = pytest.importorskip("torch", reason="running does not need PyTorch")
    scale = np.geomspace(0.01, 3.0, 40)
    tensor = uncertainty.confidence_from_scale(torch.from_numpy(scale))
    np.testing.assert_allclose(tensor.numpy(), uncertainty.confidence_of(scale), atol=1e-12)
