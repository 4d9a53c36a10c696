"""What unlabelled wear tells of the wearer: expectation-maximisation of the Jacobian and of the residuals.

Faces move in ways that faces have in common: few shapes at a time, never below zero, together as muscles do. So
observations alone, without anybody's label, say which Jacobian made them: the one under which they are likely faces.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from face_inference.wearer.adapt import NOISE_ROWS, completed, posterior
from face_inference.wearer.evidence import Evidence, inverse_where_seen
from face_inference.wearer.linear_estimate import LIMITS
from face_inference.wearer.prior import Prior, WearerJacobian

FloatArray = NDArray[np.floating]

WORN_HZ = 5.0
"""Observations a second that are learned from."""

WORN_SHARE = 0.05
"""What each of them counts as evidence: they follow each other closely, and their weights are guessed with the very
Jacobian that is learned. With more (0.1, 0.2) later rounds take back what the first gave, on simulated faces."""

LEAST_OBSERVATIONS = 150
"""Half a minute: from less, faces read worse than from none."""


def learn_worn(
    prior: Prior, known: WearerJacobian, observation: FloatArray, valid: NDArray[np.bool_], rounds: int = 1
) -> WearerJacobian:
    """What N unlabelled observations add to `known`, whose evidence (prompts, a camera's labels) stays.

    One round: given the Jacobian, the expected weights of each observation, within their limits, and their covariance
    (E); given these, the posterior of the Jacobian and the mode of the residuals' covariance (M). A. Dempster et al.,
    J. R. Stat. Soc. B 39, 1977; for factor analysis D. Rubin, D. Thayer, Psychometrika 47, 1982.

    Args:
        prior: over wearers.
        known: of this one; where the rounds begin.
        observation: (N, D) rad, at `WORN_HZ`.
        valid: (D,) the channels that all of them have.
        rounds: of E and M.

    Returns:
        `known` with another mean, uncertainty and noise; `known` itself where there are too few observations.
    """
    if len(observation) < LEAST_OBSERVATIONS or not valid.any():
        return known
    seen = np.flatnonzero(valid)
    x = observation[:, seen].astype(np.float64)
    mean, covariance = prior.weights_mean.astype(np.float64), prior.weights_covariance.astype(np.float64)
    labelled = known.evidence if known.evidence is not None else Evidence.nothing(prior.observations)
    typical = (prior.noise if known.labelled_noise is None else known.labelled_noise).astype(np.float64)
    jacobian, uncertainty, noise = known.mean, known.uncertainty, known.noise_beside(prior)
    count = WORN_SHARE * len(x)
    for _ in range(rounds):
        own = jacobian[seen]
        shared = own @ covariance  # (S, 52)
        total = shared @ own.T + (noise + uncertainty)[np.ix_(seen, seen)]
        gain = np.linalg.solve(total, shared).T  # (52, S)
        weights = np.clip(mean + (x - own @ mean) @ gain.T, *LIMITS)
        spread = covariance - gain @ shared
        moment = WORN_SHARE * (weights.T @ weights + len(x) * spread)
        cross = np.zeros((1, *jacobian.shape))
        cross[0, seen] = WORN_SHARE * x.T @ weights
        told = Evidence(inverse_where_seen(noise, valid)[None], moment[None], cross)
        found = posterior(prior, labelled + told)
        jacobian, uncertainty = found.mean, found.uncertainty(prior)
        left = x - weights @ jacobian[seen].T
        square = WORN_SHARE * (left.T @ left + len(x) * jacobian[seen] @ spread @ jacobian[seen].T)
        noise = (NOISE_ROWS * typical + completed(typical, square, count, valid)) / (NOISE_ROWS + count)
    return replace(known, mean=jacobian, uncertainty=uncertainty, noise=noise)


class ObservationDensity:
    """How likely observations are under what is known of a wearer: the marginal of x = J w + e.

    Args:
        prior: over wearers.
        known: of this one.
        valid: (D,) the channels that all observations have.
    """

    def __init__(self, prior: Prior, known: WearerJacobian, valid: NDArray[np.bool_]) -> None:
        self._seen = np.flatnonzero(valid)
        own = known.mean[self._seen].astype(np.float64)
        covariance = own @ prior.weights_covariance @ own.T
        covariance += (known.noise_beside(prior) + known.uncertainty)[np.ix_(self._seen, self._seen)]
        self._mean = own @ prior.weights_mean
        lower = np.linalg.cholesky(covariance)
        self._whiten = np.linalg.inv(lower).T
        self._constant = len(self._seen) * np.log(2.0 * np.pi) + 2.0 * np.log(np.diag(lower)).sum()

    def __call__(self, observation: FloatArray) -> NDArray[np.float64]:
        """(N, D) rad -> (N,) log density."""
        whitened = (observation[:, self._seen] - self._mean) @ self._whiten
        return np.asarray(-0.5 * (np.square(whitened).sum(axis=1) + self._constant))
