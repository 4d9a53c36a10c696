"""The readings of one unit and kind in plain numbers: what can be believed of one, and what they say of a time between.

A channel holds them in order of time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias

from imu_driver.plain_rotation import Values

NORM_TOLERANCE: Final = 0.05
"""A quaternion whose norm is off by more is no rotation."""

MOST_RATE_RAD_S: Final = 100.0
MOST_FORCE_M_S2: Final = 1000.0
"""No unit measures more: 5730 degrees/s, 100 g."""

ORIENTATION, RATE, FORCE, DERIVED = range(4)
WIDTH: Final = (4, 3, 3, 3)
"""Numbers of each kind."""

Entry: TypeAlias = tuple[float, Values, int]
"""Time, values, flags."""


def believable(kind: int, given: Sequence[float]) -> Values | None:
    """As floats, orientations of norm 1; None where no unit can mean them. `ValueError`: too few, or too many."""
    values = tuple(float(v) for v in given)
    if len(values) != WIDTH[kind]:
        raise ValueError(f"expected {WIDTH[kind]} numbers, found {len(values)}")
    size = math.hypot(*values)
    if kind == ORIENTATION:
        if not abs(size - 1.0) <= NORM_TOLERANCE:
            return None
        return tuple(v / size for v in values)
    return values if size <= (MOST_RATE_RAD_S if kind == RATE else MOST_FORCE_M_S2) else None


def nearer(quaternion: Values, channel: deque[Entry]) -> Values:
    """The one of `q` and `-q`, which are one rotation, that is nearer to the newest."""
    if channel and sum(a * b for a, b in zip(quaternion, channel[-1][1], strict=True)) < 0.0:
        return tuple(-v for v in quaternion)
    return quaternion


def value_at(channel: deque[Entry], time_s: float, gap_s: float, predict_s: float) -> tuple[float, Values, int] | None:
    """Of a time: how old the newest reading is where it is taken as it is (s), the values, and flags; None: not known.

    Args:
        channel: of one kind, in order of time.
        time_s: of interest.
        gap_s: nothing is interpolated over more.
        predict_s: the newest reading is taken as it is for so long.
    """
    after: Entry | None = None
    for entry in reversed(channel):
        if entry[0] > time_s:
            after = entry
            continue
        before_s, before, flags = entry
        if after is not None and after[0] - before_s <= gap_s:
            share = (time_s - before_s) / (after[0] - before_s)
            values = tuple(a + share * (b - a) for a, b in zip(before, after[1], strict=True))
            return 0.0, values, flags | after[2]
        if time_s - before_s <= predict_s:
            return time_s - before_s, before, flags
        return None
    return None
