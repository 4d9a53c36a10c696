"""The lower jaw turns about its hinge and slides; chin, lower lip, lower teeth and tongue go with it.

All motions here are rigid ones of this person's bone, not carried from the mean head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from imu_sim.head import proportions as prop
from imu_sim.head.anatomy import JawPath
from imu_sim.head.fields import Skin
from imu_sim.head.form import Form
from imu_sim.head.half import Array, Indices, Region, smoothstep

CONDYLE_Y_MM: Final = 48.0
SEAL_UPPER_SHARE: Final = 0.32
"""How much of the gap the upper lip closes in mouthClose; the lower lip does the rest. A guess."""
RINGS_BEYOND: Final = 1.8
"""Rings of 12 mm, as between the red and the mouth's outline, in one half height of that outline."""


@dataclass(frozen=True)
class Jaw:
    """One person's lower jaw and what hangs on it.

    Attributes:
        form: the head it belongs to.
        path: how it moves.
        share: (V,) how much of the bone's motion each vertex takes, 0 to 1.
    """

    form: Form
    path: JawPath
    share: Array

    @classmethod
    def of(cls, skin: Skin, form: Form, path: JawPath) -> Jaw:
        """The jaw of a head; `skin` is that of the mean head."""
        mesh = skin.mesh
        share = np.zeros(len(mesh.points))
        share[skin.index] = _skin_share(skin, path.skin_follow)
        share[mesh.of(Region.TEETH_LOWER, Region.TONGUE)] = 1.0
        lining = mesh.of(Region.MOUTH)
        floor = 1.0 - smoothstep(-0.6, 0.3, np.sin(mesh.phi[lining]))
        share[lining] = np.nan_to_num(floor) * smoothstep(1.05, 0.75, mesh.s[lining])
        return cls(form, path, share)

    def opened(self, weight: float) -> Array:
        """Displacement (V, 3) on the way of jawOpen: the turn, and the condyles' slide in proportion to it."""
        path = self.path
        steep = np.deg2rad(path.slide_deg)
        slide = weight * path.slide_mm * np.array([np.cos(steep), 0.0, -np.sin(steep)])
        return self._taken(self._turned(weight * path.open_deg, weight * path.swerve_deg) + slide)

    def forward(self) -> Array:
        """Displacement (V, 3) of jawForward: along the joint, a little up as the lower teeth pass the upper."""
        return self._taken(np.broadcast_to([self.path.forward_mm, 0.0, 0.8], self.form.points.shape))

    def sideways(self, side: float) -> Array:
        """Displacement (V, 3) of jawLeft (1) or jawRight (-1): a turn about the condyle of that side."""
        angle = side * np.deg2rad(self.path.sideways_deg)
        dx, dy = self.form.points[:, 0] - self._hinge[0], self.form.points[:, 1] - side * CONDYLE_Y_MM
        new_x, new_y = dx * np.cos(angle) - dy * np.sin(angle), dy * np.cos(angle) + dx * np.sin(angle)
        return self._taken(np.stack([new_x - dx, new_y - dy, np.zeros_like(dx)], axis=-1))

    def tilted(self, moved: Array) -> Array:
        """What turning displacements (..., 3) with the open jaw adds to them."""
        angle = np.deg2rad(self.path.open_deg)
        x, h = moved[..., 0], moved[..., 2]
        return np.stack(
            [
                x * (np.cos(angle) - 1.0) + h * np.sin(angle),
                np.zeros_like(x),
                h * (np.cos(angle) - 1.0) - x * np.sin(angle),
            ],
            axis=-1,
        )

    @property
    def _hinge(self) -> Array:
        hinge: Array = self.form.hinge + np.array([self.path.hinge_x_mm, 0.0, self.path.hinge_h_mm])
        return hinge

    def _turned(self, open_deg: float, swerve_deg: float) -> Array:
        angle, swerve = np.deg2rad([open_deg, swerve_deg])
        down = np.array([[np.cos(angle), 0.0, np.sin(angle)], [0.0, 1.0, 0.0], [-np.sin(angle), 0.0, np.cos(angle)]])
        aside = np.array(
            [[np.cos(swerve), -np.sin(swerve), 0.0], [np.sin(swerve), np.cos(swerve), 0.0], [0.0, 0.0, 1.0]]
        )
        arm = self.form.points - self._hinge
        chord: Array = arm @ (aside @ down).T - arm
        return chord

    def _taken(self, motion: Array) -> Array:
        return motion * self.share[:, None]


