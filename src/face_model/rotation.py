"""Rotations as unit quaternions x, y, z, w, vectorised over leading axes.

A quaternion `q` that is said to turn frame A into frame B maps coordinates: `v_b = rotate(q, v_a)`.
Formulas: J. Diebel, "Representing Attitude: Euler Angles, Unit Quaternions, and Rotation Vectors", 2006.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product, (..., 4) x (..., 4) -> (..., 4): first `b`, then `a`."""
    ax, ay, az, aw = (a[..., i] for i in range(4))
    bx, by, bz, bw = (b[..., i] for i in range(4))
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def conjugate(q: Array) -> Array:
    """Inverse of unit quaternions, (..., 4)."""
    return q * np.array([-1.0, -1.0, -1.0, 1.0], dtype=q.dtype)


def cross(a: Array, b: Array) -> Array:
    """Cross product over the last axis, (..., 3); several times faster than `numpy.cross` on small arrays."""
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=-1)


def rotate(q: Array, v: Array) -> Array:
    """Turn vectors, (..., 4) x (..., 3) -> (..., 3)."""
    u, w = q[..., :3], q[..., 3:]
    t = 2.0 * cross(u, v)
    rotated: Array = v + w * t + cross(u, t)
    return rotated


def from_vector(r: Array) -> Array:
    """Quaternion of a rotation vector in rad, (..., 3) -> (..., 4)."""
    angle = np.linalg.norm(r, axis=-1, keepdims=True)
    # sinc keeps the small-angle limit exact.
    return np.concatenate([r * (0.5 * np.sinc(angle / (2.0 * np.pi))), np.cos(0.5 * angle)], axis=-1)


def to_vector(q: Array) -> Array:
    """Rotation vector in rad with length at most pi, (..., 4) -> (..., 3)."""
    q = np.where(q[..., 3:] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., 3:])
    scale = np.where(sine > 1e-8, angle / np.maximum(sine, 1e-8), 2.0)
    vector: Array = q[..., :3] * scale
    return vector


def about_vertical(q: Array) -> NDArray[np.float64]:
    """Angle of rotations about the third axis, rad, (..., 4) -> (...), from -2 pi to 2 pi: see `wrapped`."""
    return np.asarray(2.0 * np.arctan2(q[..., 2], q[..., 3]))


def wrapped(angle: Array) -> NDArray[np.float64]:
    """The same angles, rad, from -pi to pi."""
    return np.asarray(np.remainder(angle + np.pi, 2.0 * np.pi) - np.pi)


def normalise(q: Array) -> Array:
    """Unit quaternions with the same direction, (..., 4); an all-zero quaternion becomes identity."""
    norm = np.linalg.norm(q, axis=-1, keepdims=True)
    identity = np.array([0.0, 0.0, 0.0, 1.0], dtype=q.dtype)
    return np.where(norm > 1e-6, q / np.maximum(norm, 1e-6), identity)


def between(a: Array, b: Array) -> Array:
    """Smallest rotation that turns unit vector `a` into unit vector `b`, (..., 3) x (..., 3) -> (..., 4).

    Opposite vectors have no unique answer; a half turn about an axis normal to `a` is returned.
    """
    w = 1.0 + np.sum(a * b, axis=-1, keepdims=True)
    least = np.zeros_like(a)
    np.put_along_axis(least, np.argmin(np.abs(a), axis=-1)[..., None], 1.0, axis=-1)
    axis = np.where(w > 1e-9, cross(a, b), cross(a, least))
    return normalise(np.concatenate([axis, np.where(w > 1e-9, w, 0.0)], axis=-1))


def from_matrix(m: Array) -> Array:
    """Quaternion of rotation matrices, (..., 3, 3) -> (..., 4), stable for every angle."""
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # The eigenvector of the largest eigenvalue by its largest component (Shepperd's method, branch-free).
    k = np.stack(
        [
            np.stack(
                [
                    1 + m00 - m11 - m22,
                    m[..., 0, 1] + m[..., 1, 0],
                    m[..., 0, 2] + m[..., 2, 0],
                    m[..., 2, 1] - m[..., 1, 2],
                ],
                -1,
            ),
            np.stack(
                [
                    m[..., 0, 1] + m[..., 1, 0],
                    1 - m00 + m11 - m22,
                    m[..., 1, 2] + m[..., 2, 1],
                    m[..., 0, 2] - m[..., 2, 0],
                ],
                -1,
            ),
            np.stack(
                [
                    m[..., 0, 2] + m[..., 2, 0],
                    m[..., 1, 2] + m[..., 2, 1],
                    1 - m00 - m11 + m22,
                    m[..., 1, 0] - m[..., 0, 1],
                ],
                -1,
            ),
            np.stack(
                [
                    m[..., 2, 1] - m[..., 1, 2],
                    m[..., 0, 2] - m[..., 2, 0],
                    m[..., 1, 0] - m[..., 0, 1],
                    1 + m00 + m11 + m22,
                ],
                -1,
            ),
        ],
        -2,
    )
    best = np.argmax(np.abs(np.diagonal(k, axis1=-2, axis2=-1)), axis=-1)
    rows = np.take_along_axis(k, best[..., None, None], axis=-2)[..., 0, :]
    return normalise(rows)


def to_matrix(q: Array) -> Array:
    """Rotation matrices of unit quaternions, (..., 4) -> (..., 3, 3)."""
    eye = np.eye(3, dtype=q.dtype)
    columns = [rotate(q, np.broadcast_to(eye[i], (*q.shape[:-1], 3))) for i in range(3)]
    return np.stack(columns, axis=-1)
