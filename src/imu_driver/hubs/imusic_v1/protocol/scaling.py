"""Counts on the wire to SI units and back."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUATERNION_SCALE: Final = 1.0 / 32767.0
"""Quaternion component of one count."""

STANDARD_GRAVITY_M_S2: Final = 9.80665
"""ISO 80000-3; ranges of accelerometers are given in multiples of it."""

FULL_SCALE: Final = 32768
"""Counts at the end of a gyroscope's or accelerometer's range."""


def gyro_scale(range_dps: ArrayLike) -> NDArray[np.float64]:
    """rad/s of one count, for ranges in degrees per second."""
    return np.asarray(range_dps, dtype=np.float64) * (math.pi / 180.0 / FULL_SCALE)


def accel_scale(range_g: ArrayLike) -> NDArray[np.float64]:
    """m/s2 of one count, for ranges in standard gravities."""
    return np.asarray(range_g, dtype=np.float64) * (STANDARD_GRAVITY_M_S2 / FULL_SCALE)


def to_counts(values: NDArray[np.floating], scale: ArrayLike) -> NDArray[np.int16]:
    """Values to counts of `scale` (broadcast against `values`), rounded to nearest, clipped to the range of int16.

    A count of -32768 or 32767 means saturation; the sender sets the unit's status bit.
    """
    counts = np.rint(np.asarray(values) / np.asarray(scale))
    clipped: NDArray[np.int16] = np.clip(counts, -32768, 32767).astype(np.int16)
    return clipped
