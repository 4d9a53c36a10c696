"""Slopes, their errors, and the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imusic_bench.trend import fit_trend

numbers = st.floats(-1e4, 1e4)


@given(slope=numbers, start=numbers, count=st.integers(3, 60))
def test_a_straight_line_is_found_without_error(slope: float, start: float, count: int) -> None:
    times_s = 7.0 + np.arange(count)
    trend = fit_trend(times_s, start + slope * times_s / 60.0, practical_per_min=1.0)
    assert trend.per_min == pytest.approx(slope, abs=1e-6)
    assert trend.error_per_min == pytest.approx(0.0, abs=1e-6)
    if abs(slope - 1.0) > 1e-5:
        assert trend.grows == (slope > 1.0)


def test_independent_noise_gives_the_textbook_error() -> None:
    rng = np.random.default_rng(3)
    times_s = np.arange(600.0)
    values = rng.normal(size=600)
    trend = fit_trend(times_s, values, 0.001)
    textbook = 1.0 / np.sqrt(((times_s / 60.0 - times_s.mean() / 60.0) ** 2).sum())
    assert trend.error_per_min == pytest.approx(textbook, rel=0.2)
    assert not trend.grows


def test_a_random_walk_is_seldom_called_growth() -> None:
    times_s = np.arange(300.0)
    verdicts = [
        fit_trend(times_s, np.random.default_rng(seed).normal(size=300).cumsum(), 1e-6).grows for seed in range(200)
    ]
    # Nearly half of them with the usual standard error.
    assert np.mean(verdicts) < 0.2


def test_growth_below_the_practical_size_is_none() -> None:
    times_s = np.arange(60.0)
    assert fit_trend(times_s, times_s / 60.0, 0.9).grows
    assert not fit_trend(times_s, times_s / 60.0, 1.1).grows


@pytest.mark.parametrize(
    ("times_s", "values"), [([0.0, 1.0], [1.0, 2.0]), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([0.0, 1.0, 2.0], [1.0])]
)
def test_what_has_no_slope_is_refused(times_s: list[float], values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 3 values"):
        fit_trend(times_s, values, 1.0)
