"""The best linear estimate of the weights, for what is known of the wearer and for the sensors that are there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_inference.wearer.prior import Prior, WearerJacobian

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.floating]

LIMITS = (0.0, 1.1)
"""Weights that ARKit gives; recorded takes reach 1.08."""

_MASKS_KEPT = 64
"""Patterns of missing sensors whose gains are kept: a wearer meets a handful, and flickering must not fill memory."""


class Gain(NamedTuple):
    """weights = matrix x observation + offset, for one pattern of sensors."""

    matrix: Float32Array
    """(52, D), zero for channels that are missing."""
    offset: Float32Array
    """(52,)"""
    deviation: Float32Array
    """(52,) standard deviation of the true weights around the linear estimate."""

    def weights(self, observation: Float32Array, out: Float32Array | None = None) -> Float32Array:
        """(..., D) rad -> weights (..., 52), written to `out` if given."""
        weights: Float32Array = np.matmul(observation, self.matrix.T, out=out)
        weights += self.offset
        # Half the time of `numpy.clip` on so few numbers.
        np.maximum(weights, LIMITS[0], out=weights)
        np.minimum(weights, LIMITS[1], out=weights)
        return weights


class LinearEstimate:
    """Linear minimum-mean-square-error estimate of the weights from one observation.

    With prior w ~ N(m, S) and x = J w + e, e ~ N(0, R + U), where U is what not knowing J adds, the estimate is
    m + S J^T (J S J^T + R + U)^-1 (x - J m) (S. Kay, "Fundamentals of Statistical Signal Processing: Estimation
    Theory", 1993, chapter 12).
    """

    changing = False
    """See `SmoothEstimate`."""

    def __init__(self, prior: Prior, wearer: WearerJacobian) -> None:
        self._prior = prior.weights_covariance.astype(np.float64)
        self._mean = prior.weights_mean.astype(np.float64)
        self._jacobian = wearer.mean.astype(np.float64)
        self._noise = wearer.noise_beside(prior) + wearer.uncertainty
        self._gains: dict[bytes, Gain] = {}

    def gain(self, valid: NDArray[np.bool_]) -> Gain:
        """For the channels (D,) that are there."""
        key = valid.tobytes()
        found = self._gains.get(key)
        if found is None:
            if len(self._gains) >= _MASKS_KEPT:
                self._gains.clear()
            found = self._gains[key] = self._solve(valid)
        return found

    tick = gain

    def weights(self, observation: Float32Array, valid: NDArray[np.bool_]) -> tuple[Float32Array, Float32Array]:
        """(..., D) rad of one pattern of channels (D,) -> weights (..., 52) and their standard deviation (52,)."""
        gain = self.gain(valid)
        return gain.weights(observation), gain.deviation

    def _solve(self, valid: NDArray[np.bool_]) -> Gain:
        seen = np.flatnonzero(valid)
        jacobian = self._jacobian[seen]
        shared = jacobian @ self._prior  # (n, 52)
        total = shared @ jacobian.T + self._noise[np.ix_(seen, seen)]
        gain = np.linalg.solve(total, shared).T  # (52, n)
        matrix = np.zeros((len(self._mean), len(valid)))
        matrix[:, seen] = gain
        variance = np.diag(self._prior - gain @ shared)
        offset = self._mean - gain @ (jacobian @ self._mean)
        deviation = np.sqrt(np.maximum(variance, 0.0))
        return Gain(matrix.astype(np.float32), offset.astype(np.float32), deviation.astype(np.float32))
