from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from face_inference.errors import InferenceError  # noqa: E402
from face_training.networks import NetworkConfig, build_network, fit_statistics, published  # noqa: E402
from face_training.networks.base import novelty  # noqa: E402


@pytest.fixture(scope="module")
def usual():
    return torch.randn(2000, 130, generator=torch.Generator().manual_seed(3)) * 3.0 + 1.0


@pytest.fixture(scope="module")
def network(make, usual):
    found = make("gru")
    fit_statistics(found, usual, torch.rand(2000, 52))
    return found


def test_weights_are_within_limits_and_confidence_is_a_probability(network, usual):
    weights, confidence = published(network, 3.0 * torch.randn(2000, 52), torch.randn(2000, 52), usual)
    assert float(weights.min()) == 0.0
    assert float(weights.max()) == pytest.approx(1.1)
    assert float(confidence.min()) > 0.0
    assert float(confidence.max()) <= 1.0


def test_confidence_falls_with_variance_and_with_temperature(network, usual):
    mean, log_variance = torch.zeros(1, 52), torch.full((1, 52), -4.0)
    plain = published(network, mean, log_variance, usual[:1])[1]
    assert bool((published(network, mean, log_variance + 1.0, usual[:1])[1] < plain).all())
    network.log_temperature.fill_(0.5)
    try:
        hotter = published(network, mean, log_variance - 1.0, usual[:1])[1]
    finally:
        network.log_temperature.zero_()
    torch.testing.assert_close(hotter, plain)


def test_training_inputs_are_usual_and_unlike_motion_is_not(network, usual):
    share = float((novelty(network, usual) <= 1.0).float().mean())
    assert share == pytest.approx(0.995, abs=0.001)
    wild = usual.clone()
    wild[:, :40] = 1.0 + 6.0 * (wild[:, :40] - 1.0)
    assert float((novelty(network, wild) > 1.0).float().mean()) > 0.99
    mean, log_variance = torch.zeros(2000, 52), torch.full((2000, 52), -4.0)
    calm, excited = (published(network, mean, log_variance, x)[1] for x in (usual, wild))
    assert float(excited.mean()) < 0.7 * float(calm.mean())


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(1.0, 2.0))
def test_sigma_grows_with_the_root_of_novelty(network, factor):
    from face_training.networks import standard_deviation

    # All channels at the same distance from their mean, so that novelty is known.
    distance = factor * network.novelty_limit.sqrt()
    inputs = (network.input_mean + distance * network.input_scale)[None]
    sigma = standard_deviation(network, torch.zeros(1, 52), inputs)
    torch.testing.assert_close(sigma, torch.full((1, 52), factor), rtol=1e-3, atol=0)


def test_missing_channels_are_not_novel(network):
    inputs = (network.input_mean + 0.5 * network.novelty_limit.sqrt() * network.input_scale)[None].clone()
    whole = float(novelty(network, inputs))
    inputs[:, 10:40] = 0.0  # far from the mean in this data, and what an invalid sensor gives
    assert float(novelty(network, inputs)) == pytest.approx(whole, rel=1e-3)
    assert float(novelty(network, torch.zeros(1, 130))) == 0.0


def test_statistics(make, usual):
    network = make("gru")
    inputs, truth = usual.clone(), torch.rand(2000, 52)
    inputs[:, 0] = 1.0  # a flag that was never down
    inputs[:, 1] = 0.3  # a channel that never moved
    inputs[:, 2] = (inputs[:, 2] > 0.0).float()
    fit_statistics(network, inputs, truth)
    normalised = network.normalised(inputs)
    assert bool((normalised[:, 0] == 1.0).all())
    assert set(normalised[:, 2].tolist()) == {-1.0, 1.0}
    assert float(network.input_scale[1]) == pytest.approx(1e-3)
    torch.testing.assert_close(normalised[:, 3:].mean(dim=0), torch.zeros(127), atol=1e-3, rtol=0)
    torch.testing.assert_close(normalised[:, 3:].std(dim=0), torch.ones(127), atol=1e-3, rtol=0)
    unit = (truth - network.linear_estimate(inputs)) / network.residual_scale
    torch.testing.assert_close(unit.square().mean(dim=0), torch.ones(52), atol=1e-3, rtol=0)


def test_statistics_of_nothing_or_of_nan_are_refused(make, usual):
    network = make("gru")
    with pytest.raises(InferenceError, match="at least two rows"):
        fit_statistics(network, usual[:1], torch.rand(1, 52))
    with pytest.raises(InferenceError, match="finite"):
        fit_statistics(network, usual[:2] * float("nan"), torch.rand(2, 52))


@pytest.mark.parametrize("architecture", ["diffusion", "transformer", "gru", "tcn", "ridge"])
def test_inputs_behind_a_closed_gate_change_nothing(architecture):
    network = build_network(NetworkConfig(130, architecture, width=16, heads=2, window=9)).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network.input_gate[:5] = 0.0
    network.input_gate[-104:] = 0.0
    inputs = torch.randn(1, 12, 130)
    other = inputs.clone()
    other[..., :5] = 3.0
    other[..., -104:] = 0.7
    with torch.no_grad():
        found, expected = (network(x, network.initial_state(1)) for x in (inputs, other))
    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[1], expected[1])
