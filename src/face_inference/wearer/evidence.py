"""What moments of a wearer's motion tell of the Jacobian: the sufficient statistics of a linear regression."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import WearerError
from face_inference.wearer.prior import Prior
from face_model import arkit
from face_model.saved_arrays import Arrays, SavedArrays

FloatArray = NDArray[np.floating]

MOST_GROUPS = 32
"""Patterns of missing sensors and of spreads that are told apart; moments of rarer patterns are left out."""

MOST_INFORMATION = 1e12
"""What is larger, of any sum, is damage: noise of a microradian gives as much."""

_MOST_SAVED = 4 * MOST_GROUPS


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

    def counted(self, share: float) -> Evidence:
        """The same, each moment counted so often."""
        return Evidence(self.inverse_noise, share * self.moment, share * self.cross)

    @cached_property
    def rounded(self) -> Evidence:
        """The same in numbers that single precision holds, so that what is saved is what is used."""
        return Evidence(*(getattr(self, f.name).astype(np.float32).astype(np.float64) for f in fields(Evidence)))

    def saved_state(self) -> Arrays:
        """As arrays in single precision, for `from_saved`. Most of a prompt's moment is zero, and left out."""
        arrays: Arrays = {"inverse_noise": self.inverse_noise.astype(np.float32)}
        for name in ("moment", "cross"):
            array = getattr(self, name).reshape(-1)
            at = np.flatnonzero(array)
            arrays |= {f"{name}_at": at.astype(np.int32), name: array[at].astype(np.float32)}
        return arrays

    @classmethod
    def from_saved(cls, saved: SavedArrays, observations: int) -> Evidence:
        """Of D channels, from `saved_state`.

        Raises:
            SnapshotError: it is damaged, or of other sensors.
        """
        d, w = observations, arkit.COUNT
        inverse_noise = saved.array("inverse_noise", (None, d, d), "f4", most=MOST_INFORMATION, most_rows=_MOST_SAVED)
        groups = len(inverse_noise)
        whole = [inverse_noise.astype(np.float64)]
        for name, size in (("moment", (w, w)), ("cross", (d, w))):
            array = np.zeros((groups, *size))
            at = saved.array(f"{name}_at", (None,), "i4")
            values = saved.array(name, (len(at),), "f4", most=MOST_INFORMATION)
            if len(at) and not (at[0] >= 0 and at[-1] < array.size and (np.diff(at) > 0).all()):
                raise saved.refuse(f"places of {name} in order", "others")
            array.reshape(-1)[at] = values
            whole.append(array)
        saved.end()
        evidence = cls(*whole)
        try:
            evidence.check()
        except ValueError as error:
            raise saved.refuse("sums over moments", error) from error
        return evidence

    def check(self) -> None:
        """Raises `ValueError` for what no moments sum up to."""
        for name in ("inverse_noise", "moment"):
            array = getattr(self, name).astype(np.float64)
            scale = np.abs(array).max(axis=(1, 2)) + 1e-12
            # Single precision leaves a millionth.
            apart = np.abs(array - array.transpose(0, 2, 1)).max(axis=(1, 2))
            if (apart > 1e-4 * scale).any() or (np.linalg.eigvalsh(array).min(axis=1) < -1e-4 * scale).any():
                raise ValueError(f"{name} that is not symmetric and positive")


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
