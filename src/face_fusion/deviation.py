"""From confidence to the spread of an error, and back.

Confidence is P(|error| <= 0.1) (msg/FaceBlendshapes.msg) of an error that is distributed as Laplace's law says, as in
`face_inference.uncertainty`: c = 1 - exp(-sqrt(2) 0.1 / s), s the standard deviation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 0.1
LEAST_VARIANCE, MOST_VARIANCE = 1e-4, 1.0
"""Nobody knows a weight better than to 0.01, and who knows nothing of it is off by no more than 1."""

_SCALE = math.sqrt(2.0) * TOLERANCE


def variance_of(confidence: NDArray[np.floating]) -> Floats:
    """Variance of the error that each confidence in [0, 1] tells of, within the two bounds."""
    sure = np.clip(np.asarray(confidence, dtype=np.float64), 0.0, 1.0 - 1e-9)
    deviation = _SCALE / np.maximum(-np.log1p(-sure), 1e-9)
    return np.clip(np.square(deviation), LEAST_VARIANCE, MOST_VARIANCE)


def confidence_of(variance: NDArray[np.floating]) -> Floats:
    """Confidence in (0, 1) of errors of these variances > 0."""
    return np.asarray(-np.expm1(-_SCALE / np.sqrt(variance)), dtype=np.float64)
