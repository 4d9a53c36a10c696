from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")

from face_inference.errors import InferenceError  # noqa: E402
from face_training.networks import NetworkConfig, build_network  # noqa: E402
from face_training.networks.diffusion_network import STRIDE, carried, distillation_prediction, one_step_student  # noqa: E402

TICKS, HORIZON = 40, 4


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def network(make):
    return make("diffusion")


@pytest.fixture(scope="module")
def chunk():
    return torch.randn(3, TICKS, 130, generator=seeded(1)), torch.rand(3, TICKS, 52, generator=seeded(2))


def test_the_same_generator_gives_the_same_prediction(network, chunk):
    one, two, other = (network.training_prediction(*chunk, seeded(s)) for s in (5, 5, 6))
    torch.testing.assert_close(one.mean, two.mean, atol=0, rtol=0)
    assert float((one.mean - other.mean).detach().abs().max()) > 1e-3


def test_trajectories_are_consecutive_ticks_of_the_truth(network, chunk):
    found = network.training_prediction(*chunk, seeded()).truth
    starts = range(HORIZON - 1, TICKS - HORIZON + 1, STRIDE)
    expected = torch.stack([chunk[1][:, s : s + HORIZON] for s in starts], dim=1)
    torch.testing.assert_close(found, expected)


def test_what_is_sampled_from_the_fixed_noise_is_what_a_stream_publishes(network, chunk, monkeypatch):
    monkeypatch.setattr("face_training.networks.diffusion_network.CARRIED", 0.0)
    inputs, _ = chunk
    with torch.no_grad():
        mean, log_variance, _ = network(inputs, network.initial_state(3))
        sampled = network.sampled_prediction(inputs, network.noise)
    last = range(2 * HORIZON - 2, TICKS, STRIDE)  # present tick of each trajectory
    torch.testing.assert_close(sampled.mean[:, :, -1], mean[:, list(last)], atol=1e-5, rtol=0)
    torch.testing.assert_close(sampled.log_variance[:, :, -1], log_variance[:, list(last)], atol=1e-5, rtol=0)


def test_noise_and_number_of_steps_matter(network, chunk):
    inputs, _ = chunk
    with torch.no_grad():
        noise, other = (network.draw_noise(inputs, seeded(s)) for s in (1, 2))
        found = network.sampled_prediction(inputs, noise).mean
        assert float((network.sampled_prediction(inputs, other).mean - found).abs().max()) > 1e-3
        assert float((network.sampled_prediction(inputs, noise, steps=1).mean - found).abs().max()) > 1e-3
        torch.testing.assert_close(network.sampled_prediction(inputs, noise, steps=2).mean, found)


def test_variance_learns_from_pure_noise_only(network, chunk, monkeypatch):
    def gradient(level):
        shape = network.training_prediction(*chunk, seeded()).mean.shape[:2]
        monkeypatch.setattr(network, "_levels", lambda *_: torch.full(shape, level))
        network.zero_grad()
        found = network.training_prediction(*chunk, seeded())
        (found.log_variance.sum() + found.mean.sum()).backward()
        found = network.log_variance.weight.grad
        monkeypatch.undo()
        return 0.0 if found is None else float(found.abs().sum())

    assert gradient(1.0) > 0.0
    assert gradient(0.5) == 0.0


def test_a_student_starts_as_its_teacher_in_one_step_and_learns_towards_its_many(network, chunk):
    inputs, _ = chunk
    student = one_step_student(network).eval()
    assert student.config.steps == 1
    noise = network.draw_noise(inputs, seeded())
    prediction = distillation_prediction(student, network, inputs, noise)
    with torch.no_grad():
        torch.testing.assert_close(prediction.mean, network.sampled_prediction(inputs, noise, steps=1).mean)
        torch.testing.assert_close(prediction.truth, network.sampled_prediction(inputs, noise).mean)
    optimiser = torch.optim.Adam(student.parameters(), lr=1e-3)
    losses = []
    for _ in range(30):
        found = distillation_prediction(student, network, inputs, noise)
        loss = ((found.mean - found.truth) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(parameter.grad is None for parameter in network.parameters())


def test_it_learns_a_mapping_that_the_reading_misses(monkeypatch):
    # Neighbouring ticks have nothing to do with each other here, so nothing can be carried on.
    monkeypatch.setattr("face_training.networks.diffusion_network.CARRIED", 0.0)
    torch.manual_seed(0)
    network = build_network(NetworkConfig(130, width=32, layers=1, heads=2, window=8, horizon=4, dropout=0.0))
    mixing = 0.3 * torch.randn(26, 52)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)

    def batch(seed):
        inputs = torch.randn(8, 31, 130, generator=seeded(seed))
        return inputs, network.linear_estimate(inputs) + inputs[..., :26] @ mixing

    for step in range(60):
        network.train()
        found = network.training_prediction(*batch(step), seeded(step))
        loss = ((found.mean - found.truth) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    inputs, truth = batch(1000)
    with torch.no_grad():
        mean, _, _ = network(inputs, network.initial_state(8))
    untrained = (network.linear_estimate(inputs) - truth).square().mean()
    assert float((mean - truth).square().mean()) < 0.7 * float(untrained)


def test_chunks_without_room_for_a_trajectory_are_refused(network):
    with pytest.raises(InferenceError, match="at least 7 ticks, found 6"):
        network.training_prediction(torch.randn(1, 6, 130), torch.rand(1, 6, 52), seeded())


def trajectories_of(truth, noise):
    """The last two ticks (B, L, 2, W) of trajectories of `truth` (B, L, W), each moved as a whole by `noise`."""
    before = torch.cat([truth[:, :1], truth[:, :-1]], dim=1)
    return torch.stack([before, truth], dim=2) + noise[:, :, None]


def test_carrying_on_takes_the_trembling_of_the_level_and_no_time():
    ramp = torch.linspace(0.0, 2.0, 60)[None, :, None].expand(1, -1, 52)
    nothing = torch.zeros(1, 1, 52)
    quiet = carried(trajectories_of(ramp, torch.zeros_like(ramp)), nothing, torch.zeros(1, 1, 1))
    torch.testing.assert_close(quiet, ramp, atol=1e-6, rtol=0)
    noise = 0.1 * torch.randn(1, 60, 52, generator=seeded(3))
    found = carried(trajectories_of(ramp, noise), nothing, torch.zeros(1, 1, 1))

    def trembling(x):
        return float(x.diff(n=2, dim=1).square().mean())

    assert trembling(found) < 0.05 * trembling(ramp + noise)
    torch.testing.assert_close(found[:, 0], (ramp + noise)[:, 0])


def test_carrying_on_may_be_cut_anywhere():
    ends = torch.randn(2, 9, 2, 52, generator=seeded(4))
    nothing, new = torch.zeros(2, 1, 52), torch.zeros(2, 1, 1)
    whole = carried(ends, nothing, new)
    first = carried(ends[:, :4], nothing, new)
    second = carried(ends[:, 4:], first[:, -1:], torch.ones(2, 1, 1))
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
