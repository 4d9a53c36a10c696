"""What moments of a wearer's motion tell of the Jacobian: the sufficient statistics of a linear regression."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import WearerError
from face_inference.wearer.prior import Prior
from face_model import arkit

FloatArray = NDArray[np.floating]

MOST_GROUPS = 32
"""Patterns of missing sensors and of spreads that are told apart; moments of rarer patterns are left out."""


@dataclass(frozen=True)
class LabelledRows:
    """N moments of a wearer whose weights are known, more or less.

    Attributes:
        observation: (N, D) rad, see `WearerJacobian`.
        weights: (N, 52).
        spread: (N, 52) standard deviation of these labels.
        valid: (N, D) bool, whether the sensor was seen.

    Raises:
        WearerError: arrays of other shapes.
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


@dataclass(frozen=True)
class Evidence:
    """Sums over G groups of moments x = J w + e; those of a group share the covariance of e.

    Of independent observations evidence adds up: `first + second` tells what both tell.

    Attributes:
        inverse_noise: (G, D, D) rad^-2, zero for channels that were missing.
        moment: (G, 52, 52), sum of w w^T.
        cross: (G, D, 52) rad, sum of x w^T.
    """

    inverse_noise: FloatArray
    moment: FloatArray
    cross: FloatArray

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(Evidence)))

    @classmethod
    def nothing(cls, observations: int) -> Evidence:
        """Of D channels."""
        d, w = observations, arkit.COUNT
        return cls(np.zeros((0, d, d)), np.zeros((0, w, w)), np.zeros((0, d, w)))


def evidence_of(prior: Prior, rows: LabelledRows, noise: FloatArray, share: float = 1.0) -> Evidence:
    """Of labelled moments.

    The errors of the labels, seen through the prior's mean of the Jacobian, add to the noise.

    Args:
        prior: over wearers.
        rows: N moments.
        noise: (D, D) rad^2, covariance of an observation around J w.
        share: what each row counts: moments that follow each other closely repeat each other.

    Raises:
        WearerError: the rows have another number of channels, or are not finite.
    """
    size = prior.observations
    if rows.observation.shape[1] != size:
        raise WearerError(f"expected observations of {size} channels, found {rows.observation.shape[1]}")
    if not all(np.isfinite(a).all() for a in (rows.observation[rows.valid], rows.weights, rows.spread)):
        raise WearerError("expected finite observations and labels, found NaN or infinity; record the routine again")
    mean = prior.mean.astype(np.float64)
    groups = []
    for chosen in _alike(rows):
        weights, valid = rows.weights[chosen].astype(np.float64), rows.valid[chosen[0]]
        observed = np.where(valid, rows.observation[chosen], 0.0)
        label = mean * rows.spread[chosen[0]]
        inverse = inverse_where_seen(noise + label @ label.T, valid)
        groups.append((inverse, share * weights.T @ weights, share * observed.T @ weights))
    if not groups:
        return Evidence.nothing(size)
    return Evidence(*(np.stack(arrays) for arrays in zip(*groups, strict=True)))


def _alike(rows: LabelledRows) -> list[NDArray[np.intp]]:
    """Indices of rows that share spread and validity, and with them their noise; the commonest first."""
    keys = np.concatenate([rows.spread, rows.valid], axis=1)
    _, group = np.unique(keys, axis=0, return_inverse=True)
    group = group.reshape(-1)
    commonest = np.argsort(-np.bincount(group), kind="stable")[:MOST_GROUPS]
    return [np.flatnonzero(group == g) for g in commonest]


def inverse_where_seen(covariance: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
    """(D, D) inverse over the channels (D,) that are there; zero elsewhere."""
    inverse = np.zeros_like(covariance)
    seen = np.flatnonzero(valid)
    inverse[np.ix_(seen, seen)] = np.linalg.inv(covariance[np.ix_(seen, seen)])
    return inverse
