"""Shapes of the lower jaw: it turns about its hinge and slides; chin, lower lip, lower teeth and tongue go with it."""

from __future__ import annotations

from typing import Final

import numpy as np

from face_model.head import proportions as prop
from face_model.head.fields import Skin
from face_model.head.half import Array, Region, smoothstep

FORWARD_MM: Final = 6.0
SIDEWAYS_DEG: Final = 5.0
CONDYLE_Y_MM: Final = 48.0
SEAL_UPPER_SHARE: Final = 0.32
"""How much of the gap the upper lip closes in mouthClose; the lower lip does the rest. A guess."""


def hinge_motion(points: Array, angle_deg: float) -> Array:
    """Chord of a turn about the hinge, mouth opening, (N, 3) -> (N, 3)."""
    angle = np.deg2rad(angle_deg)
    dx, dh = points[:, 0] - prop.JAW_HINGE[0], points[:, 2] - prop.JAW_HINGE[1]
    new_x, new_h = dx * np.cos(angle) + dh * np.sin(angle), dh * np.cos(angle) - dx * np.sin(angle)
    return np.stack([new_x - dx, np.zeros_like(dx), new_h - dh], axis=-1)


def jaw_share(skin: Skin) -> Array:
    """How much of the jaw's motion the skin takes, 0 to 1, (K,)."""
    x, h = skin.points[:, 0], skin.h
    angle = np.rad2deg(np.arctan2(prop.JAW_HINGE[1] - h, x - prop.JAW_HINGE[0]))
    over_bone = smoothstep(14.0, 46.0, angle)
    # Close to the hinge the angle changes within few millimetres: there the skin hardly takes part.
    over_bone = over_bone * smoothstep(12.0, 62.0, np.hypot(x - prop.JAW_HINGE[0], h - prop.JAW_HINGE[1]))
    # Lips: the upper stays, the lower goes, the corner follows half; outside the rings this fades into the cheek.
    near = 1.0 - smoothstep(0.9, 2.0, skin.lip_s)
    lips = 1.0 - skin.upper
    share = over_bone + near * (lips - over_bone)
    # Below the jaw line the skin stretches down to the throat.
    chin, angle_of_jaw = np.array([90.0, -113.0]), np.array([10.0, -76.0])
    line = (chin - angle_of_jaw) / np.linalg.norm(chin - angle_of_jaw)
    below = (x - angle_of_jaw[0]) * line[1] - (h - angle_of_jaw[1]) * line[0]
    share = share * (1.0 - smoothstep(2.0, 34.0, below)) * smoothstep(-22.0, 30.0, x)
    return np.clip(share, 0.0, 1.0)


def rigid(skin: Skin, motion: Array) -> Array:
    """Whole-mesh displacement of a rigid jaw `motion` (V, 3): bone parts fully, skin by its share."""
    mesh = skin.mesh
    moved = skin.on_mesh(motion[skin.index] * jaw_share(skin)[:, None])
    bone = mesh.of(Region.TEETH_LOWER, Region.TONGUE)
    moved[bone] = motion[bone]
    lining = mesh.of(Region.MOUTH)
    floor = 1.0 - smoothstep(-0.6, 0.3, np.sin(mesh.phi))
    moved[lining] = (motion * np.nan_to_num(floor)[:, None] * smoothstep(1.05, 0.75, np.nan_to_num(mesh.s))[:, None])[
        lining
    ]
    return moved


def _sideways(points: Array) -> Array:
    """Chord of the jaw's turn to the left about the left condyle, (N, 3) -> (N, 3)."""
    angle = np.deg2rad(SIDEWAYS_DEG)
    dx, dy = points[:, 0] - prop.JAW_HINGE[0], points[:, 1] - CONDYLE_Y_MM
    new_x, new_y = dx * np.cos(angle) - dy * np.sin(angle), dy * np.cos(angle) + dx * np.sin(angle)
    return np.stack([new_x - dx, new_y - dy, np.zeros_like(dx)], axis=-1)


def jaw_shapes(skin: Skin) -> dict[str, Array]:
    """jawOpen, jawForward, jawLeft and mouthClose, whole-mesh displacements (V, 3)."""
    mesh = skin.mesh
    opened = rigid(skin, hinge_motion(mesh.points, prop.JAW_OPEN_DEG))
    # The cheek thins as the jaw drops, and the corners of the mouth are drawn in.
    opened += skin.on_mesh(
        skin.slide(0.0, 0.0, -1.5 * (skin.around(44.0, -62.0, 13.0, 16.0) + skin.around(-44.0, -62.0, 13.0, 16.0)))
    )
    corners = skin.around(25.0, -67.0, 11.0, 12.0) - skin.around(-25.0, -67.0, 11.0, 12.0)
    opened += skin.on_mesh(skin.slide(-2.5 * corners, 0.0))
    forward = rigid(skin, np.broadcast_to([FORWARD_MM, 0.0, 0.8], mesh.points.shape))
    left = rigid(skin, _sideways(mesh.points))
    return {"jawOpen": opened, "jawForward": forward, "jawLeft": left, "mouthClose": _seal(skin, opened)}


def _seal(skin: Skin, opened: Array) -> Array:
    """What brings the lips together again while the jaw is open: both meet on one line between them."""
    mesh = skin.mesh
    lip = np.flatnonzero(mesh.region == Region.LIP)
    contact = lip[mesh.s[lip] == 0.0]
    # Lips meet vertex by vertex: phi on the lower lip is -phi on the upper.
    phi = np.angle(np.exp(1j * mesh.phi))
    order = contact[np.argsort(phi[contact])]
    upper = order[phi[order] >= -1e-9]
    angle = phi[upper]
    lower = np.array([order[np.argmin(np.abs(np.angle(np.exp(1j * (phi[order] + a)))))] for a in angle])
    meet = (1.0 - SEAL_UPPER_SHARE) * opened[upper] + SEAL_UPPER_SHARE * opened[lower]
    up_fix, low_fix = meet - opened[upper], meet - opened[lower]
    here = np.abs(phi[skin.index])
    fix = np.where(
        (skin.mouth_height >= 0.0)[:, None],
        np.stack([np.interp(here, angle, up_fix[:, k]) for k in range(3)], axis=-1),
        np.stack([np.interp(here, angle, low_fix[:, k]) for k in range(3)], axis=-1),
    )
    fade = np.where(skin.is_lip, 1.0 - smoothstep(0.75, 2.0, skin.lip_s), 0.0)
    return skin.on_mesh(np.nan_to_num(fix) * fade[:, None])
