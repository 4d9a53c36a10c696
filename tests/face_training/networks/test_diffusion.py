from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch, running a model does not")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from face_training.networks.diffusion import ddim, ddim_levels, noised, signal_and_noise  # noqa: E402


@given(level=st.floats(0.0, 1.0))
def test_the_schedule_keeps_unit_variance_and_follows_the_cosine(level):
    signal, noise = signal_and_noise(torch.tensor(level, dtype=torch.float64))
    assert float(signal**2 + noise**2) == pytest.approx(1.0)
    cosine = math.cos((level + 0.008) / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)
    assert float(signal) == pytest.approx(cosine, abs=1e-9)


def test_the_ends_of_the_schedule_are_all_signal_and_all_noise():
    clean, noise = torch.randn(2, 4, 52), torch.randn(2, 4, 52)
    ends = noised(clean, noise, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(ends[0], clean[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(ends[1], noise[1], atol=1e-3, rtol=0)


def test_levels_fall_from_pure_noise():
    assert ddim_levels(1) == (1.0,)
    assert ddim_levels(4) == (1.0, 0.75, 0.5, 0.25)


@settings(max_examples=20, deadline=None)
@given(steps=st.integers(1, 6), seed=st.integers(0, 1000))
def test_a_perfect_denoiser_is_believed_at_any_number_of_steps(steps, seed):
    generator = torch.Generator().manual_seed(seed)
    truth, noise = torch.randn(3, 4, 52, generator=generator), torch.randn(3, 4, 52, generator=generator)
    found = ddim(lambda x, level: truth, noise, steps)
    torch.testing.assert_close(found, truth)


def test_many_steps_draw_from_the_distribution_that_the_denoiser_knows():
    """For data of variance v the best x0 prediction is linear; the sampler must return samples of variance v."""
    variance = 0.25

    def denoise(x, level):
        signal, noise = signal_and_noise(level[:, None, None])
        return x * signal * variance / (signal**2 * variance + noise**2)

    noise = torch.randn(400, 4, 52, generator=torch.Generator().manual_seed(0))
    assert float(ddim(denoise, noise, 1).std()) == pytest.approx(0.0, abs=1e-3)  # one step gives the mean
    assert float(ddim(denoise, noise, 200).std()) == pytest.approx(math.sqrt(variance), rel=0.03)
