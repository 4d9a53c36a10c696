"""Ear and eyebrow of the left side."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head import colors
from imu_sim.head import proportions as prop
from imu_sim.head.half import Array, Half, Region, fan, smoothstep, strips
from imu_sim.head.surface import beside, locate, skin_point

EAR_SEGMENTS: Final = 30
EAR_RINGS: Final = (0.18, 0.34, 0.46, 0.56, 0.66, 0.76, 0.86, 0.94, 1.0)
EAR_RELIEF: Final = (-3.6, -3.4, -1.8, 1.2, 1.8, 0.2, 1.2, 2.6, 1.6)
"""Height of each ring over the ear's plane: bowl, inner fold, groove, rolled rim."""
EAR_TILT_DEG: Final = 13.0
EAR_FLARE_DEG: Final = 15.0
BROW_STATIONS: Final = 15


def ear() -> Half:
    """The left ear: rings from the bowl to the rolled rim, and a plain back that meets the head."""
    psi = np.arange(EAR_SEGMENTS) * (2.0 * np.pi / EAR_SEGMENTS)
    backwards, upwards = np.cos(psi), np.sin(psi)
    half_w, half_h = 0.5 * prop.EAR_WIDTH, 0.5 * prop.EAR_HEIGHT
    a = half_w * backwards * (1.0 + 0.20 * upwards) - 1.5 * np.clip(-upwards, 0.0, 1.0) ** 2
    b = half_h * upwards
    lobe = np.clip(-upwards - 0.45, 0.0, 1.0) * 1.8
    tragus = np.exp(-(((psi - np.pi - 0.1) / 0.5) ** 2))
    rings = []
    for rho, relief in zip(EAR_RINGS, EAR_RELIEF, strict=True):
        lift = relief * (1.0 - np.clip(lobe, 0.0, 1.0)) + 0.5 * np.clip(lobe, 0.0, 1.0)
        lift = lift * (1.0 - 0.8 * tragus * smoothstep(0.6, 0.8, rho)) + 2.6 * tragus * np.exp(
            -(((rho - 0.62) / 0.2) ** 2)
        )
        shift = 2.5 * (1.0 - rho)
        rings.append(np.stack([rho * a - shift, rho * b - 3.0 * (1.0 - rho), lift], axis=-1))
    rings.append(np.stack([1.0 * a, 1.0 * b, np.full_like(a, -0.8)], axis=-1))
    rings.append(np.stack([0.90 * a, 0.92 * b, np.full_like(a, -2.6)], axis=-1))
    rings.append(np.stack([0.60 * a - 3.0, 0.72 * b, np.full_like(a, -11.0)], axis=-1))
    local = np.concatenate([*rings, [[-1.0, -3.0, -5.5]]])
    index = np.arange(len(rings) * EAR_SEGMENTS).reshape(len(rings), -1)
    points = _ear_to_head(local)
    triangles = np.concatenate([strips(list(index[::-1]), closed=True), fan(index[0], index.size, closed=True)])
    return Half(
        points=points,
        triangles=triangles,
        region=np.full(len(points), Region.EAR),
        color=colors.ear(local[:, 2]),
    )


def _ear_to_head(local: Array) -> Array:
    """Ear plane (backwards, upwards, outwards) to the head."""
    tilt, flare = np.deg2rad(EAR_TILT_DEG), np.deg2rad(EAR_FLARE_DEG)
    back, up, out = local.T
    hinge = back + 0.5 * prop.EAR_WIDTH
    along = hinge * np.cos(flare) - out * np.sin(flare)
    backwards = along * np.cos(tilt) + up * np.sin(tilt) - 0.5 * prop.EAR_WIDTH
    upwards = up * np.cos(tilt) - along * np.sin(tilt)
    x, h = prop.EAR_CENTRE[0] - backwards, prop.EAR_CENTRE[1] + upwards
    # The front edge grows out of the head, the rim stands off it.
    off = np.clip(hinge, 0.0, None) * np.sin(flare) + out * np.cos(flare)
    return np.stack([x, beside(x, h) + off + 3.4, h], axis=-1)


def brow() -> Half:
    """The left eyebrow: a thin raised band on the skin, so that its edge is crisp whatever the skin's mesh is."""
    u = np.linspace(0.0, 1.0, BROW_STATIONS) ** 1.2
    y = np.interp(u, (0.0, 1.0), (prop.BROW_INNER[0], prop.BROW_OUTER[0]))
    middle = np.interp(u, (0.0, 1.0), (prop.BROW_INNER[1], prop.BROW_OUTER[1])) + prop.BROW_ARCH * np.sin(
        np.pi * u**1.35
    )
    half = 0.5 * prop.BROW_THICKNESS * (1.0 - u**2.2) ** 0.75 * np.sqrt(np.clip((u + 0.02) / 0.16, 0.0, 1.0)) + 0.1
    levels = ((-1.35, -1.0), (-1.0, 0.35), (0.0, 0.9), (1.0, 0.35), (1.35, -1.0))
    lines = []
    for level, raised in levels:
        h = middle + level * half
        t, v = locate(y, h)
        point = skin_point(t, v)
        point[:, 0] += raised
        lines.append((point, t, v))
    points = np.concatenate([line[0] for line in lines])
    index = np.arange(len(points)).reshape(len(lines), -1)
    return Half(
        points=points,
        triangles=strips(list(index), closed=False),
        region=np.full(len(points), Region.BROW),
        color=colors.brow(len(points)),
        t=np.concatenate([line[1] for line in lines]),
        v=np.concatenate([line[2] for line in lines]),
    )
