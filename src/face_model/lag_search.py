"""The lag at which two recordings of several channels, each on a clock of its own, agree best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import correlate

FloatArray = NDArray[np.float64]

GRID_HZ = 60.0
SLOW_S = 2.0
"""Slower motion is taken out before two are compared: the sensors' headings drift, a phone's rest is not zero."""

MOST_BRIDGED_S = 0.25
"""A longer gap counts as not there."""

_LEAST_OVERLAP = 0.5
"""Share of the shorter recording that must lie within the other."""

_PEAK_WIDTH_S = 0.6
"""Closer than this to the best lag a high correlation is the same peak."""


@dataclass(frozen=True)
class Track:
    """Values (T, D) at increasing times (T,), s; `valid` (T, D) says which of them were measured."""

    time_s: NDArray[np.floating]
    values: NDArray[np.floating]
    valid: NDArray[np.bool_]

    @property
    def span(self) -> str:
        """From when to when, in words."""
        return f"{self.time_s[0]:.1f} to {self.time_s[-1]:.1f} s"


@dataclass(frozen=True)
class Lag:
    """The best lag.

    Attributes:
        lag_s: a moment at t on the second clock is t + lag_s on the first.
        correlation: of the two there.
        lead: that correlation over the best at any other lag, also at those that were not asked for.
    """

    lag_s: float
    correlation: float
    lead: float


def best_lag(first: Track, second: Track, max_lag_s: float) -> Lag | None:
    """Lag of at most `max_lag_s` at which the two fit best, by cross-correlation normalised over their overlap.

    Both must have the same channels, scaled so that they may be added up. A parabola through the peak gives fractions
    of a step. None: the two do not overlap by half at any such lag.
    """
    a, a_there = on_grid(first)
    b, b_there = on_grid(second)
    product = _slide(a, b)
    a_power = _slide(np.square(a), b_there)
    b_power = _slide(a_there, np.square(b))
    overlap = _slide(a_there.max(axis=1, keepdims=True), b_there.max(axis=1, keepdims=True))
    steps = np.arange(len(product)) - (len(b) - 1)
    lags_s = steps / GRID_HZ + (first.time_s[0] - second.time_s[0])
    overlaps = overlap >= _LEAST_OVERLAP * min(len(a), len(b))
    usable = overlaps & (np.abs(lags_s) <= max_lag_s + 0.5 / GRID_HZ)
    if not usable.any():
        return None
    power = np.sqrt(np.maximum(a_power * b_power, 0.0))
    score = np.where(overlaps, product / np.maximum(power, 1e-9), -1.0)
    best = int(np.argmax(np.where(usable, score, -1.0)))
    # Lags out of reach count too: they tell what chance gives, and whether the true lag lies there.
    elsewhere = score[overlaps & (np.abs(lags_s - lags_s[best]) > _PEAK_WIDTH_S)]
    lead = float(score[best] / max(float(elsewhere.max(initial=0.0)), 1e-9))
    return Lag(float(lags_s[best]) + _vertex(score, best) / GRID_HZ, float(score[best]), lead)


def on_grid(track: Track) -> tuple[FloatArray, FloatArray]:
    """Values (N, D) at `GRID_HZ` without their slow part, zero where missing; where they are there, 0 or 1 (N, D)."""
    grid_s = track.time_s[0] + np.arange(int((track.time_s[-1] - track.time_s[0]) * GRID_HZ) + 1) / GRID_HZ
    values, there = sampled(track, grid_s)
    return without_slow(values) * there, there.astype(np.float64)


def sampled(track: Track, at_s: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Values (N, D) at other times, between neighbours that are not further apart than `MOST_BRIDGED_S`; where so."""
    values = np.zeros((len(at_s), track.values.shape[1]))
    there = np.zeros(values.shape, dtype=bool)
    # Channels of one sensor, or of one picture, are valid together: what is found for one holds for the next.
    before: NDArray[np.bool_] | None = None
    inside = np.zeros(len(at_s), dtype=bool)
    for channel in range(values.shape[1]):
        valid = track.valid[:, channel]
        if np.count_nonzero(valid) < 2:
            continue
        known_s = track.time_s[valid]
        if before is None or not np.array_equal(valid, before):
            after = np.clip(np.searchsorted(known_s, at_s), 1, len(known_s) - 1)
            close = known_s[after] - known_s[after - 1] < MOST_BRIDGED_S
            inside = close & (at_s >= known_s[0]) & (at_s <= known_s[-1])
            before = valid
        values[:, channel] = np.interp(at_s, known_s, track.values[valid, channel])
        there[:, channel] = inside
    return values, there


def without_slow(values: FloatArray, rate_hz: float = GRID_HZ) -> FloatArray:
    """Values (N, D) on a grid without what is slower than `SLOW_S`, the deviation of the low-pass taken out."""
    slow, length = values, 2 * round(SLOW_S * rate_hz) + 1
    # Three running means are nearly a Gaussian, at a hundredth of its cost.
    for _ in range(3):
        slow = uniform_filter1d(slow, length, axis=0, mode="nearest")
    fast: FloatArray = values - slow
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
