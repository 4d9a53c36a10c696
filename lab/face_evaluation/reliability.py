"""How honest confidences are: whether what they claim comes true."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_evaluation.metrics import OBSERVABLE
from face_inference.uncertainty import TOLERANCE, half_width, scale_of

FloatArray = NDArray[np.float64]

BINS = 10
"""Of confidence, each a tenth wide."""

INTERVAL = 0.8
"""Probability of the intervals whose coverage is reported."""


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram: lower edge, weights in it, their mean confidence, share within 0.1."""

    low: float
    count: int
    claimed: float
    came_true: float


@dataclass(frozen=True)
class Reliability:
    """Sums over observable weights from which reliability diagrams are made; those of several takes add up.

    Attributes:
        count: (BINS,) weights in each bin of confidence.
        claimed: (BINS,) sum of their confidences.
        within: (BINS,) how many were within 0.1 of the truth.
    """

    count: FloatArray
    claimed: FloatArray
    within: FloatArray

    @property
    def bins(self) -> tuple[Bin, ...]:
        """Bins that are not empty."""
        return tuple(
            Bin(i / BINS, int(n), float(self.claimed[i] / n), float(self.within[i] / n))
            for i, n in enumerate(self.count)
            if n
        )

    @property
    def calibration_error(self) -> float:
        """Expected calibration error (Naeini et al., "Obtaining well calibrated probabilities", AAAI 2015)."""
        total = self.count.sum()
        return float(np.abs(self.claimed - self.within).sum() / total) if total else float("nan")

    @classmethod
    def sum(cls, parts: Iterable[Reliability]) -> Reliability:
        """Of takes together, every weight counting alike."""
        sums = np.zeros((3, BINS))
        for part in parts:
            sums += [part.count, part.claimed, part.within]
        return cls(*sums)


@dataclass(frozen=True)
class ConfidenceMetrics:
    """How honest the confidences of one take are.

    Attributes:
        mean: confidence, observable shapes.
        share_within: share of observable weights that were within 0.1 of the truth.
        calibration_error: expected calibration error over ten bins of confidence, observable shapes.
        coverage_80: share of all 52 weights within the 80 % interval that their confidence implies.
        coverage_80_observable: the same, observable shapes.
        log_likelihood: mean over all 52 weights of the natural logarithm of the density that the confidence implies
            around the estimate, at the truth.
        reliability: sums behind the calibration error.
    """

    mean: float
    share_within: float
    calibration_error: float
    coverage_80: float
    coverage_80_observable: float
    log_likelihood: float
    reliability: Reliability


def confidence_metrics(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], confidence: NDArray[np.floating]
) -> ConfidenceMetrics:
    """Compare confidences (T, 52) with what came true."""
    error = np.abs(np.asarray(estimate, dtype=np.float64) - truth)
    within = (error <= TOLERANCE)[:, OBSERVABLE].ravel()
    claimed = np.asarray(confidence, dtype=np.float64)[:, OBSERVABLE].ravel()
    held = error <= half_width(confidence, INTERVAL)
    reliability = reliability_of(claimed, within)
    return ConfidenceMetrics(
        mean=float(claimed.mean()),
        share_within=float(within.mean()),
        calibration_error=reliability.calibration_error,
        coverage_80=float(held.mean()),
        coverage_80_observable=float(held[:, OBSERVABLE].mean()),
        log_likelihood=float(log_density(error, confidence).mean()),
        reliability=reliability,
    )


def reliability_of(claimed: NDArray[np.floating], within: NDArray[np.bool_]) -> Reliability:
    """Sums over (N,) confidences and whether each was within 0.1 of the truth."""
    index = np.clip((claimed * BINS).astype(int), 0, BINS - 1)
    return Reliability(
        count=np.bincount(index, minlength=BINS).astype(np.float64),
        claimed=np.bincount(index, claimed, BINS).astype(np.float64),
        within=np.bincount(index[within], minlength=BINS).astype(np.float64),
    )


def log_density(error: NDArray[np.floating], confidence: NDArray[np.floating]) -> FloatArray:
    """Natural logarithm of the implied density at an error; both of any one shape.

    The distribution is that of `face_inference.uncertainty`: Laplace, of standard deviation s.
    """
    mean_error = scale_of(confidence) / np.sqrt(2.0)  # of a Laplace distribution
    return np.asarray(-np.log(2.0 * mean_error) - np.abs(error) / mean_error)
