"""Lip rings, lining of the mouth, teeth and tongue: the half at y >= 0."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head import colors
from imu_sim.head import proportions as prop
from imu_sim.head.half import Array, Half, Region, fan, smoothstep, strips
from imu_sim.head.surface import locate, skin_point

HALF_SEGMENTS: Final = 26
"""Steps from the middle of the lower lip over the corner to the middle of the upper lip."""
RED_RINGS: Final = (0.0, 0.16, 0.34, 0.54, 0.76, 1.0)
SKIN_RINGS: Final = (1.12, 1.28, 1.46, 1.66, 1.84)
"""s of the rings outside the red; s = 2, the outline, belongs to the face."""
OWN_FORM_ENDS: Final = 1.35
"""s of the ring at which the form of the red no longer shows."""

UPPER_ARCH: Final = (97.0, 0.024, 26.0)
"""Dental arch as a parabola: x in the middle, fall of x per y squared, half width."""
LOWER_ARCH: Final = (95.0, 0.025, 24.0)
TOOTH_WIDTHS: Final = (8.4, 6.6, 7.6, 6.8, 6.6, 9.0)
"""Central incisor to first molar (O. Ash, Wheeler's Dental Anatomy, rounded)."""


def ring_angles() -> Array:
    """phi of each vertex of a half ring, lower middle to upper middle, (HALF_SEGMENTS + 1,)."""
    return np.linspace(-0.5 * np.pi, 0.5 * np.pi, HALF_SEGMENTS + 1)


def _across(phi: Array) -> Array:
    u = np.cos(phi)
    u[[0, -1]] = 0.0
    return u


def outline() -> Array:
    """(y, h) of the outermost half ring, (N, 2)."""
    h, half_y, half_h = prop.MOUTH_PATCH
    phi = ring_angles()
    return np.stack([half_y * _across(phi), h + half_h * np.sin(phi)], axis=-1)


def contact() -> Array:
    """(y, h) where the lips meet, the same for both lips, (N, 2)."""
    u = _across(ring_angles())
    corner_y, corner_h = prop.MOUTH_CORNER
    bow = -0.7 * np.exp(-((u / 0.16) ** 2)) + 0.55 * np.exp(-(((u - 0.42) / 0.22) ** 2))
    return np.stack([corner_y * u, prop.MOUTH_H + (corner_h - prop.MOUTH_H) * u**3 + bow * (1.0 - u**4)], axis=-1)


def red_edge() -> Array:
    """(y, h) of the edge of the red of the lips, (N, 2)."""
    return _edge(prop.UPPER_LIP_HEIGHT, prop.LOWER_LIP_HEIGHT)


def _edge(upper_height: float, lower_height: float) -> Array:
    phi = ring_angles()
    u = _across(phi)
    corner_y, corner_h = prop.MOUTH_CORNER
    bow = 1.0 - u**1.5 - 0.20 * np.exp(-((u / 0.10) ** 2)) + 0.05 * np.exp(-(((u - 0.22) / 0.10) ** 2))
    upper = prop.MOUTH_H + upper_height * bow
    lower = prop.MOUTH_H - lower_height * (1.0 - u**2.3)
    h = np.where(phi > 0.0, upper, lower) + (corner_h - prop.MOUTH_H) * u**3
    return np.stack([(corner_y + 0.7) * u, h], axis=-1)


def _places(s: float) -> Array:
    """(y, h) of the half ring at s, (N, 2).

    Outside the red, rings are spaced between the outline and a plain edge; the red's own form ends at `OWN_FORM_ENDS`,
    so that the skin beside the mouth, where boards may sit, is the same however full the lips are.
    """
    if s <= 1.0:
        return (1.0 - s) * contact() + s * red_edge()
    plain = _edge(*prop.LIP_FRAME)
    own = 1.0 - smoothstep(1.0, OWN_FORM_ENDS, s)
    return (2.0 - s) * plain + (s - 1.0) * outline() + own * (red_edge() - plain)


def lip_ring(s: float) -> Array:
    """Neutral points of the half ring at s, (N, 3)."""
    phi = ring_angles()
    u = _across(phi)
    yh = _places(s)
    x = skin_point(*locate(yh[:, 0], yh[:, 1]))[:, 0]
    body = np.sqrt(1.0 - u**2)
    # Both lips are equally full where they meet.
    fullness = 3.15 + np.where(phi > 0.0, -0.45, 0.45) * min(s / 0.3, 1.0)
    if s <= 1.0:
        x = x + body * (fullness * np.sin(np.pi * (0.12 + 0.80 * s)) - 3.4 * (1.0 - s) ** 3) - 0.4
    else:
        edge = fullness * np.sin(np.pi * 0.92) - 0.4
        x = x + body * edge * np.exp(-(((s - 1.0) / 0.22) ** 2))
    x = x - 2.2 * np.exp(-(((1.0 - u) / 0.10) ** 2)) * np.exp(-((s / 1.0) ** 2))
    return np.stack([x, yh[:, 0], yh[:, 1]], axis=-1)


def arch_x(arch: tuple[float, float, float], y: Array) -> Array:
    """x of a dental arch at y, (...)."""
    x: Array = arch[0] - arch[1] * y**2
    return x


def lining_rings() -> list[Array]:
    """Half rings behind the lips: inside of the lips, over the gums, cheeks and throat, (N, 3) each."""
    phi = ring_angles()
    u, height = _across(phi), np.sin(phi)
    lips = lip_ring(0.0)
    inner = lips + np.stack([-2.5 + 0.0 * u, -0.4 * u, 0.9 * height], axis=-1)
    inside = lips + np.stack([-5.0 + 0.5 * u, -0.8 * u, 4.0 * height], axis=-1)
    gums_y = 24.5 * u
    gums = np.stack([arch_x(UPPER_ARCH, gums_y) + 1.6, gums_y, -67.0 + 14.0 * height], axis=-1)
    cheeks = np.stack([75.0 + 0.0 * u, 24.0 * u, -68.0 + 17.0 * height], axis=-1)
    throat = np.stack([58.0 + 0.0 * u, 18.0 * u, -67.0 + 13.0 * height], axis=-1)
    return [inner, inside, gums, cheeks, throat]


def teeth(*, upper: bool) -> Half:
    """One row of teeth: front, edge and back, the gum line first."""
    arch = UPPER_ARCH if upper else LOWER_ARCH
    scale = 1.0 if upper else 0.86
    gum, edge = (-55.0, -69.2) if upper else (-80.0, -68.6)
    bounds = np.concatenate([[0.0], np.cumsum(TOOTH_WIDTHS)]) * scale
    along = np.sort(np.concatenate([bounds, 0.5 * (bounds[1:] + bounds[:-1]), bounds[1:] - 0.9, bounds[:-1] + 0.9]))
    gap = np.min(np.abs(along[:, None] - bounds[None, :]), axis=1) < 0.1
    y_fine = np.linspace(0.0, arch[2], 200)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(y_fine), np.diff(arch_x(arch, y_fine))))])
    y = np.interp(along, length, y_fine)
    x = arch_x(arch, y) - 0.9 * gap
    shorter = np.where(gap, 0.8, 0.0) * (1.0 if upper else -1.0)
    slope = np.stack([np.ones_like(y), 2.0 * arch[1] * y], axis=-1)
    normal = slope / np.linalg.norm(slope, axis=-1, keepdims=True)
    lines = [
        (gum, -1.6),
        (gum + 0.35 * (edge - gum), 0.0),
        (gum + 0.75 * (edge - gum), 0.1),
        (edge, -0.7),
        (edge, -2.2),
        (gum, -6.0),
    ]
    points = np.concatenate(
        [
            np.stack(
                [x + d * normal[:, 0], y + d * normal[:, 1] * (y > 0), np.full_like(y, h) + shorter * (h == edge)], -1
            )
            for h, d in lines
        ]
    )
    index = np.arange(len(points)).reshape(len(lines), -1)
    triangles = strips(list(index[::-1]) if upper else list(index), closed=False)
    return Half(
        points=points,
        triangles=triangles,
        region=np.full(len(points), Region.TEETH_UPPER if upper else Region.TEETH_LOWER),
        color=colors.teeth(np.tile(gap, len(lines)), np.repeat([h == gum for h, _ in lines], len(y))),
    )


