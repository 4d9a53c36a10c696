"""Labels from a phone: ARKit weights that a camera saw while the sensors recorded, on a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import WearerError
from face_inference.wearer.alignment import Alignment, align
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior
from face_model import arkit

FloatArray = NDArray[np.float64]

ROW_RATE_HZ = 10.0
"""Rows per second: expressions last longer, and closer rows would repeat each other's errors."""

LABEL_SPREAD = 0.04
"""Standard deviation of a phone's weights around what the face did (a guess from the jitter of recorded takes)."""

RESTING = 5.0
"""Percentile of a shape's weights that is taken for rest: most shapes rest most of the time, and noise goes below."""

_LEAST_PEAK = 0.08
"""Correlation at the best lag. A guess: people like those the prior was fitted to reach 0.6 to 0.7, of an anatomy
quite unlike theirs 0.2 (synthetic), so that how far the peak stands out says more."""

_LEAST_LEAD = 1.35
"""Best correlation over the best at any other lag: about 1 by chance, 1.8 to 3 where both saw one face (synthetic)."""


@dataclass(frozen=True)
class PhoneRows:
    """Rows to adapt with, at 10 Hz, and how the two clocks were brought together.

    Attributes:
        rows: relative to the means of both recordings.
        alignment: of the clocks.
        observation_mean: (D,) rad, what was taken from the observations.
        label_mean: (52,) what was taken from the labels.
    """

    rows: LabelledRows
    alignment: Alignment
    observation_mean: FloatArray
    label_mean: FloatArray

    @property
    def observation(self) -> FloatArray:
        """(N, D) rad from the wearer's neutral; 0 where the sensor was not there."""
        return np.where(self.rows.valid, self.rows.observation + self.observation_mean, 0.0)

    @property
    def labels(self) -> FloatArray:
        """(N, 52) weights from the face at rest: a camera's zero is taken where a shape is least, `RESTING`."""
        labels = self.rows.weights + self.label_mean
        above: FloatArray = np.maximum(labels - np.percentile(labels, RESTING, axis=0), 0.0)
        return above

    @property
    def summary(self) -> str:
        """One line for the wearer."""
        return (
            f"{len(self.rows.weights) / ROW_RATE_HZ:.0f} s of the phone's weights, lag {self.alignment.lag_s:+.2f} s, "
            f"correlation {self.alignment.correlation:.2f}"
        )


def phone_rows(
    observations: Observations,
    phone_time_s: NDArray[np.floating],
    phone_weights: NDArray[np.floating],
    prior: Prior,
    max_lag_s: float = 5.0,
    phone_seen: NDArray[np.bool_] | None = None,
    known: Alignment | None = None,
) -> PhoneRows:
    """Labelled rows where both recordings overlap.

    Both sides are taken relative to their means: the sensors' zero is the wearer's neutral, a phone's zero is not.

    Args:
        observations: of the sensors.
        phone_time_s: (P,) increasing.
        phone_weights: (P, 52).
        prior: its mean Jacobian says what the sensors should have seen.
        max_lag_s: largest difference between the clocks.
        known: how the clocks belong together, where that was found before; then no lag is looked for.
        phone_seen: (P, 52) which weights the phone saw: only those become labels; None: all of them.

    Raises:
        WearerError: no lag stands out, or the recordings do not overlap.
    """
    if phone_weights.shape != (len(phone_time_s), arkit.COUNT) or len(phone_time_s) < 2:
        raise WearerError(
            f"expected weights of shape (P, {arkit.COUNT}) at P times, at least two, found {phone_weights.shape} and "
            f"{len(phone_time_s)}; export the phone's take again"
        )
    seen = np.ones(phone_weights.shape, dtype=bool) if phone_seen is None else phone_seen
    if seen.shape != phone_weights.shape:
        raise WearerError(f"expected what was seen of weights {phone_weights.shape}, found {seen.shape}")
    moments: NDArray[np.bool_] = np.asarray(seen.any(axis=1), dtype=np.bool_)
    if np.count_nonzero(moments) < 2:
        raise WearerError(
            f"expected at least two moments in which the phone saw the face, found {np.count_nonzero(moments)} of "
            f"{len(phone_time_s)}; record it again, the whole face in view"
        )
    if known is not None:
        return _rows(observations, phone_time_s + known.lag_s, phone_weights, seen, prior, known)
    found = align(observations, phone_time_s, phone_weights, prior, max_lag_s, moments)
    if found.correlation < _LEAST_PEAK or found.lead < _LEAST_LEAD:
        raise WearerError(
            f"expected one lag within {max_lag_s:g} s at which phone and sensors agree (correlation over "
            f"{_LEAST_PEAK}, {_LEAST_LEAD} times any other's), found {found.correlation:.2f} at {found.lag_s:+.2f} s, "
            f"{found.lead:.2f} times the next; record both during the same routine, with the whole face in the phone's "
            "view"
        )
    return _rows(observations, phone_time_s + found.lag_s, phone_weights, seen, prior, found)


def _rows(
    observations: Observations,
    phone_time_s: NDArray[np.floating],
    weights: NDArray[np.floating],
    phone_seen: NDArray[np.bool_],
    prior: Prior,
    alignment: Alignment,
) -> PhoneRows:
    """Means of both over cells of 0.1 s in which both are there; a weight never seen is known as well as anybody's."""
    start_s = max(observations.time_s[0], phone_time_s[0])
    count = int((min(observations.time_s[-1], phone_time_s[-1]) - start_s) * ROW_RATE_HZ)
    label, labels_there = _cell_means(phone_time_s, np.asarray(weights, np.float64), phone_seen, start_s, count)
    ever = phone_seen.any(axis=0)
    seen, valid = _cell_means(
        observations.time_s, observations.values.astype(np.float64), observations.valid, start_s, count
    )
    kept = valid.any(axis=1) & (labels_there | ~ever).all(axis=1)
    seen, valid, label = seen[kept], valid[kept], label[kept]
    if len(label) < ROW_RATE_HZ:
        raise WearerError(
            f"expected at least 1 s in which phone and sensors were both there, found {len(label) / ROW_RATE_HZ:.1f} s"
        )
    zero = (seen * valid).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    seen = np.where(valid, seen - zero, 0.0)
    anybody = np.sqrt(np.diag(prior.weights_covariance).astype(np.float64))
    spread = np.tile(np.where(ever, LABEL_SPREAD, anybody), (len(label), 1))
    mean = label.mean(axis=0)
    return PhoneRows(LabelledRows(seen, label - mean, spread, valid), alignment, zero, mean)


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
