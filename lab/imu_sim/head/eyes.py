"""Lid rings and eyeball of the left eye."""

from __future__ import annotations

from typing import Final

import numpy as np

from imu_sim.head import colors
from imu_sim.head import proportions as prop
from imu_sim.head.half import Array, Half, Indices, Region, fan, smoothstep, strips
from imu_sim.head.surface import locate, skin_point

SEGMENTS: Final = 44
LID_RINGS: Final = (0.0, 0.07, 0.15, 0.23, 0.31, 0.40, 0.52, 0.66, 0.83)
"""s of the rings from the margin outwards; s = 1, the outline, belongs to the face."""

OWN_FORM_ENDS: Final = 0.31
"""s of the ring at which the form of the opening no longer shows."""

EYE_CENTRE: Final = np.array([prop.EYE_X - prop.EYE_RADIUS, prop.EYE_Y, 0.0])


def ring_angles() -> Array:
    """phi of the vertices of every lid ring, (SEGMENTS,)."""
    return np.arange(SEGMENTS, dtype=np.float64) * (2.0 * np.pi / SEGMENTS)


def outline() -> Array:
    """(y, h) of the outermost ring, (SEGMENTS, 2)."""
    y, h, half_y, half_h = prop.EYE_PATCH
    phi = ring_angles()
    return np.stack([y + half_y * np.cos(phi), h + half_h * np.sin(phi)], axis=-1)


def margin(phi: Array) -> Array:
    """(y, h) of the lid margin, (..., 2): an almond, upper lid highest a little towards the nose."""
    return _almond(phi, prop.LID_OPENING)


def _almond(phi: Array, opening: prop.Opening) -> Array:
    inner, outer = opening.inner, opening.outer
    along = np.cos(phi)
    y = 0.5 * (outer[0] + inner[0]) + 0.5 * (outer[0] - inner[0]) * along
    line = 0.5 * (outer[1] + inner[1]) + 0.5 * (outer[1] - inner[1]) * along
    upper = np.sin(phi) >= 0.0
    skew = np.where(upper, 1.0 - 0.12 * along, 1.0 + 0.10 * along)
    arch = np.abs(np.sin(phi)) ** opening.power * skew
    return np.stack([y, line + arch * np.where(upper, opening.upper_peak, opening.lower_peak)], axis=-1)


def lid_places(s: float) -> Array:
    """(y, h) of the ring at s, (SEGMENTS, 2).

    Rings are spaced between the outline and a plain almond; the margin's own form ends at `OWN_FORM_ENDS`, so that the
    skin beside the eye, where a board may sit, is the same whatever the opening looks like.
    """
    phi = ring_angles()
    almond = _almond(phi, prop.LID_FRAME)
    own = 1.0 - smoothstep(0.0, OWN_FORM_ENDS, s)
    return (1.0 - s) * almond + s * outline() + own * (margin(phi) - almond)


def over_eyeball(y: Array, h: Array, clearance: float = prop.LID_THICKNESS) -> Array:
    """x of lid skin that lies on the eyeball at (y, h), (...): a sphere that runs out into cones at the corners."""
    radius = prop.EYE_RADIUS + clearance
    dy, dh = y - EYE_CENTRE[1], h - EYE_CENTRE[2]
    rho = np.hypot(dy, dh)
    knee = 0.78 * radius
    cap = np.sqrt(np.maximum(radius**2 - np.minimum(rho, knee) ** 2, 0.0))
    slope = knee / np.sqrt(radius**2 - knee**2)
    outwards = np.clip(dy - 8.0, 0.0, None)
    x: Array = EYE_CENTRE[0] + cap - slope * np.clip(rho - knee, 0.0, None) - 0.045 * outwards**2
    return x


def lid_ring(s: float) -> Array:
    """Neutral points of the ring at s, (SEGMENTS, 3)."""
    phi = ring_angles()
    yh = lid_places(s)
    y, h = yh[:, 0], yh[:, 1]
    face = skin_point(*locate(y, h))[:, 0]
    up = np.clip(np.sin(phi), 0.0, 1.0)
    down = np.clip(-np.sin(phi), 0.0, 1.0)
    # The upper lid leaves the eyeball later than the lower one, and folds in where it does.
    leave = smoothstep(0.22, 0.85, s) * up + smoothstep(0.10, 0.80, s) * (1.0 - up)
    x = (1.0 - leave) * over_eyeball(y, h) + leave * face
    x = x - prop.LID_CREASE * np.exp(-(((s - 0.27) / 0.07) ** 2)) * up**0.7
    x = x - 0.7 * np.exp(-(((s - 0.42) / 0.12) ** 2)) * down
    return np.stack([x, y, h], axis=-1)


def socket_rings() -> list[Array]:
    """Rings behind the margin: lid edge on the eyeball, then back around it, (SEGMENTS, 3) each."""
    phi = ring_angles()
    edge = margin(phi)
    lid = lid_ring(0.0)
    on_ball = np.stack([over_eyeball(edge[:, 0], edge[:, 1], 0.0) - 0.35, edge[:, 0], edge[:, 1]], axis=-1)
    on_ball[:, 0] = np.minimum(on_ball[:, 0], lid[:, 0] - 0.9)
    deep = np.stack(
        [np.full(SEGMENTS, 82.0), prop.EYE_Y + 13.2 * np.cos(phi), 0.0 + 13.2 * np.sin(phi)],
        axis=-1,
    )
    back = np.stack([np.full(SEGMENTS, 70.0), prop.EYE_Y + 8.0 * np.cos(phi), 8.0 * np.sin(phi)], axis=-1)
    return [on_ball, 0.5 * (on_ball + deep) + np.array([-1.5, 0.0, 0.0]), deep, back]


def eyeball() -> Half:
    """The left eyeball: rings around the gaze axis, the pupil's centre first."""
    polar = np.concatenate(
        [
            np.arcsin(np.array([0.55, 0.97, 1.03]) * prop.PUPIL_RADIUS / prop.EYE_RADIUS),
            np.arcsin(np.array([0.62, 0.80, 0.93, 1.0, 1.07]) * prop.IRIS_RADIUS / prop.EYE_RADIUS),
            np.linspace(0.72, 2.0, 7),
        ]
    )
    segments = 28
    around = np.arange(segments) * (2.0 * np.pi / segments)
    rings = np.stack(
        [
            np.broadcast_to(np.cos(polar)[:, None], (len(polar), segments)),
            np.sin(polar)[:, None] * np.cos(around),
            np.sin(polar)[:, None] * np.sin(around),
        ],
        axis=-1,
    )
    points = np.concatenate([[[1.0, 0.0, 0.0]], rings.reshape(-1, 3)]) * prop.EYE_RADIUS + EYE_CENTRE
    index = 1 + np.arange(len(polar) * segments).reshape(len(polar), segments)
    lines: list[Indices] = list(index)
    triangles = np.concatenate([strips(lines[::-1], closed=True), fan(index[0], 0, closed=True)])
    angle = np.concatenate([[0.0], np.repeat(polar, segments)])
    return Half(
        points=points,
        triangles=triangles,
        region=np.full(len(points), Region.EYE),
        color=colors.eye(angle),
        on_midline=np.zeros(len(points), dtype=bool),
    )
