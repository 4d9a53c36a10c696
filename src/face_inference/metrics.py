"""How good an estimate of a face is: numbers on weights, on time, on confidence, and on the surface in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import EvaluationError
from face_model import arkit, observability
from face_model.rig import FaceRig

FloatArray = NDArray[np.float64]

MIN_TRUE_STD = 0.02
"""Correlation is reported for shapes whose true weight varies at least this much: below, it measures noise."""

CONFIDENCE_TOLERANCE = 0.1
"""Error that a confidence speaks of (msg/FaceBlendshapes.msg)."""

OBSERVABLE = np.array(observability.OBSERVABLE)


@dataclass(frozen=True)
class WeightMetrics:
    """Numbers on weights of one take; `r` maps a shape's name to Pearson's r for shapes that moved."""

    mae: float
    mae_observable: float
    r_observable: float
    r: dict[str, float]
    lag_s: float
    jitter_ratio: float


def compare_weights(truth: NDArray[np.floating], estimate: NDArray[np.floating], rate_hz: float) -> WeightMetrics:
    """Compare (T, 52) weights.

    Raises:
        EvaluationError: shapes differ or nothing to compare.
    """
    if truth.shape != estimate.shape or truth.ndim != 2 or len(truth) < 3 or truth.shape[1] != arkit.COUNT:
        raise EvaluationError(
            f"expected two arrays of shape (T, {arkit.COUNT}) with T of at least 3, "
            f"found {truth.shape} and {estimate.shape}"
        )
    error = np.abs(np.asarray(estimate, dtype=np.float64) - truth)
    r = correlations(truth, estimate)
    observable = [r[arkit.BLENDSHAPES[i]] for i in observability.OBSERVABLE if arkit.BLENDSHAPES[i] in r]
    return WeightMetrics(
        mae=float(error.mean()),
        mae_observable=float(error[:, OBSERVABLE].mean()),
        r_observable=float(np.mean(observable)) if observable else float("nan"),
        r=r,
        lag_s=lag_s(truth, estimate, rate_hz),
        jitter_ratio=jitter_ratio(truth, estimate),
    )


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
    """RMS of the estimate's second difference over the truth's, observable shapes; 1 is as restless as the face."""

    def restlessness(weights: NDArray[np.floating]) -> float:
        second = np.diff(np.asarray(weights, dtype=np.float64)[:, OBSERVABLE], n=2, axis=0)
        return float(np.sqrt(np.mean(second**2)))

    true = restlessness(truth)
    return restlessness(estimate) / true if true > 0.0 else float("nan")


@dataclass(frozen=True)
class ConfidenceMetrics:
    """How honest confidences are.

    Attributes:
        mean: confidence, observable shapes.
        share_within: share of observable weights that were within 0.1 of the truth.
        calibration_error: expected calibration error over ten bins of confidence (Naeini et al., AAAI 2015).
        bins: (lower edge, count, mean confidence, share within) of each bin that is not empty.
    """

    mean: float
    share_within: float
    calibration_error: float
    bins: tuple[tuple[float, int, float, float], ...]


def confidence_metrics(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], confidence: NDArray[np.floating]
) -> ConfidenceMetrics:
    """Compare confidences (T, 52) with what came true, observable shapes only."""
    within = (np.abs(estimate - truth) <= CONFIDENCE_TOLERANCE)[:, OBSERVABLE].ravel()
    claimed = np.asarray(confidence, dtype=np.float64)[:, OBSERVABLE].ravel()
    index = np.clip((claimed * 10).astype(int), 0, 9)
    bins = []
    error = 0.0
    for i in range(10):
        chosen = index == i
        count = int(chosen.sum())
        if count:
            mean, share = float(claimed[chosen].mean()), float(within[chosen].mean())
            bins.append((i / 10, count, mean, share))
            error += count / len(claimed) * abs(mean - share)
    return ConfidenceMetrics(float(claimed.mean()), float(within.mean()), error, tuple(bins))


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
    difference = np.asarray(estimate[rows] - truth[rows], dtype=np.float32)  # vertices are linear in the weights
    skin = np.arange(len(rig.neutral))[rig.parts["skin"]]

    def mean_mm(vertices: NDArray[np.integer]) -> float:
        deltas = rig.deltas[:, vertices].reshape(arkit.COUNT, -1)
        total = 0.0
        for block in np.array_split(difference, max(1, len(difference) // 50)):
            moved = (block @ deltas).reshape(len(block), -1, 3)
            total += float(np.linalg.norm(moved, axis=-1).sum())
        return 1000.0 * total / (len(difference) * len(vertices))

    return SurfaceMetrics(mean_mm(skin), mean_mm(rig.lip_vertices))
