"""When known weights and the sensors' observations saw the same: the lag between two clocks, and how sure it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import WearerError
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior
from face_model.lag_search import Lag as Alignment
from face_model.lag_search import Track, best_lag

__all__ = ["Alignment", "align", "expected_track", "observed_track"]


def align(
    observations: Observations,
    time_s: NDArray[np.floating],
    weights: NDArray[np.floating],
    prior: Prior,
    max_lag_s: float,
    known: NDArray[np.bool_] | None = None,
) -> Alignment:
    """Lag of at most `max_lag_s` at which weights (P, 52) at times (P,) fit the observations best.

    Both sides are compared in the sensors' rotations, each channel in units of its noise, see
    `face_model.lag_search.best_lag`. A moment at t on the weights' clock is t + lag_s on the sensors'. `known` (P,)
    says which of the weights were seen; None: all of them.

    Raises:
        WearerError: the two do not overlap by half at any such lag.
    """
    seen, expected = observed_track(observations, prior), expected_track(time_s, weights, prior, known)
    found = best_lag(seen, expected, max_lag_s)
    if found is None:
        raise WearerError(
            f"expected recordings that overlap by half within {max_lag_s:g} s of each other, found the phone's "
            f"{expected.span} and the sensors' {seen.span}; record both at once"
        )
    return found


def observed_track(observations: Observations, prior: Prior) -> Track:
    """Observations, each channel in units of its noise."""
    return Track(observations.time_s, observations.values * _scale(prior), observations.valid)


def expected_track(
    time_s: NDArray[np.floating], weights: NDArray[np.floating], prior: Prior, known: NDArray[np.bool_] | None = None
) -> Track:
    """What the prior's mean Jacobian makes of weights (P, 52), in the same units; `known` (P,) as in `align`."""
    values = np.asarray(weights, dtype=np.float64) @ prior.mean.T.astype(np.float64)
    there = np.ones(len(values), dtype=bool) if known is None else known
    return Track(np.asarray(time_s), values * _scale(prior), np.repeat(there[:, None], values.shape[1], axis=1))


def _scale(prior: Prior) -> NDArray[np.float64]:
    """(D,) one over the standard deviation of each channel's noise."""
    return np.asarray(1.0 / np.sqrt(np.maximum(np.diag(prior.noise), 1e-12)), dtype=np.float64)
