"""Labels from a phone: ARKit weights that a camera saw while the sensors recorded, on a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import correlate

from face_inference.errors import PhoneAlignmentError
from face_inference.wearer.adapt import LabelledRows
from face_inference.wearer.observations import Observations
from face_inference.wearer.population import Population
from face_model import arkit

FloatArray = NDArray[np.float64]

ROW_RATE_HZ = 10.0
"""Rows per second: expressions last longer, and closer rows would repeat each other's errors."""

LABEL_SPREAD = 0.04
"""Standard deviation of a phone's weights around what the face did (a guess from the jitter of recorded takes)."""

_GRID_HZ = 60.0
_SLOW_S = 2.0
"""Slower motion is taken out before the two are compared: the sensors' headings drift, a phone's rest is not zero."""

_LEAST_OVERLAP = 0.5
"""Share of the shorter recording that must lie within the other."""

_LEAST_PEAK = 0.08
"""Correlation at the best lag. A guess: people like those of the population reach 0.6 to 0.7, of an anatomy
quite unlike theirs 0.2 (synthetic), so that how far the peak stands out says more."""

_LEAST_LEAD = 1.35
"""Best correlation over the best at any other lag: about 1 by chance, 1.8 to 3 where both saw one face (synthetic)."""

_PEAK_WIDTH_S = 0.6
"""Closer than this to the best lag a high correlation is the same peak."""


@dataclass(frozen=True)
class PhoneRows:
    """Rows to adapt with, and how the two clocks were brought together.

    Attributes:
        rows: at 10 Hz.
        lag_s: a moment at t on the phone's clock is t + lag_s on the sensors'.
        correlation: of observation and expectation at that lag, 0 to 1.
        lead: that correlation over the best at any other lag.
    """

    rows: LabelledRows
    lag_s: float
    correlation: float
    lead: float

    @property
    def summary(self) -> str:
        """One line for the wearer."""
        return (
            f"{len(self.rows.weights) / ROW_RATE_HZ:.0f} s of the phone's weights, lag {self.lag_s:+.2f} s, "
            f"correlation {self.correlation:.2f}"
        )


def phone_rows(
    observations: Observations,
    phone_time_s: NDArray[np.floating],
    phone_weights: NDArray[np.floating],
    population: Population,
    max_lag_s: float = 5.0,
) -> PhoneRows:
    """Labelled rows where both recordings overlap.

    Both sides are taken relative to their means: the sensors' zero is the wearer's neutral, a phone's zero is not.

    Args:
        observations: of the sensors.
        phone_time_s: (P,) increasing.
        phone_weights: (P, 52).
        population: its mean response says what the sensors should have seen.
        max_lag_s: largest difference between the clocks.

    Raises:
        PhoneAlignmentError: no lag stands out, or the recordings do not overlap.
    """
    if phone_weights.shape != (len(phone_time_s), arkit.COUNT) or len(phone_time_s) < 2:
        raise PhoneAlignmentError(
            f"expected weights of shape (P, {arkit.COUNT}) at P times, at least two, found {phone_weights.shape} and "
            f"{len(phone_time_s)}; export the phone's take again"
        )
    lag_s, correlation, lead = _align(observations, phone_time_s, phone_weights, population, max_lag_s)
    if correlation < _LEAST_PEAK or lead < _LEAST_LEAD:
        raise PhoneAlignmentError(
            f"expected one lag within {max_lag_s:g} s at which phone and sensors agree (correlation over "
            f"{_LEAST_PEAK}, {_LEAST_LEAD} times any other's), found {correlation:.2f} at {lag_s:+.2f} s, "
            f"{lead:.2f} times the next; record both during the same routine, with the whole face in the phone's view"
        )
    return PhoneRows(_rows(observations, phone_time_s + lag_s, phone_weights), lag_s, correlation, lead)


