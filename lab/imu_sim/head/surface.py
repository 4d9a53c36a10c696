"""The head as a smooth surface over (t, v): t the turn around the head, v the way down from the crown.

t is in radians, 0 on the midline of the face, positive to the subject's left, pi at the back. v is in millimetres along
the midline of the face from the crown. Points are in construction millimetres (x, y, h), see `proportions`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from imu_sim.head import proportions as prop

Array = NDArray[np.float64]

RISE_SHARPNESS: Final = 1.2
"""How early a row that climbs towards the ear has done so; by eye."""


@lru_cache(maxsize=1)
def _rows() -> tuple[CubicSpline, Array]:
    """Row measures over v, continued across the crown so that the top is smooth, and v of each row."""
    rows = np.array(prop.ROWS)
    h, front, side, back, width, square, rise = rows.T
    v = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(h), np.diff(front)))])
    # Beyond the crown the front meridian goes on as the back one, and the width changes sign.
    mirrored = np.stack([h, back, side, front, -width, square, rise], axis=1)[:0:-1]
    stacked = np.concatenate([mirrored, np.stack([h, front, side, back, width, square, rise], axis=1)])
    return CubicSpline(np.concatenate([-v[:0:-1], v]), stacked), v


def row_positions() -> Array:
    """v of each of `proportions.ROWS`, (R,)."""
    return _rows()[1]


def v_end() -> float:
    """v of the neck's lower edge."""
    return float(row_positions()[-1])


def base_point(t: Array, v: Array) -> Array:
    """Point of the surface without features, (...) x (...) -> (..., 3)."""
    h, front, side, back, width, square, rise = np.moveaxis(_rows()[0](v), -1, 0)
    cosine, sine = np.cos(t), np.sin(t)
    radius = (np.abs(cosine) ** square + np.abs(sine) ** square) ** (-1.0 / square)
    x = side + np.where(cosine > 0.0, front - side, side - back) * radius * cosine
    climb = np.tanh(RISE_SHARPNESS * (1.0 - cosine)) / np.tanh(RISE_SHARPNESS)
    return np.stack([x, width * radius * sine, h + rise * climb], axis=-1)


def around_mm(t: Array, v: Array) -> Array:
    """Length of a step in t, mm/rad, (...)."""
    step = 1e-4
    length: Array = np.linalg.norm(base_point(t + step, v) - base_point(t - step, v), axis=-1) / (2.0 * step)
    return length


def locate(y: Array, h: Array) -> tuple[Array, Array]:
    """(t, v) of the foremost point of the featureless surface seen from the front at (y, h), each (...).

    Newton's method from a guess on the rows; meant for the face inside its outline:
    |y| up to about 55 above the mouth and 38 below, h from -100 to 75.
    """
    rows, positions = _rows()[0](row_positions()), row_positions()
    v = np.interp(-h, -rows[:, 0], positions)
    t = np.arcsin(np.clip(y / 72.0, -0.95, 0.95))
    step = 1e-4
    for _ in range(12):
        here = base_point(t, v)
        along_t = (base_point(t + step, v) - here) / step
        along_v = (base_point(t, v + step) - here) / step
        miss_y, miss_h = y - here[..., 1], h - here[..., 2]
        det = along_t[..., 1] * along_v[..., 2] - along_v[..., 1] * along_t[..., 2]
        dt = (miss_y * along_v[..., 2] - along_v[..., 1] * miss_h) / det
        dv = (along_t[..., 1] * miss_h - along_t[..., 2] * miss_y) / det
        t = t + np.clip(dt, -0.2, 0.2)
        v = v + np.clip(dv, -10.0, 10.0)
    return t, v


def beside(x: Array, h: Array) -> Array:
    """y of the left side of the featureless surface at (x, h) near the ears, (...), by Newton's method."""
    rows, positions = _rows()[0](row_positions()), row_positions()
    t = np.full(np.shape(x), 0.5 * np.pi)
    v = np.interp(-h, -(rows[:, 0] + rows[:, 6]), positions)
    step = 1e-4
    for _ in range(15):
        here = base_point(t, v)
        along_t = (base_point(t + step, v) - here) / step
        along_v = (base_point(t, v + step) - here) / step
        miss_x, miss_h = x - here[..., 0], h - here[..., 2]
        det = along_t[..., 0] * along_v[..., 2] - along_v[..., 0] * along_t[..., 2]
        t = t + np.clip((miss_x * along_v[..., 2] - along_v[..., 0] * miss_h) / det, -0.2, 0.2)
        v = v + np.clip((along_t[..., 0] * miss_h - along_t[..., 2] * miss_x) / det, -10.0, 10.0)
    y: Array = base_point(t, v)[..., 1]
    return y


