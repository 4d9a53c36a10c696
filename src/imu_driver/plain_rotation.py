"""Rotations of one unit in plain numbers, quaternions x, y, z, w.

Written out: on so few numbers numpy would take ten times as long, and these run for every reading.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from face_model.frames import GRAVITY_M_S2

Values: TypeAlias = tuple[float, ...]


def turn(before: Values, after: Values) -> Values:
    """Rotation vector from one orientation to the next, in the unit's axes, rad."""
    bx, by, bz, bw = before
    ax, ay, az, aw = after
    x = bw * ax - bx * aw - by * az + bz * ay
    y = bw * ay + bx * az - by * aw - bz * ax
    z = bw * az - bx * ay + by * ax - bz * aw
    w = bw * aw + bx * ax + by * ay + bz * az
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(sine, abs(w)) / sine if sine > 1e-8 else 2.0
    if w < 0.0:
        scale = -scale  # the same rotation, the shorter way
    return scale * x, scale * y, scale * z


def turned_on(quaternion: Values, rate: Values, seconds: float) -> Values:
    """An orientation after so long at an angular velocity in the unit's axes."""
    qx, qy, qz, qw = quaternion
    half = 0.5 * seconds
    angle = half * math.sqrt(rate[0] * rate[0] + rate[1] * rate[1] + rate[2] * rate[2])
    scale = half * (math.sin(angle) / angle if angle > 1e-8 else 1.0)
    x, y, z, w = scale * rate[0], scale * rate[1], scale * rate[2], math.cos(angle)
    return (
        qw * x + qx * w + qy * z - qz * y,
        qw * y - qx * z + qy * w + qz * x,
        qw * z + qx * y - qy * x + qz * w,
        qw * w - qx * x - qy * y - qz * z,
    )


def gravity(quaternion: Values) -> Values:
    """Specific force of a unit that is not accelerated: up, in the unit's axes."""
    x, y, z, w = quaternion
    scale = GRAVITY_M_S2 / (x * x + y * y + z * z + w * w)
    return scale * 2.0 * (x * z - w * y), scale * 2.0 * (y * z + w * x), scale * (w * w - x * x - y * y + z * z)
