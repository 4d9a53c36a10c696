"""Smooth random signals: what faces, eyes and heads do for no reason."""

from __future__ import annotations

import numpy as np

from imu_sim.motion import Floats

_KNOTS_PER_CUTOFF = 4.0
"""Knots a second for each Hz of cut-off: the cubic B-spline kernel then halves the power at 0.9 of the cut-off."""

_KERNEL_POWER = 151.0 / 315.0
"""Power of the cubic B-spline kernel, its autocorrelation at zero (the septic B-spline at its centre)."""


def smooth_noise(samples: int, rate_hz: float, cutoff_hz: float, rng: np.random.Generator) -> Floats:
    """Gaussian noise (samples,) of unit deviation, twice differentiable, with little content above `cutoff_hz`."""
    return smooth_noises(samples, 1, rate_hz, cutoff_hz, rng)[:, 0]


def smooth_noises(samples: int, channels: int, rate_hz: float, cutoff_hz: float, rng: np.random.Generator) -> Floats:
    """Independent channels of `smooth_noise`, (samples, channels).

    White noise at a low rate is the coefficients of a uniform cubic B-spline (M. Unser, "Splines: a perfect fit for
    signal and image processing", 1999), far cheaper than filtering white noise at the full rate.
    """
    step = _KNOTS_PER_CUTOFF * cutoff_hz / rate_hz
    # A random phase: the variance of the spline between knots differs a little from that at knots.
    position = rng.random() + step * np.arange(samples)
    knot = position.astype(np.int64)
    coefficients = rng.standard_normal((int(knot[-1]) + 4, channels)) / np.sqrt(_KERNEL_POWER)
    basis = _cubic_basis(np.asarray(position - knot, dtype=np.float64))
    noise = sum(basis[k][:, None] * coefficients[knot + k] for k in range(4))
    return np.asarray(noise, dtype=np.float64)


def _cubic_basis(share: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Values of the four cubic B-splines that overlap a point `share` (T,) of the way from one knot to the next."""
    rest, square, cube = 1.0 - share, share * share, share * share * share
    return (
        rest * rest * rest / 6.0,
        (4.0 - 6.0 * square + 3.0 * cube) / 6.0,
        (1.0 + 3.0 * (share + square - cube)) / 6.0,
        cube / 6.0,
    )