def gaussian(bump: prop.Bump, y: Array, h: Array) -> Array:
    """Falloff of a one-sided bump, 1 at its centre, (...)."""
    turn = np.deg2rad(bump.turn_deg)
    dy, dh = y - bump.y, h - bump.h
    along, across = dy * np.cos(turn) + dh * np.sin(turn), dh * np.cos(turn) - dy * np.sin(turn)
    near: Array = np.exp(-0.5 * ((along / bump.sigma_y) ** 2 + (across / bump.sigma_h) ** 2))
    return near


def _displace(bump: prop.Bump, y: Array, h: Array) -> Array:
    left = gaussian(bump, y, h)
    right = gaussian(bump, -y, h) if bump.y else np.zeros_like(left)
    both = left + right
    return np.stack([bump.forward * both, bump.out * (left - right), bump.up * both], axis=-1)


@lru_cache(maxsize=1)
def _nose_curves() -> tuple[PchipInterpolator, PchipInterpolator]:
    order = np.argsort(prop.NOSE_H)
    h = np.array(prop.NOSE_H)[order]
    height, width = np.array(prop.NOSE_HEIGHT)[order], np.array(prop.NOSE_HALF_WIDTH)[order]
    return PchipInterpolator(h, height), PchipInterpolator(h, width)


def nose(y: Array, h: Array) -> Array:
    """Displacement of the face by the nose, (...) x (...) -> (..., 3)."""
    height, width = _nose_curves()
    arch_y, arch_width, arch_height = prop.NOSTRIL_ARCH
    arch = arch_height * np.exp(-(((np.abs(y) - arch_y) / arch_width) ** 2)) + 0.008 * y**2
    inside = np.clip(h - arch * np.exp(-(((h + 44.0) / 7.0) ** 2)), min(prop.NOSE_H), max(prop.NOSE_H))
    section = np.exp(-(np.abs(y / width(inside)) ** 2.3))
    ridge = np.stack([height(inside) * section, np.zeros_like(y), np.zeros_like(y)], axis=-1)
    details = (prop.NOSE_WING, prop.NOSE_BALL, prop.NOSE_WING_CREASE, prop.NOSTRIL, prop.NOSE_TIP_DROOP)
    total: Array = ridge + sum(_displace(bump, y, h) for bump in details)
    return total


@lru_cache(maxsize=1)
def _hairline_curve() -> PchipInterpolator:
    return PchipInterpolator(np.deg2rad(prop.HAIRLINE_DEG), prop.HAIRLINE_H)


def _above_hairline(t: Array, v: Array) -> Array:
    above: Array = base_point(t, v)[..., 2] - _hairline_curve()(np.clip(np.abs(t), 0.0, np.pi))
    return above


def hair_cover(t: Array, v: Array) -> Array:
    """1 well inside the hair, 0 on bare skin, with a narrow edge, (...)."""
    return np.clip(_above_hairline(t, v) / prop.HAIR_EDGE, 0.0, 1.0)


def hairline(t: Array, cover: Array | float) -> Array:
    """v at which the hair's cover has the given value on each meridian, (...), by bisection."""
    low, high = np.full_like(t, 5.0), np.full_like(t, v_end())
    for _ in range(40):
        middle = 0.5 * (low + high)
        inside = _above_hairline(t, middle) > cover * prop.HAIR_EDGE
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return 0.5 * (low + high)


def skin_point(t: Array, v: Array) -> Array:
    """Point of the skin with nose, sockets, cheeks, chin and hair, but without lids and lips, (..., 3)."""
    base = base_point(t, v)
    x, y, h = np.moveaxis(base, -1, 0)
    front = np.clip((x - 5.0) / 30.0, 0.0, 1.0)[..., None]
    moved = sum(_displace(bump, y, h) for bump in prop.BUMPS.values()) + nose(y, h)
    centre = np.array([-5.0, 0.0, 20.0])
    outward = (base - centre) / np.linalg.norm(base - centre, axis=-1, keepdims=True)
    cover = hair_cover(t, v)
    smooth = cover * cover * (3.0 - 2.0 * cover)
    deep = np.clip(_above_hairline(t, v) / 45.0, 0.0, 1.0) * np.clip((h - 45.0) / 60.0, 0.0, 1.0)
    depth = prop.HAIR_DEPTH * smooth + prop.HAIR_VOLUME * deep * deep * (3.0 - 2.0 * deep)
    point: Array = base + front * moved + outward * depth[..., None]
    return point