def _align(
    observations: Observations,
    phone_time_s: NDArray[np.floating],
    phone_weights: NDArray[np.floating],
    population: Population,
    max_lag_s: float,
) -> tuple[float, float, float]:
    """Lag in s, correlation there, and how far that leads over other lags."""
    seen, there = _seen(observations)
    expected, expected_there = _expected(phone_time_s, phone_weights, population)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(population.noise), 1e-12))
    seen *= scale
    expected *= scale
    product = _slide(seen, expected)
    seen_power = _slide(np.square(seen), np.ones_like(expected) * expected_there)
    expected_power = _slide(there.astype(np.float64), np.square(expected))
    overlap = _slide(np.asarray(there.any(axis=1, keepdims=True), np.float64), expected_there.astype(np.float64))
    steps = np.arange(len(product)) - (len(expected) - 1)
    offset_s = observations.time_s[0] - phone_time_s[0]
    lags_s = steps / _GRID_HZ + offset_s
    overlaps = overlap >= _LEAST_OVERLAP * min(len(seen), len(expected))
    usable = overlaps & (np.abs(lags_s) <= max_lag_s + 0.5 / _GRID_HZ)
    if not usable.any():
        raise PhoneAlignmentError(
            f"expected recordings that overlap by half within {max_lag_s:g} s of each other, found the phone's "
            f"{phone_time_s[0]:.1f} to {phone_time_s[-1]:.1f} s and the sensors' {observations.time_s[0]:.1f} to "
            f"{observations.time_s[-1]:.1f} s; record both at once"
        )
    power = np.sqrt(np.maximum(seen_power * expected_power, 0.0))
    score = np.where(overlaps, product / np.maximum(power, 1e-9), -1.0)
    best = int(np.argmax(np.where(usable, score, -1.0)))
    # Lags out of reach count too: they tell what chance gives, and whether the true lag lies there.
    elsewhere = score[overlaps & (np.abs(lags_s - lags_s[best]) > _PEAK_WIDTH_S)]
    lead = float(score[best] / max(float(elsewhere.max(initial=0.0)), 1e-9))
    return float(lags_s[best]) + _vertex(score, best) / _GRID_HZ, float(score[best]), lead


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
        there[:, channel] = known_s[after] - known_s[after - 1] < 0.25  # a longer gap is not bridged
    return _without_slow(values) * there, there


def _expected(
    time_s: NDArray[np.floating], weights: NDArray[np.floating], population: Population
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What everybody's mean response makes of the phone's weights on the grid (M, D); where there are any (M, 1)."""
    grid_s = _grid(time_s)
    on_grid = np.stack(
        [np.interp(grid_s, time_s, column) for column in np.asarray(weights, dtype=np.float64).T], axis=1
    )
    return _without_slow(on_grid @ population.mean.T.astype(np.float64)), np.ones((len(grid_s), 1), dtype=bool)


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


def _rows(
    observations: Observations, phone_time_s: NDArray[np.floating], weights: NDArray[np.floating]
) -> LabelledRows:
    """Means of both over cells of 0.1 s in which both are there."""
    start_s = max(observations.time_s[0], phone_time_s[0])
    count = int((min(observations.time_s[-1], phone_time_s[-1]) - start_s) * ROW_RATE_HZ)
    label, labels_there = _cell_means(
        phone_time_s, np.asarray(weights, np.float64), np.ones_like(weights, bool), start_s, count
    )
    seen, valid = _cell_means(
        observations.time_s, observations.values.astype(np.float64), observations.valid, start_s, count
    )
    kept = valid.any(axis=1) & labels_there.all(axis=1)
    seen, valid, label = seen[kept], valid[kept], label[kept]
    if len(label) < ROW_RATE_HZ:
        raise PhoneAlignmentError(
            f"expected at least 1 s in which phone and sensors were both there, found {len(label) / ROW_RATE_HZ:.1f} s"
        )
    zero = (seen * valid).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    seen = np.where(valid, seen - zero, 0.0)
    return LabelledRows(seen, label - label.mean(axis=0), np.full(label.shape, LABEL_SPREAD), valid)


def _cell_means(
    time_s: NDArray[np.floating], values: FloatArray, valid: NDArray[np.bool_], start_s: float, count: int
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Mean of the valid `values` (T, C) in each of `count` cells, and where there was any, both (count, C)."""
    cell = np.floor((time_s - start_s) * ROW_RATE_HZ).astype(np.int64)
    inside = (cell >= 0) & (cell < count)
    total, number = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    np.add.at(total, cell[inside], np.where(valid, values, 0.0)[inside])
    np.add.at(number, cell[inside], valid[inside])
    return total / np.maximum(number, 1), number > 0