def tongue() -> Half:
    """The tongue at rest, behind the lower teeth: half sections from the root to the tip."""
    x = np.array([56.0, 62.0, 68.0, 74.0, 79.0, 83.0, 86.5, 89.0, 90.5])
    half_width = np.array([15.0, 17.0, 18.0, 18.0, 17.0, 15.0, 12.0, 8.0, 4.0])
    thick = np.array([8.0, 7.6, 7.0, 6.2, 5.5, 4.8, 4.0, 3.0, 1.6])
    height = np.array([-72.5, -72.3, -72.2, -72.4, -72.8, -73.2, -73.5, -73.7, -73.8])
    around = np.linspace(0.5 * np.pi, -0.5 * np.pi, 9)
    cosine = np.cos(around)
    cosine[[0, -1]] = 0.0
    groove = 1.2 * np.exp(-((cosine / 0.25) ** 2)) * (np.sin(around) > 0.0)
    y = half_width[:, None] * cosine
    h = height[:, None] + thick[:, None] * np.sin(around) - groove * (thick / 8.0)[:, None]
    sections = np.stack([np.broadcast_to(x[:, None], y.shape), y, h], axis=-1)
    points = np.concatenate([sections.reshape(-1, 3), [[91.0, 0.0, -73.9]]])
    index = np.arange(y.size).reshape(y.shape)
    triangles = np.concatenate([strips(list(index), closed=False), fan(index[-1], y.size, closed=False)])
    return Half(
        points=points,
        triangles=triangles[:, ::-1],
        region=np.full(len(points), Region.TONGUE),
        color=colors.tongue(points),
        s=np.concatenate([np.repeat(np.linspace(0.0, 1.0, len(x)), len(around)), [1.02]]),
    )
