from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BSpline

from imu_sim.splines import Sampling, UniformSpline

POINTS = np.random.default_rng(0).normal(size=(5, 90))


@pytest.mark.parametrize("derivative", [0, 1, 2])
def test_values_and_derivatives_are_those_of_the_b_spline(derivative: int) -> None:
    knots = (np.arange(96) - 3.0) / 60.0
    times = np.linspace(0.1, 1.3, 77)
    expected = BSpline(knots, POINTS.T, 5)(times, derivative).T
    found = UniformSpline(POINTS, 60.0)(times, derivative)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("rate_hz", [1000.0, 1200.0, 1036.0, 1000.0123])
@pytest.mark.parametrize("start_s", [0.0, 0.3371])
def test_a_sampling_gives_the_same_as_single_times(start_s: float, rate_hz: float, loop: bool) -> None:
    spline, sampling = UniformSpline(POINTS, 60.0, loop), Sampling(start_s, rate_hz)
    # From before the start to beyond the end of the control points.
    for first, count in ((-9, 1), (-9, 800), (791, 1200)):
        for derivative, found in enumerate(spline.on(sampling)(first, count, range(3))):
            expected = spline(sampling.times(first, count), derivative)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * 60.0**derivative)


def test_interpolation_passes_through_the_values() -> None:
    times = np.arange(90) / 60.0
    for loop in (False, True):
        np.testing.assert_allclose(UniformSpline.through(POINTS, 60.0, loop)(times), POINTS, atol=1e-10)


def test_a_loop_repeats_and_is_smooth_at_its_seam() -> None:
    spline = UniformSpline.through(POINTS, 60.0, loop=True)
    times = np.linspace(0.0, 1.5, 40)
    for derivative in range(3):
        np.testing.assert_allclose(spline(times + 1.5, derivative), spline(times, derivative), atol=1e-6)
        seam = spline(np.array([1.5 - 1e-9, 1.5 + 1e-9]), derivative)
        np.testing.assert_allclose(seam[:, 0], seam[:, 1], rtol=0, atol=1e-5 * 60.0**derivative)


def test_interpolation_keeps_a_slope_up_to_both_ends() -> None:
    line = np.outer([1.0, -2.0], np.arange(40) / 60.0)
    spline = UniformSpline.through(line, 60.0)
    np.testing.assert_allclose(spline(np.linspace(0.0, 39.0 / 60.0, 50), 1).T, np.tile([1.0, -2.0], (50, 1)), atol=1e-9)
