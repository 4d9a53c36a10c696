"""Every architecture: any split of the ticks gives what one call gives, and nothing looks ahead."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from face_training.networks import ARCHITECTURES, base  # noqa: E402

TICKS = 30
architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


@pytest.fixture(scope="module")
def inputs():
    return torch.randn(2, TICKS, 130, generator=torch.Generator().manual_seed(1))


@architectures
@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(1, TICKS - 1)))
def test_any_split_equals_one_call(make, inputs, architecture, cuts):
    network = make(architecture)
    with torch.no_grad():
        whole = network(inputs, network.initial_state(2))
        state, parts = network.initial_state(2), []
        edges = [0, *sorted(cuts), TICKS]
        for start, end in itertools.pairwise(edges):
            mean, log_variance, state = network(inputs[:, start:end], state)
            parts.append((mean, log_variance))
    torch.testing.assert_close(torch.cat([m for m, _ in parts], dim=1), whole[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.cat([v for _, v in parts], dim=1), whole[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(state, whole[2], atol=1e-5, rtol=0)
    assert [tuple(s.shape) for s in state] == list(network.state_shapes(2).values())


@architectures
def test_long_inputs_go_through_in_blocks(make, inputs, architecture, monkeypatch):
    network = make(architecture)
    with torch.no_grad():
        whole = network(inputs, network.initial_state(2))
        monkeypatch.setattr(base, "BLOCK_TICKS", 7)
        blocks = network(inputs, network.initial_state(2))
    torch.testing.assert_close(blocks, whole, atol=1e-5, rtol=0)


@architectures
def test_the_future_changes_nothing_and_the_present_does(make, inputs, architecture):
    network, changed = make(architecture), inputs.clone()
    changed[:, 20:] += 1.0
    with torch.no_grad():
        mean, log_variance, _ = network(inputs, network.initial_state(2))
        other_mean, other_log_variance, _ = network(changed, network.initial_state(2))
    torch.testing.assert_close(other_mean[:, :20], mean[:, :20], atol=1e-5, rtol=0)
    torch.testing.assert_close(other_log_variance[:, :20], log_variance[:, :20], atol=1e-5, rtol=0)
    assert float((other_mean - mean)[:, 20].abs().max()) > 1e-3


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a != "ridge"])
def test_the_past_matters(make, inputs, architecture):
    network = make(architecture)
    with torch.no_grad():
        remembered = network(inputs, network.initial_state(2))[0][:, 15]
        forgotten = network(inputs[:, 15:], network.initial_state(2))[0][:, 0]
    assert float((remembered - forgotten).abs().max()) > 1e-3


@pytest.mark.parametrize("architecture", ["transformer", "diffusion"])
def test_beyond_the_window_of_every_layer_nothing_is_remembered(make, inputs, architecture, monkeypatch):
    # What is carried on fades, but has no end.
    monkeypatch.setattr("face_training.networks.diffusion_network.CARRIED", 0.0)
    network, changed = make(architecture), inputs.clone()
    reach = 2 * (9 - 1) + (4 - 1 if architecture == "diffusion" else 0)  # two layers, and the trajectory
    changed[:, 0] += 1.0
    with torch.no_grad():
        mean = network(inputs, network.initial_state(2))[0]
        other = network(changed, network.initial_state(2))[0]
    difference = (other - mean).abs().amax(dim=(0, 2))  # (L,)
    assert float(difference[: reach + 1].max()) > 1e-4
    assert float(difference[reach + 1 :].max()) < 1e-5


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a != "ridge"])
def test_a_new_network_says_what_the_reading_says(architecture, inputs):
    from face_training.networks import NetworkConfig, build_network

    network = build_network(NetworkConfig(130, architecture, width=16, heads=2, window=9)).eval()
    with torch.no_grad():
        mean, _, _ = network(inputs, network.initial_state(2))
    torch.testing.assert_close(mean, network.linear_estimate(inputs))
