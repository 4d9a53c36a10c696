from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")

from face_inference.errors import InferenceError  # noqa: E402
from face_training.networks import NetworkConfig, build_network, fit_statistics  # noqa: E402


def linear_data(rows=600, noise=0.05):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(rows, 130, generator=generator)
    mixing = 0.05 * torch.randn(130, 52, generator=generator)
    return inputs, 0.3 + inputs @ mixing + noise * torch.randn(rows, 52, generator=generator)


def test_it_finds_a_linear_map_and_its_residuals():
    inputs, truth = linear_data()
    network = build_network(NetworkConfig(130, "ridge"))
    fit_statistics(network, inputs, truth)
    network.fit(zip(inputs.split(100), truth.split(100), strict=True), ridge=1e-6)
    mean, log_variance, state = network(inputs[None], ())
    error = mean[0] - truth
    assert state == ()
    assert float(error.std()) < 0.05
    measured = error.square().mean(dim=0)
    torch.testing.assert_close(log_variance[0, 0].exp(), measured, rtol=1e-3, atol=1e-6)


def test_batches_of_any_size_give_the_same(make):
    inputs, truth = linear_data()
    one, many = make("ridge"), make("ridge")
    one.fit([(inputs, truth)], 0.1)
    many.fit([(inputs[:7].reshape(1, 7, 130), truth[:7].reshape(1, 7, 52)), (inputs[7:], truth[7:])], 0.1)
    torch.testing.assert_close(one.weight, many.weight)


def test_a_larger_ridge_shrinks_towards_the_mean(make):
    inputs, truth = linear_data()
    network = make("ridge")
    network.fit([(inputs, truth)], 1e6)
    mean, _, _ = network(inputs[None], ())
    torch.testing.assert_close(mean[0], truth.mean(dim=0).expand_as(truth), atol=1e-3, rtol=0)


def test_no_rows_are_refused(make):
    with pytest.raises(InferenceError, match="at least one batch"):
        make("ridge").fit([], 0.1)
