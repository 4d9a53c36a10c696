"""Vectors with the component first, (3, ...): whole planes of numbers at a time, which is several times faster."""

from __future__ import annotations

import numpy as np

from imu_sim.motion import Floats


def dot(a: Floats, b: Floats) -> Floats:
    """Inner product, (3, ...) x (3, ...) -> (...)."""
    return np.asarray(np.einsum("i...,i...->...", a, b))


def cross(a: Floats, b: Floats) -> Floats:
    """Cross product, (3, ...) x (3, ...) -> (3, ...)."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        np.multiply(a[i], b[j], out=out[k])
        out[k] -= a[j] * b[i]
    return out


def with_length(a: Floats) -> tuple[Floats, Floats]:
    """Lengths (...) of vectors (3, ...), and the unit vectors in their directions."""
    length = np.sqrt(dot(a, a))
    return length, np.asarray(a * (1.0 / length))
