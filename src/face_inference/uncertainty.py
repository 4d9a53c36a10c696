"""What a published confidence implies: the one place that names the distribution of an estimate's error.

A confidence c is P(|error| <= t) with t = 0.1 (msg/FaceBlendshapes.msg). Under a Laplace distribution of standard
deviation s,

    P(|error| <= h) = 1 - exp(-sqrt(2) h / s),

so c = 1 - exp(-sqrt(2) t / s), and the interval that holds the truth with probability p has the half width

    h = t log(1 - p) / log(1 - c),

which needs the confidence alone. Laplace rather than Gaussian, because errors of a face are: small while it rests and
large when an expression is missed. The fitting of a model compares the two on people held out and says which would
have been better (`face_training.temperature`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, observability

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 0.1
"""Confidence is the probability of |error| <= this, in weights (msg/FaceBlendshapes.msg)."""

CEILING: NDArray[np.float32] = np.array(
    [observability.WITHIN_OF_HIDDEN.get(name, 1.0) for name in arkit.BLENDSHAPES], dtype=np.float32
)
"""(52,) most that a published confidence may be. A network learns to publish what hidden shapes nearly always are, and
to be sure of it; how often that is true of real faces was measured, and is all that can be claimed."""

_FULL = 1.0 - 1e-7
"""Confidences nearer to 1 than single precision tells apart are taken for this."""


def within(ratio: float) -> float:
    """P(|error| <= `ratio` standard deviations)."""
    return 1.0 - math.exp(-math.sqrt(2.0) * ratio)


def half_width_of_scale(probability: float) -> float:
    """Half width of the interval that holds the truth with `probability` in (0, 1), in standard deviations."""
    return -math.log(1.0 - probability) / math.sqrt(2.0)


def confidence_of(scale: NDArray[np.floating]) -> NDArray[np.floating]:
    """Confidence in [0, 1] of errors whose standard deviation is `scale` > 0, in weights; any shape."""
    return np.asarray(-np.expm1(-math.sqrt(2.0) * TOLERANCE / scale))


def honest(confidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network's confidence (..., 52) as it may be published, a new array: no shape claims more than `CEILING`."""
    return np.minimum(confidence, CEILING)


def scale_of(confidence: NDArray[np.floating]) -> NDArray[np.float64]:
    """Standard deviation of the error that a published confidence implies: the inverse of `confidence_of`."""
    claimed = np.clip(np.asarray(confidence, dtype=np.float64), 1e-6, _FULL)
    return np.asarray(-math.sqrt(2.0) * TOLERANCE / np.log1p(-claimed))


def half_width(confidence: NDArray[np.floating], probability: float) -> NDArray[np.float64]:
    """Half width, in weights, of the interval around a published weight that holds the truth with `probability`.

    Args:
        confidence: as published, in [0, 1], any shape.
        probability: in (0, 1), such as 0.8.
    """
    return np.asarray(half_width_of_scale(probability) * scale_of(confidence))


def confidence_from_scale(scale: Tensor) -> Tensor:
    """`confidence_of` for tensors; exported with the network, hence in operators that every engine knows."""
    return 1.0 - (scale.reciprocal() * (-math.sqrt(2.0) * TOLERANCE)).exp()
