from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from face_inference import uncertainty
from face_inference.errors import InferenceError
from face_training.networks import published
from face_training.temperature import ALTERNATIVE, PUBLISHED, fit_family, fit_temperature


def _residuals(kind: str, misjudged: float, count: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Absolute errors (N, 3) and what a network would say of their standard deviation, wrong by a factor."""
    rng = np.random.default_rng(5)
    scale = np.exp(rng.normal(-2.5, 0.6, (count, 3)))
    noise = rng.laplace(scale=np.sqrt(0.5), size=scale.shape) if kind == "laplace" else rng.normal(size=scale.shape)
    return torch.from_numpy(np.abs(scale * noise)).float(), torch.from_numpy(scale / misjudged).float()


@pytest.mark.parametrize("misjudged", [0.5, 1.0, 3.0])
def test_a_misjudged_scale_is_put_right(misjudged):
    fit = fit_family(PUBLISHED, *_residuals("laplace", misjudged))
    np.testing.assert_allclose(fit.log_temperature, np.log(misjudged), atol=0.08)
    assert fit.coverage == pytest.approx(0.8, abs=0.02)
    assert fit.claimed == pytest.approx(fit.within, abs=0.01)


@pytest.mark.parametrize(("kind", "better"), [("laplace", PUBLISHED), ("gaussian", ALTERNATIVE)])
def test_the_family_that_the_errors_have_has_the_less_log_loss(kind, better):
    residuals = _residuals(kind, 1.0, 60_000)
    losses = {family.name: fit_family(family, *residuals).log_loss for family in (PUBLISHED, ALTERNATIVE)}
    assert min(losses, key=losses.get) == better.name


def test_intervals_hold_where_the_event_alone_would_not_make_them():
    """Errors with heavier tails than any scale explains: many nearly none, some large."""
    rng = np.random.default_rng(2)
    large = rng.random((30_000, 1)) < 0.25
    error = torch.from_numpy(np.abs(np.where(large, 0.25, 0.03) * rng.normal(size=(30_000, 1)))).float()
    fit = fit_family(PUBLISHED, error, torch.full_like(error, 0.1))
    assert 0.75 <= fit.coverage <= 0.85
    assert fit.claimed == pytest.approx(fit.within, abs=0.08)


def test_a_shape_that_nearly_always_rests_does_not_become_sure_of_itself():
    rng = np.random.default_rng(2)
    error = torch.from_numpy(np.where(rng.random((20_000, 1)) < 0.05, 0.5, 0.0)).float()
    fit = fit_family(PUBLISHED, error, torch.full_like(error, 0.1))
    assert fit.claimed == pytest.approx(0.95, abs=0.03)


def test_a_fitted_network_publishes_confidences_and_intervals_that_come_true(small, small_run):
    network = copy.deepcopy(small_run[1]["stage_2"])
    takes = small.SmallDataset().validation
    told = fit_temperature(network, takes)
    claimed, error = [], []
    for take in takes:
        inputs = torch.from_numpy(take.inputs)[None]
        with torch.no_grad():
            mean, log_variance, _ = network(inputs, network.initial_state(1))
            weights, confidence = published(network, mean, log_variance, inputs)
        claimed.append(confidence[0].numpy())
        error.append(np.abs(weights[0].numpy() - take.weights))
    claimed, error = np.concatenate(claimed), np.concatenate(error)
    assert claimed.mean() == pytest.approx((error <= uncertainty.TOLERANCE).mean(), abs=0.06)
    assert np.mean(error <= uncertainty.half_width(claimed, 0.8)) == pytest.approx(0.8, abs=0.06)
    assert told["coverage_80"] == pytest.approx(0.8, abs=0.05)
    assert told["distribution"] == "laplace"
    assert set(told["log_loss"]) == {"laplace", "gaussian"}
    with pytest.raises(InferenceError, match="validation people"):
        fit_temperature(network, ())