def _skin_share(skin: Skin, follow: float) -> Array:
    """How much of the jaw's motion the skin takes, 0 to 1, (K,)."""
    x, h = skin.points[:, 0], skin.h
    angle = np.rad2deg(np.arctan2(prop.JAW_HINGE[1] - h, x - prop.JAW_HINGE[0]))
    middle, half = 30.0, 16.0 * follow
    over_bone = smoothstep(middle - half, middle + half, angle)
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
    share = share * (1.0 - smoothstep(-4.0, 56.0, below)) * smoothstep(-22.0, 30.0, x)
    return np.clip(share, 0.0, 1.0)


@dataclass(frozen=True)
class Seal:
    """What brings lips together again that a motion has parted: both meet on one line between them.

    Attributes:
        around: (L,) vertices around the mouth; the chin's skin is drawn up with the lower lip, the nose stays.
        upper, lower: (L,) vertices where the lips meet, at the angle around the mouth of each of `around`.
        fade: (L, 1) 1 on the red, 0 where nothing moves.
    """

    around: Indices
    upper: Indices
    lower: Indices
    fade: Array

    @classmethod
    def of(cls, skin: Skin) -> Seal:
        """The lips of a head and the skin beside them."""
        mesh = skin.mesh
        angle, ring = _around_mouth(skin)
        fade = np.where(skin.mouth_height < 0.0, 1.0 - smoothstep(0.75, 3.2, ring), 1.0 - smoothstep(0.75, 2.0, ring))
        kept = np.flatnonzero(fade > 0.0)
        lip = np.flatnonzero(mesh.region == Region.LIP)
        contact = lip[mesh.s[lip] == 0.0]

        def at(angle: Array) -> Indices:
            apart = np.abs(np.angle(np.exp(1j * (mesh.phi[contact][None, :] - angle[:, None]))))
            found: Indices = contact[np.argmin(apart, axis=1)]
            return found

        # Lips meet vertex by vertex: phi on the lower lip is -phi on the upper.
        return cls(skin.index[kept], at(angle[kept]), at(-angle[kept]), fade[kept][:, None])

    def closing(self, parted: Array, upper_side: Array) -> Array:
        """Displacement (V, 3) that closes the lips after `parted` (V, 3); `upper_side` (V,) is 1 on the upper lip."""
        meet = (1.0 - SEAL_UPPER_SHARE) * parted[self.upper] + SEAL_UPPER_SHARE * parted[self.lower]
        upper = upper_side[self.around, None] > 0.0
        fix = meet - np.where(upper, parted[self.upper], parted[self.lower])
        moved = np.zeros_like(parted)
        moved[self.around] = fix * self.fade
        return moved


def _around_mouth(skin: Skin) -> tuple[Array, Array]:
    """Angle from the left corner, 0 to pi over either lip, and ring of every skin vertex, (K,) each.

    The rings go on outside the mouth's outline, where their number is 2, in steps of a lip's width.
    """
    centre, half_y, half_h = prop.MOUTH_PATCH
    across, up = skin.y / half_y, (skin.h - centre) / half_h
    outside = 2.0 + RINGS_BEYOND * (np.hypot(across, up) - 1.0)
    ring = np.where(skin.is_lip, skin.lip_s, np.where(skin.front > 0.0, np.maximum(outside, 2.0), np.inf))
    phi = np.where(skin.is_lip, np.nan_to_num(skin.mesh.phi[skin.index]), np.arctan2(up, across))
    return np.abs(np.angle(np.exp(1j * phi))), ring
