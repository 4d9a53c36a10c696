"""Vectors with the component first, (3, ...): whole planes of numbers at a time, which is several times faster."""

from __future__ import annotations

import numpy as np

from imu_sim.motion import Floats


def dot(a: Floats, b: Floats) -> Floats:
    """Inner product, (3, ...) x (3, ...) -> (...)."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def cross(a: Floats, b: Floats) -> Floats:
    """Cross product, (3, ...) x (3, ...) -> (3, ...)."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        np.multiply(a[i], b[j], out=out[k])
        out[k] -= a[j] * b[i]
    return out


def unit(a: Floats) -> Floats:
    """Vectors of length 1 in the same directions, (3, ...)."""
    return np.asarray(a / np.sqrt(dot(a, a)))
