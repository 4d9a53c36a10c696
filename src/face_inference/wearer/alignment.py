"""When known weights and the sensors' observations saw the same: the lag between two clocks, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import correlate

from face_inference.errors import WearerError
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior

FloatArray = NDArray[np.float64]

_GRID_HZ = 60.0
_SLOW_S = 2.0
"""Slower motion is taken out before the two are compared: the sensors' headings drift, a phone's rest is not zero."""

_MOST_BRIDGED_S = 0.25
"""A longer gap counts as not there."""

_LEAST_OVERLAP = 0.5
"""Share of the shorter recording that must lie within the other."""

_PEAK_WIDTH_S = 0.6
"""Closer than this to the best lag a high correlation is the same peak."""


@dataclass(frozen=True)
class Alignment:
    """The best lag.

    Attributes:
        lag_s: a moment at t on the weights' clock is t + lag_s on the sensors'.
        correlation: of the observations with what the prior's mean Jacobian makes of the weights, there.
        lead: that correlation over the best at any other lag, also at those that were not asked for.
    """

    lag_s: float
    correlation: float
    lead: float


def align(
    observations: Observations,
    time_s: NDArray[np.floating],
    weights: NDArray[np.floating],
    prior: Prior,
    max_lag_s: float,
    known: NDArray[np.bool_] | None = None,
) -> Alignment:
    """Lag of at most `max_lag_s` at which weights (P, 52) at times (P,) fit the observations best.

    Both sides are compared in the sensors' rotations, each channel in units of its noise, by cross-correlation
    normalised over the part where both are there; a parabola through the peak gives fractions of a frame. `known` (P,)
    says which of the weights were seen; None: all of them.

    Raises:
        WearerError: the two do not overlap by half at any such lag.
    """
    seen, there = _seen(observations)
    expected, expected_there = _expected(time_s, weights, prior, known)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(prior.noise), 1e-12))
    seen *= scale
    expected *= scale
    product = _slide(seen, expected)
    seen_power = _slide(np.square(seen), np.ones_like(expected) * expected_there)
    expected_power = _slide(there.astype(np.float64), np.square(expected))
    overlap = _slide(np.asarray(there.any(axis=1, keepdims=True), np.float64), expected_there.astype(np.float64))
    steps = np.arange(len(product)) - (len(expected) - 1)
    offset_s = observations.time_s[0] - time_s[0]
    lags_s = steps / _GRID_HZ + offset_s
    overlaps = overlap >= _LEAST_OVERLAP * min(len(seen), len(expected))
    usable = overlaps & (np.abs(lags_s) <= max_lag_s + 0.5 / _GRID_HZ)
    if not usable.any():
        raise WearerError(
            f"expected recordings that overlap by half within {max_lag_s:g} s of each other, found the phone's "
            f"{time_s[0]:.1f} to {time_s[-1]:.1f} s and the sensors' {observations.time_s[0]:.1f} to "
            f"{observations.time_s[-1]:.1f} s; record both at once"
        )
    power = np.sqrt(np.maximum(seen_power * expected_power, 0.0))
    score = np.where(overlaps, product / np.maximum(power, 1e-9), -1.0)
    best = int(np.argmax(np.where(usable, score, -1.0)))
    # Lags out of reach count too: they tell what chance gives, and whether the true lag lies there.
    elsewhere = score[overlaps & (np.abs(lags_s - lags_s[best]) > _PEAK_WIDTH_S)]
    lead = float(score[best] / max(float(elsewhere.max(initial=0.0)), 1e-9))
    return Alignment(float(lags_s[best]) + _vertex(score, best) / _GRID_HZ, float(score[best]), lead)


def _seen(observations: Observations) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Observations on the grid (N, D) without their slow part, zero where missing; and where they are there (N, D)."""
    grid_s = _grid(observations.time_s)
    values = np.zeros((len(grid_s), observations.values.shape[1]))
    there = np.zeros(values.shape, dtype=bool)
    for channel in range(values.shape[1]):
        valid = observations.valid[:, channel]
        if np.count_nonzero(valid) < 2:
            continue
        known_s = observations.time_s[valid]
        values[:, channel] = np.interp(grid_s, known_s, observations.values[valid, channel])
        after = np.clip(np.searchsorted(known_s, grid_s), 1, len(known_s) - 1)
        there[:, channel] = known_s[after] - known_s[after - 1] < _MOST_BRIDGED_S
    return _without_slow(values) * there, there


def _expected(
    time_s: NDArray[np.floating], weights: NDArray[np.floating], prior: Prior, known: NDArray[np.bool_] | None
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What the prior's mean Jacobian makes of the phone's weights on the grid (M, D); where there are any (M, 1)."""
    grid_s = _grid(time_s)
    on_grid = np.stack(
        [np.interp(grid_s, time_s, column) for column in np.asarray(weights, dtype=np.float64).T], axis=1
    )
    there = np.ones((len(grid_s), 1), dtype=bool)
    if known is not None and not known.all():
        known_s = np.asarray(time_s)[known]
        after = np.clip(np.searchsorted(known_s, grid_s), 1, len(known_s) - 1)
        inside = (grid_s >= known_s[0]) & (grid_s <= known_s[-1])
        there = (inside & (known_s[after] - known_s[after - 1] < _MOST_BRIDGED_S))[:, None]
    return _without_slow(on_grid @ prior.mean.T.astype(np.float64)) * there, there


def _grid(time_s: NDArray[np.floating]) -> FloatArray:
    """Times of `_GRID_HZ` from the first to the last."""
    return np.asarray(time_s[0] + np.arange(int((time_s[-1] - time_s[0]) * _GRID_HZ) + 1) / _GRID_HZ, dtype=np.float64)


def _without_slow(values: FloatArray) -> FloatArray:
    fast: FloatArray = values - gaussian_filter1d(values, _SLOW_S * _GRID_HZ, axis=0, mode="nearest")
    return fast


def _slide(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum over time and channels of a times b, shifted, for every shift of b: (N, D), (M, D) -> (N + M - 1,)."""
    slid: FloatArray = sum(correlate(a[:, d], b[:, d], mode="full", method="fft") for d in range(a.shape[1]))
    return slid


def _vertex(score: FloatArray, best: int) -> float:
    """Where the parabola through the best value and its neighbours peaks, in steps from it."""
    if not 0 < best < len(score) - 1:
        return 0.0
    before, peak, after = score[best - 1 : best + 2]
    bend = before - 2.0 * peak + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0
