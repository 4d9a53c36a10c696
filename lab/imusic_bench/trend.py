"""Whether something grows: a line through its values, and how sure its slope is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

SIGMAS = 3.0
"""A slope within this many standard errors of zero is no growth."""


@dataclass(frozen=True)
class Trend:
    """A fitted line.

    Attributes:
        per_min: slope, in the values' unit per minute.
        error_per_min: its standard error.
        grows: the slope is beyond 3 standard errors and beyond the practical size that was given.
    """

    per_min: float
    error_per_min: float
    grows: bool


def fit_trend(times_s: ArrayLike, values: ArrayLike, practical_per_min: float) -> Trend:
    """Least-squares line through N values.

    Neighbouring values of memory and latency resemble each other, which makes the usual standard error too small. So N
    is replaced by the effective number N (1 - r) / (1 + r), r the correlation of neighbouring residuals: B. D. Santer
    et al., "Statistical significance of trends and trend differences in layer-average atmospheric temperature time
    series", J. Geophys. Res. 105 (2000), equations 3 to 6.

    Args:
        times_s: (N,) s, not all equal.
        values: (N,), N at least 3.
        practical_per_min: slope up to which growth is of no practical importance, > 0.

    Raises:
        ValueError: fewer than 3 values, or all at one time.
    """
    t = np.asarray(times_s, np.float64) / 60.0
    y = np.asarray(values, np.float64)
    if t.shape != y.shape or y.ndim != 1 or len(y) < 3 or np.ptp(t) <= 0.0:
        raise ValueError(f"expected at least 3 values at different times, found {y.shape} at {t.shape}")
    t = t - t.mean()
    spread = float(t @ t)
    y = y - y.mean()
    slope = float(t @ y) / spread
    residuals = y - slope * t
    square_sum = float(residuals @ residuals)
    likeness = float(residuals[1:] @ residuals[:-1]) / square_sum if square_sum > 0.0 else 0.0
    likeness = min(max(likeness, 0.0), 1.0)
    effective = max(len(y) * (1.0 - likeness) / (1.0 + likeness), 3.0)
    error = math.sqrt(square_sum / (effective - 2.0) / spread)
    return Trend(slope, error, slope > SIGMAS * error and slope > practical_per_min)
