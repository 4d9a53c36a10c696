"""sRGB colours of the generated head, 0 to 255."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model.palette import (
    BLUSH,
    BROW,
    CARUNCLE,
    GUM,
    HAIR,
    HAIR_LIGHT,
    IRIS,
    IRIS_EDGE,
    IRIS_INNER,
    LASH,
    LID,
    LIP,
    LIP_DARK,
    MOUTH_DEEP,
    MOUTH_FRONT,
    NOSTRIL,
    PUPIL,
    SCLERA,
    SCLERA_EDGE,
    SKIN,
    TONGUE,
    TOOTH,
    TOOTH_GAP,
    mix,
)
from imu_sim.head import proportions as prop
from imu_sim.head.half import Array, smoothstep


def _spot(points: Array, y: float, h: float, sigma_y: float, sigma_h: float) -> Array:
    spot: Array = np.exp(
        -0.5 * (((np.abs(points[:, 1]) - y) / sigma_y) ** 2 + ((points[:, 2] - h) / sigma_h) ** 2)
    ) * smoothstep(30.0, 60.0, points[:, 0])
    return spot


def skin(points: Array, cover: Array) -> Array:
    """Skin and hair of points (N, 3), hair where `cover` (N,) is 1."""
    color = np.broadcast_to(SKIN, points.shape)
    color = mix(color, BLUSH, 0.38 * _spot(points, 42.0, -34.0, 15.0, 11.0))
    color = mix(color, BLUSH, 0.40 * _spot(points, 0.0, -38.0, 10.0, 7.0))
    color = mix(color, BLUSH, 0.15 * _spot(points, 0.0, -100.0, 16.0, 8.0))
    color = mix(color, LID, 0.45 * _spot(points, 31.5, -2.0, 15.0, 10.0))
    color = mix(color, NOSTRIL, 1.3 * _spot(points, prop.NOSTRIL.y, prop.NOSTRIL.h + 0.2, 2.9, 1.5))
    # Strands: the hair is a little lighter and darker from place to place.
    azimuth = np.arctan2(points[:, 1], points[:, 0] + 8.0)
    strand = 0.5 + 0.5 * np.sin(17.0 * np.abs(azimuth) + 0.06 * points[:, 2]) * np.sin(41.0 * np.abs(azimuth) + 1.0)
    hair = mix(np.broadcast_to(HAIR, points.shape), HAIR_LIGHT, 0.28 * strand)
    return mix(color, hair, smoothstep(0.15, 0.6, cover))


def lids(face: Array, s: Array, phi: Array) -> Array:
    """Lid rings: lashes on the margin (thin below), lid skin, then the face's own colour."""
    width = np.where(np.sin(phi) > -0.05, 0.075, 0.045)
    lash = np.exp(-((s / width) ** 2)) * np.where(np.sin(phi) > -0.05, 1.0, 0.5)
    crease = 0.30 * np.exp(-(((s - 0.27) / 0.06) ** 2)) * np.clip(np.sin(phi), 0.0, 1.0)
    return mix(mix(face, LID, 0.6 * (1.0 - smoothstep(0.2, 0.6, s)) + crease), LASH, lash)


def lips(face: Array, s: Array) -> Array:
    """Lip rings: dark where the lips meet, red, then the face's own colour."""
    red = mix(LIP * np.ones((len(s), 1)), LIP_DARK, 0.75 * np.exp(-((s / 0.13) ** 2)))
    return mix(red, face, smoothstep(0.86, 1.1, s))


def socket(depth: Array) -> Array:
    """Behind the lid margin, (N,) 0 to 1."""
    return mix(np.broadcast_to(CARUNCLE, (len(depth), 3)), MOUTH_FRONT, smoothstep(0.45, 1.0, depth))


def lining(s: Array) -> Array:
    """Inside of the mouth, lips (0) to throat (1)."""
    color = mix(np.broadcast_to(LIP_DARK, (len(s), 3)), MOUTH_FRONT, smoothstep(0.0, 0.3, s))
    return mix(color, MOUTH_DEEP, smoothstep(0.3, 0.65, s))


def eye(angle: Array) -> Array:
    """Eyeball by the angle from the gaze axis in rad, (N,)."""
    radius = prop.EYE_RADIUS * np.sin(np.minimum(angle, 0.5 * np.pi))
    iris = mix(np.broadcast_to(IRIS_INNER, (len(angle), 3)), IRIS, smoothstep(2.6, 4.2, radius))
    iris = mix(iris, IRIS_EDGE, smoothstep(4.6, prop.IRIS_RADIUS, radius))
    white = mix(np.broadcast_to(SCLERA, iris.shape), SCLERA_EDGE, smoothstep(0.75, 1.4, angle))
    color = np.where((radius > prop.IRIS_RADIUS + 0.01)[:, None], white, iris)
    return np.where((radius < prop.PUPIL_RADIUS)[:, None], PUPIL, color)


def teeth(gap: NDArray[np.bool_], gum: NDArray[np.bool_]) -> Array:
    """Teeth with darker gaps and gums."""
    return np.where(gum[:, None], GUM, np.where(gap[:, None], TOOTH_GAP, TOOTH))


def tongue(points: Array) -> Array:
    """Tongue, darker towards its root."""
    return mix(np.broadcast_to(TONGUE, points.shape), MOUTH_FRONT, smoothstep(84.0, 60.0, points[:, 0]))


def ear(lift: Array) -> Array:
    """Ear by the height over its plane in mm: darker in the bowl."""
    return mix(mix(SKIN * np.ones((len(lift), 1)), BLUSH, np.full(len(lift), 0.45)), LID, smoothstep(0.0, -5.0, lift))


def brow(count: int) -> Array:
    """Eyebrow."""
    return np.broadcast_to(BROW, (count, 3))
