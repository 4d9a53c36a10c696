from __future__ import annotations

import pytest
import torch

from face_model import arkit
from face_model.faces import load_rig
from face_training.config import StageConfig
from face_training.geometry import face_geometry
from face_training.loss import PARTS, FaceLoss, shape_weights
from face_training.networks import Prediction


@pytest.fixture(scope="module")
def geometry():
    return face_geometry([load_rig()])


def _random(seed: int = 0) -> Prediction:
    torch.manual_seed(seed)
    mean, truth = torch.rand(3, 5, 8, arkit.COUNT), torch.rand(3, 5, 8, arkit.COUNT)
    return Prediction(mean.requires_grad_(), (torch.randn_like(mean) - 3.0).requires_grad_(), truth)


def _parts(stage: StageConfig, prediction: Prediction, geometry=None) -> dict[str, torch.Tensor]:
    return dict(zip(PARTS, FaceLoss(stage, 0.2, geometry)(prediction), strict=True))


def test_the_loss_is_the_sum_of_its_parts(geometry):
    stage = StageConfig(surface_weight=0.7, contact_weight=2.0)
    parts = _parts(stage, _random(), geometry)
    values = [float(parts[name].detach()) for name in PARTS]
    assert all(value != 0.0 for value in values)
    assert values[0] == pytest.approx(sum(values[1:]), rel=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_likelihood_fits_the_variance_and_leaves_the_mean_alone(beta):
    prediction = _random()
    _parts(StageConfig(beta=beta, likelihood_weight=1.0), prediction)["likelihood"].backward()
    assert prediction.mean.grad is None or float(prediction.mean.grad.abs().max()) == 0.0
    error = (prediction.mean - prediction.truth).detach() ** 2
    variance = prediction.log_variance.detach().exp()
    wanted = 0.5 * variance**beta * (1.0 - error / variance) * shape_weights(0.2) / error.numel()
    assert torch.allclose(prediction.log_variance.grad, wanted, rtol=1e-4, atol=1e-9)


def test_the_mean_is_fitted_by_squared_error_weighted_by_shape():
    prediction = _random()
    _parts(StageConfig(huber=0.0), prediction)["error"].backward()
    error = (prediction.mean - prediction.truth).detach()
    assert torch.allclose(prediction.mean.grad, 2.0 * error * shape_weights(0.2) / error.numel(), rtol=1e-4)


def test_a_robust_cost_is_the_square_of_small_errors_and_the_size_of_large_ones():
    def cost(error: float) -> float:
        truth = torch.zeros(1, 4, arkit.COUNT)
        return float(_parts(StageConfig(huber=0.05), Prediction(truth + error, truth, truth))["error"])

    assert cost(0.001) == pytest.approx(0.001**2, rel=1e-2)
    assert cost(2.0) - cost(1.0) == pytest.approx(2.0 * 0.05, rel=1e-2)


def test_a_constant_error_has_no_velocity():
    truth = torch.rand(2, 6, arkit.COUNT)
    parts = _parts(StageConfig(huber=0.0), Prediction(truth + 0.1, torch.zeros_like(truth), truth))
    assert float(parts["velocity"]) == pytest.approx(0.0, abs=1e-9)
    assert float(parts["acceleration"]) == pytest.approx(0.0, abs=1e-9)
    assert float(parts["error"]) == pytest.approx(0.01, rel=1e-3)


def test_errors_count_by_what_they_do_to_the_face(geometry):
    def surface(name: str) -> float:
        truth = torch.zeros(1, 4, arkit.COUNT)
        mean = truth.clone()
        mean[..., arkit.INDEX[name]] = 0.3
        prediction = Prediction(mean, truth, truth)
        return float(_parts(StageConfig(surface_weight=1.0), prediction, geometry)["surface"])

    assert surface("jawOpen") > 20.0 * surface("eyeSquintLeft")
    assert surface("tongueOut") < 0.01 * surface("jawOpen")


def test_without_geometry_there_are_no_geometric_parts():
    parts = _parts(StageConfig(surface_weight=1.0, contact_weight=1.0), _random())
    assert float(parts["surface"]) == float(parts["contact"]) == 0.0


def test_hidden_shapes_count_less_and_all_count_one_on_average():
    weights = shape_weights(0.2)
    assert float(weights.mean()) == pytest.approx(1.0)
    assert float(weights[arkit.INDEX["tongueOut"]]) == pytest.approx(0.2 * float(weights[arkit.INDEX["jawOpen"]]))
