"""What a unit may measure: kinds of values, and which are impossible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from imu_driver.plain_rotation import Values

NORM_TOLERANCE: Final = 0.05
"""A quaternion whose norm is off by more is no rotation."""

MOST_RATE_RAD_S: Final = 100.0
MOST_FORCE_M_S2: Final = 1000.0
"""No unit measures more: 5730 degrees/s, 100 g."""

ORIENTATION, RATE, FORCE, DERIVED = range(4)
WIDTH: Final = (4, 3, 3, 3)


def checked(kind: int, given: Sequence[float]) -> Values | None:
    """As floats, orientations of norm 1; None where no unit can mean them."""
    values = tuple(float(v) for v in given)
    if len(values) != WIDTH[kind]:
        raise ValueError(f"expected {WIDTH[kind]} numbers, found {len(values)}")
    size = math.hypot(*values)
    if kind == ORIENTATION:
        if not abs(size - 1.0) <= NORM_TOLERANCE:
            return None
        return tuple(v / size for v in values)
    return values if size <= (MOST_RATE_RAD_S if kind == RATE else MOST_FORCE_M_S2) else None


def nearer(quaternion: Values, to: Values) -> Values:
    """The one of `q` and `-q`, which are one rotation, that is nearer to another."""
    if sum(a * b for a, b in zip(quaternion, to, strict=True)) < 0.0:
        return tuple(-v for v in quaternion)
    return quaternion
