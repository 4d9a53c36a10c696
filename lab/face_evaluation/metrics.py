"""What is measured of a take: errors of its weights and of the face's surface, lag and jitter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import InferenceError
from face_model import arkit, observability
from face_model.rig import FaceRig, activations

FloatArray = NDArray[np.float64]

MIN_TRUE_STD = 0.02
"""Correlation is reported for shapes whose true weight varies at least this much: below, it measures noise."""

GOOD_LOWER, GOOD_UPPER = 0.04, 0.06
"""A frame is good if its mean absolute error over the shapes of the lower, or upper, face is below this.

The limits are those named for glasses that sense faces by sound, where an error below them was judged a good match.
"""

OBSERVABLE = np.array(observability.OBSERVABLE)
CLEARLY = np.array([i for i, v in enumerate(observability.TABLE) if v.ratio >= observability.CLEARLY])
UPPER = np.array(arkit.UPPER_FACE)
LOWER = np.setdiff1d(np.arange(arkit.COUNT), UPPER)

REST_WINDOW_S = 1.0
"""The wearer's own rest is the mean over this long: see `own_rest`."""


@dataclass(frozen=True)
class WeightMetrics:
    """Numbers on the weights of one take.

    Attributes:
        mae: mean absolute error of all 52 weights, and of some of them.
        good_lower, good_upper: share of frames below `GOOD_LOWER`, `GOOD_UPPER`.
        mae_relative: of all 52 weights less the wearer's own rest, true and estimated: see `own_rest`.
        r: Pearson's r by name, for shapes that moved.
        r_observable, r_clearly: mean r over shapes that sensors see at least in part, and clearly.
        shape_mae: (52,) mean absolute error of each shape.
    """

    mae: float
    mae_observable: float
    mae_lower: float
    mae_upper: float
    good_lower: float
    good_upper: float
    mae_relative: float
    r: dict[str, float]
    r_observable: float
    r_clearly: float
    shape_mae: FloatArray


def compare_weights(truth: NDArray[np.floating], estimate: NDArray[np.floating], rate_hz: float) -> WeightMetrics:
    """Compare (T, 52) weights at `rate_hz` samples a second.

    Raises:
        InferenceError: shapes differ or nothing to compare.
    """
    if truth.shape != estimate.shape or truth.ndim != 2 or len(truth) < 3 or truth.shape[1] != arkit.COUNT:
        raise InferenceError(
            f"expected two arrays of shape (T, {arkit.COUNT}) with T of at least 3, "
            f"found {truth.shape} and {estimate.shape}"
        )
    difference = np.asarray(estimate, dtype=np.float64) - truth
    error = np.abs(difference)
    rest = own_rest(truth, rate_hz)
    r = correlations(truth, estimate)
    return WeightMetrics(
        mae=float(error.mean()),
        mae_observable=float(error[:, OBSERVABLE].mean()),
        mae_lower=float(error[:, LOWER].mean()),
        mae_upper=float(error[:, UPPER].mean()),
        good_lower=float(np.mean(error[:, LOWER].mean(axis=1) < GOOD_LOWER)),
        good_upper=float(np.mean(error[:, UPPER].mean(axis=1) < GOOD_UPPER)),
        mae_relative=float(np.abs(difference - difference[rest].mean(axis=0)).mean()),
        r=r,
        r_observable=_mean_r(r, OBSERVABLE),
        r_clearly=_mean_r(r, CLEARLY),
        shape_mae=error.mean(axis=0),
    )


def own_rest(truth: NDArray[np.floating], rate_hz: float) -> slice:
    """The second in which the true face, (T, 52), is most relaxed: the least mean absolute observable weight.

    Resting faces are not at zero: lips purse a little, brows hang. Weights less the mean of this second say how well
    the face's changes are followed, whatever the estimate makes of its rest.
    """
    length = min(max(1, round(REST_WINDOW_S * rate_hz)), len(truth))
    activity = np.abs(np.asarray(truth, dtype=np.float64)[:, OBSERVABLE]).mean(axis=1)
    total = np.concatenate([[0.0], np.cumsum(activity)])
    start = int(np.argmin(total[length:] - total[:-length]))
    return slice(start, start + length)


def correlations(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> dict[str, float]:
    """Pearson's r by name for shapes whose truth varies enough; 0 where the estimate is constant."""
    t = np.asarray(truth, dtype=np.float64) - truth.mean(axis=0)
    e = np.asarray(estimate, dtype=np.float64) - estimate.mean(axis=0)
    t_std, e_std = t.std(axis=0), e.std(axis=0)
    covariance = (t * e).mean(axis=0)
    result = {}
    for i, name in enumerate(arkit.BLENDSHAPES):
        if t_std[i] >= MIN_TRUE_STD:
            result[name] = float(covariance[i] / (t_std[i] * e_std[i])) if e_std[i] > 1e-9 else 0.0
    return result


def _mean_r(r: dict[str, float], shapes: NDArray[np.integer]) -> float:
    values = [r[arkit.BLENDSHAPES[i]] for i in shapes if arkit.BLENDSHAPES[i] in r]
    return float(np.mean(values)) if values else float("nan")


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


@dataclass(frozen=True)
class SurfaceMetrics:
    """Mean distance between estimated and true vertices, mm, on one rig."""

    face_mm: float
    lip_mm: float


def surface_metrics(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], rig: FaceRig, samples: int = 300
) -> SurfaceMetrics:
    """Mean vertex distance over skin and lips, at up to `samples` frames spread evenly; weights are (T, 52)."""
    rows = np.unique(np.linspace(0, len(truth) - 1, min(samples, len(truth))).astype(int))
    # Vertices are linear in the activations.
    active = [activations(np.asarray(w[rows], dtype=np.float32), rig.pairs) for w in (estimate, truth)]
    difference = active[0] - active[1]
    skin = np.arange(len(rig.neutral))[rig.parts["skin"]]

    def mean_mm(vertices: NDArray[np.integer]) -> float:
        moves = rig.displacements[:, vertices].reshape(difference.shape[1], -1)
        total = 0.0
        for block in np.array_split(difference, max(1, len(difference) // 50)):
            moved = (block @ moves).reshape(len(block), -1, 3)
            total += float(np.linalg.norm(moved, axis=-1).sum())
        return 1000.0 * total / (len(difference) * len(vertices))

    return SurfaceMetrics(mean_mm(skin), mean_mm(rig.lip_vertices))
