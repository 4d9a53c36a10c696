"""How an estimate behaves in time: lag and jitter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_evaluation.weights import OBSERVABLE


def lag_s(truth: NDArray[np.floating], estimate: NDArray[np.floating], rate_hz: float, limit_s: float = 0.5) -> float:
    """Delay of the estimate that gives the largest correlation, pooled over observable shapes, s; positive: late."""
    t = np.asarray(truth, dtype=np.float64)[:, OBSERVABLE]
    e = np.asarray(estimate, dtype=np.float64)[:, OBSERVABLE]
    t, e = t - t.mean(axis=0), e - e.mean(axis=0)
    limit = min(int(limit_s * rate_hz), len(t) - 2)
    best, best_score = 0, -np.inf
    for shift in range(-limit, limit + 1):
        a, b = (t[: len(t) - shift], e[shift:]) if shift >= 0 else (t[-shift:], e[:shift])
        norm = np.sqrt(np.sum(a * a) * np.sum(b * b))
        score = float(np.sum(a * b) / norm) if norm > 1e-12 else 0.0
        if score > best_score + 1e-12 or (abs(score - best_score) <= 1e-12 and abs(shift) < abs(best)):
            best, best_score = shift, score
    return best / rate_hz


def jitter_ratio(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Energy of the estimate's acceleration over that of the truth's, observable shapes; NaN if the truth is still.

    Energy is the sum of squared second differences over time and shapes. 1 is as restless as the face, above it the
    estimate trembles, below it fast motion is smoothed away. Twice the amplitude is four times the energy.
    """
    true = _acceleration_energy(truth)
    return _acceleration_energy(estimate) / true if true > 0.0 else float("nan")


def _acceleration_energy(weights: NDArray[np.floating]) -> float:
    second = np.diff(np.asarray(weights, dtype=np.float64)[:, OBSERVABLE], n=2, axis=0)
    return float(np.sum(second**2))
