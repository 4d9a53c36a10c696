from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imu_sim.tissue import Tissue, TissueFilter, natural_frequencies, rigid_tissue

RATE_HZ = 1000.0
MODE_OF = ((0, 0, 1), (2, 2, 3))
"""Mode by signal (force, rate) and axis."""


def answer(signal: np.ndarray, frequency_hz: float = 40.0, damping: float = 0.2) -> np.ndarray:
    """Of a board to the same signal (N,) on every axis, (2, 3, N)."""
    tissue = Tissue(np.full((1, 4), frequency_hz), np.full((1, 4), damping))
    both = np.broadcast_to(signal, (3, 1, len(signal)))
    return np.stack(TissueFilter(tissue, RATE_HZ)(both, both))[:, :, 0]


@pytest.mark.parametrize(("frequency_hz", "damping"), [(40.0, 0.2), (150.0, 0.1), (25.0, 0.6)])
def test_a_step_rings_at_the_stated_frequency_and_damping(frequency_hz: float, damping: float) -> None:
    # The step is spread over the first sample, as the hold between samples has it.
    found = answer(np.where(np.arange(400) >= 1, 1.0, 0.0), frequency_hz, damping)
    w = 2.0 * np.pi * frequency_hz
    fine = np.linspace(0.0, 1.0 / RATE_HZ, 201)
    t = np.arange(400)[:, None] / RATE_HZ - fine

    def step_response(time: np.ndarray) -> np.ndarray:
        """Of H: 1 minus a decaying oscillation that starts with the slope 2 zeta w."""
        wd, decay = w * np.sqrt(1.0 - damping**2), np.exp(-damping * w * time)
        ring = decay * (np.cos(wd * time) - damping * w / wd * np.sin(wd * time))
        return np.where(time > 0.0, 1.0 - ring, 0.0)

    expected = np.trapezoid(step_response(t), fine, axis=1) * RATE_HZ
    np.testing.assert_allclose(found[0, 0], expected, atol=2e-5)
    for signal in found.reshape(6, -1):
        np.testing.assert_array_equal(signal, found[0, 0])


def test_a_slow_motion_passes_and_a_fast_one_does_not() -> None:
    t = np.arange(2000) / RATE_HZ

    def gain(frequency_hz: float) -> float:
        out = answer(np.sin(2.0 * np.pi * frequency_hz * t))[0, 0, 1000:]
        return float(np.sqrt(2.0 * np.mean(out**2)))

    def expected(frequency_hz: float) -> float:
        s, w = 2j * np.pi * frequency_hz, 2.0 * np.pi * 40.0
        return float(abs((0.4 * w * s + w * w) / (s * s + 0.4 * w * s + w * w)))

    for frequency_hz in (2.0, 10.0, 40.0, 80.0):
        assert gain(frequency_hz) == pytest.approx(expected(frequency_hz), rel=0.025)
    assert gain(2.0) == pytest.approx(1.0, abs=0.01)


def test_gravity_passes_from_the_first_sample_on() -> None:
    np.testing.assert_allclose(answer(np.full(300, 9.80665)), 9.80665, atol=1e-10)


def test_rigid_boards_follow_exactly_beside_soft_ones() -> None:
    tissue = Tissue(np.array([[np.inf] * 4, [50.0] * 4]), np.full((2, 4), 0.2))
    force, rate = np.random.default_rng(1).normal(size=(2, 3, 2, 333))
    felt, turned = TissueFilter(tissue, RATE_HZ)(force, rate)
    np.testing.assert_array_equal(felt[:, 0], force[:, 0])
    np.testing.assert_array_equal(turned[:, 0], rate[:, 0])
    assert not np.allclose(felt[:, 1], force[:, 1])
    untouched = TissueFilter(rigid_tissue(2), RATE_HZ)(force, rate)
    np.testing.assert_array_equal(untouched[0], force)


@given(st.lists(st.integers(0, 70), min_size=1, max_size=8))
def test_any_split_gives_the_same(sizes: list[int]) -> None:
    rng = np.random.default_rng(2)
    tissue = Tissue(rng.uniform(40.0, 200.0, (3, 4)), rng.uniform(0.1, 0.8, (3, 4)))
    signals = rng.normal(size=(2, 3, 3, sum(sizes)))
    whole = np.stack(TissueFilter(tissue, RATE_HZ)(*signals))
    split = TissueFilter(tissue, RATE_HZ)
    ends = np.cumsum(sizes)
    parts = [np.stack(split(*signals[..., end - size : end])) for size, end in zip(sizes, ends, strict=True)]
    np.testing.assert_allclose(np.concatenate(parts, axis=-1), whole, atol=1e-11)


def test_thin_firm_tissue_is_stiffer_than_thick_soft_tissue() -> None:
    modulus, depth = np.array([8e3, 3e3]), np.array([0.005, 0.015])
    forehead, cheek = natural_frequencies(modulus, depth, np.full(2, 0.0015))
    assert (forehead > 1.3 * cheek).all()
    assert 40.0 < cheek.min() < cheek.max() < 200.0
