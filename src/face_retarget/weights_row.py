"""Weights as all retargets take them in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from face_model import arkit


def weights_row(weights: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
    """(52,) in `arkit.BLENDSHAPES` order, within 0 and 1; what is no number is 0.

    Raises:
        ValueError: not 52 weights.
    """
    row = np.asarray(weights, dtype=np.float64)
    if row.shape != (arkit.COUNT,):
        raise ValueError(f"expected {arkit.COUNT} weights, found shape {row.shape}")
    return np.clip(np.nan_to_num(row, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
