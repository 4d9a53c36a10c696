"""The plainest way to learn a wearer from labels: a linear map from the boards' rotations to the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_evaluation.signals import Calibration, Labelled, Signals
from face_evaluation.takes import recorded_features
from face_inference.channels import Channels
from face_inference.errors import WearerError
from face_inference.mounts import NominalMounts
from face_inference.wearer.alignment import align
from face_inference.wearer.linear_estimate import LIMITS
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior
from face_model import arkit

FloatArray = NDArray[np.float64]

PENALTIES = np.logspace(-4.0, 0.0, 17)
"""Squares of rad that are tried, relative to the mean square of a rotation."""

BLOCKS = 4
"""Parts of the motion that are left out in turn, to choose the penalty; neighbouring rows are alike."""

_ROW_HZ = 10.0
_MOST_LAG_S = 5.0


@dataclass(frozen=True)
class Map:
    """weights = offset + matrix x rotations: (52, D) and (52,)."""

    matrix: FloatArray
    offset: FloatArray
    penalty: float

    def __call__(self, rotations: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, D) rad -> (N, 52)."""
        return np.asarray(np.clip(rotations @ self.matrix.T + self.offset, *LIMITS), dtype=np.float32)


class StaticRidge:
    """Takes part where there is labelled natural motion; of nobody else anything is known.

    Args:
        mounts: where a model expects its sensors: for the rotations.
        prior: of a model, to bring two clocks together, and for nothing else.
    """

    def __init__(self, mounts: NominalMounts, prior: Prior) -> None:
        self._mounts, self._prior = mounts, prior
        self._channels = Channels.of(mounts)

    def knows(self, calibration: Calibration) -> bool:
        """Whether there are labels."""
        return calibration.labelled is not None

    def learn(self, calibration: Calibration) -> Map:
        """Raises `WearerError` where the camera's clock cannot be told."""
        labelled = calibration.labelled
        if labelled is None:
            raise WearerError(f"expected labelled motion to learn a static map from, found {calibration.state!r}")
        rotations = self._rotations(labelled.take)
        every = max(1, round(labelled.take.rate_hz / _ROW_HZ))
        at_s = np.arange(0, len(rotations), every) / labelled.take.rate_hz
        seen_s = labelled.time_s + self._lag_s(labelled, rotations)
        inside = (at_s >= seen_s[0]) & (at_s <= seen_s[-1])
        weights = np.stack([np.interp(at_s[inside], seen_s, column) for column in labelled.weights.T], axis=1)
        return fitted(rotations[::every][inside].astype(np.float64), weights)

    def estimate(self, take: Signals, known: Map) -> NDArray[np.float32]:
        """Each sample by itself; a missing sensor has not turned."""
        return known(self._rotations(take))

    def _rotations(self, take: Signals) -> NDArray[np.float32]:
        features = recorded_features(take, self._mounts)
        return np.asarray(features[:, self._channels.skin_block("rotation")])

    def _lag_s(self, labelled: Labelled, rotations: NDArray[np.float32]) -> float:
        if labelled.same_clock:
            return 0.0
        time_s = np.arange(len(rotations)) / labelled.take.rate_hz
        observed = Observations(time_s, rotations, np.ones(rotations.shape, dtype=bool))
        return float(align(observed, labelled.time_s, labelled.weights, self._prior, _MOST_LAG_S).lag_s)


def fitted(rotations: FloatArray, weights: FloatArray) -> Map:
    """Ridge regression of (N, 52) on (N, D), with the penalty that does best on parts left out."""
    parts = np.array_split(np.arange(len(rotations)), BLOCKS)
    errors = np.zeros(len(PENALTIES))
    for left_out in parts:
        kept = np.setdiff1d(np.arange(len(rotations)), left_out)
        for number, penalty in enumerate(PENALTIES):
            guess = _ridge(rotations[kept], weights[kept], penalty)(rotations[left_out])
            errors[number] += float(np.square(guess - weights[left_out]).sum())
    return _ridge(rotations, weights, float(PENALTIES[int(np.argmin(errors))]))


def _ridge(rotations: FloatArray, weights: FloatArray, penalty: float) -> Map:
    zero, level = rotations.mean(axis=0), weights.mean(axis=0)
    x, y = rotations - zero, weights - level
    scale = penalty * max(float(np.square(x).sum()), 1e-12) / x.shape[1]
    matrix = np.linalg.solve(x.T @ x + scale * np.eye(x.shape[1]), x.T @ y).T
    assert matrix.shape == (arkit.COUNT, rotations.shape[1])
    return Map(matrix, level - matrix @ zero, penalty)
