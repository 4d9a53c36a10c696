"""Small networks of every architecture, with weights and buffers that make everything matter."""

from __future__ import annotations

import pytest

INPUTS = 130
SMALL = {"width": 16, "layers": 2, "heads": 2, "window": 9, "horizon": 4, "denoiser_width": 8, "steps": 2}


def make_network(architecture: str, seed: int = 0, inputs: int = INPUTS, **sizes: int):
    """A network in evaluation mode whose quiet layers speak."""
    torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")
    from face_training.networks import NetworkConfig, build_network, fit_statistics

    torch.manual_seed(seed)
    network = build_network(NetworkConfig(inputs, architecture, **{**SMALL, **sizes})).eval()
    rows, truth = torch.randn(300, inputs), torch.rand(300, 52)
    fit_statistics(network, rows, truth)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    if architecture == "ridge":
        network.fit([(rows, truth)], 0.01)
    return network


@pytest.fixture(scope="session")
def make():
    return make_network
