"""From labelled expressions to what is known of the wearer: Bayesian linear regression from the prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from face_inference.errors import WearerError
from face_inference.wearer.prior import Prior, Source, WearerJacobian
from face_model import arkit

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class LabelledRows:
    """N moments of a wearer whose weights are known, more or less.

    Attributes:
        observation: (N, D) rad, see `WearerJacobian`.
        weights: (N, 52).
        spread: (N, 52) standard deviation of these labels.
        valid: (N, D) bool, whether the sensor was seen.
    """

    observation: FloatArray
    weights: FloatArray
    spread: FloatArray
    valid: NDArray[np.bool_]

    def __post_init__(self) -> None:
        count = len(self.observation)
        shapes = self.weights.shape, self.spread.shape, self.valid.shape
        if shapes != ((count, arkit.COUNT), (count, arkit.COUNT), self.observation.shape):
            raise WearerError(
                f"expected (N, D) observations and validity, (N, {arkit.COUNT}) weights and spreads, "
                f"found {self.observation.shape}, {shapes}"
            )


def adapt(prior: Prior, rows: LabelledRows, source: Source) -> WearerJacobian:
    """Posterior of the Jacobian after `rows`; what they did not exercise keeps its prior.

    With the Jacobian's elements j ~ N(prior) and x_n = J w_n + e_n, e_n ~ N(0, R + J C_n J^T), where C_n is the
    covariance of the labels' own errors, seen through the prior's mean of J, the posterior is Gaussian (C. Bishop,
    "Pattern Recognition and Machine Learning", 2006, section 3.3).

    Raises:
        WearerError: the rows have another number of channels, or are not finite.
    """
    size = prior.observations
    if rows.observation.shape[1] != size:
        raise WearerError(f"expected observations of {size} channels, found {rows.observation.shape[1]}")
    if not all(np.isfinite(a).all() for a in (rows.observation[rows.valid], rows.weights, rows.spread)):
        raise WearerError("expected finite observations and labels, found NaN or infinity; record the routine again")
    mean = prior.mean.astype(np.float64)
    inverses, moments = [], []
    pull = np.zeros((size, arkit.COUNT))
    for chosen in _alike(rows):
        weights, valid = rows.weights[chosen].astype(np.float64), rows.valid[chosen[0]]
        inverse = _inverse_noise(prior, mean * rows.spread[chosen[0]], valid)
        inverses.append(inverse.reshape(-1))
        moments.append((weights.T @ weights).reshape(-1))
        surprise = np.where(valid, rows.observation[chosen], 0.0) - weights @ mean.T  # (n, D)
        pull += inverse @ surprise.T @ weights
    covariance = _inverse(prior.precision + _kronecker_sum(inverses, moments, size))
    jacobian = mean + (covariance @ pull.reshape(-1)).reshape(size, arkit.COUNT)
    four = covariance.reshape(size, arkit.COUNT, size, arkit.COUNT)
    uncertainty = np.einsum("dset,st->de", four, prior.weights_moment, optimize=True)
    return WearerJacobian(jacobian, uncertainty, source)


def _alike(rows: LabelledRows) -> list[NDArray[np.intp]]:
    """Indices of rows that share spread and validity, and with them their noise."""
    keys = np.concatenate([rows.spread, rows.valid], axis=1)
    _, group = np.unique(keys, axis=0, return_inverse=True)
    return [np.flatnonzero(group.reshape(-1) == g) for g in range(int(group.max(initial=-1)) + 1)]


def _inverse_noise(prior: Prior, label: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
    """(D, D) precision of a row's noise, `label` (D, 52) being that of its weights; zero where no sensor was seen."""
    noise = prior.noise + label @ label.T
    inverse = np.zeros_like(noise)
    seen = np.flatnonzero(valid)
    inverse[np.ix_(seen, seen)] = np.linalg.inv(noise[np.ix_(seen, seen)])
    return inverse


def _kronecker_sum(inverses: Sequence[FloatArray], moments: Sequence[FloatArray], size: int) -> FloatArray:
    """Sum of the Kronecker products of (D, D) with (52, 52), each flattened -> (D 52, D 52); in one product."""
    if not inverses:
        return np.zeros((size * arkit.COUNT,) * 2)
    four = (np.stack(inverses, axis=1) @ np.stack(moments)).reshape(size, size, arkit.COUNT, arkit.COUNT)
    whole: FloatArray = four.transpose(0, 2, 1, 3).reshape(size * arkit.COUNT, size * arkit.COUNT)
    return whole


def _inverse(precision: FloatArray) -> FloatArray:
    """Of a symmetric, positive definite matrix: by Cholesky, in a third of the time."""
    lower, _ = lapack.dpotrf(precision, lower=1, overwrite_a=1)
    half, _ = lapack.dpotri(lower, lower=1, overwrite_c=1)
    whole: FloatArray = np.tril(half) + np.tril(half, -1).T
    return whole
