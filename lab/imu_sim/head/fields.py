"""Smooth motions of the skin, the building blocks of the shapes. All in construction millimetres of the mean head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu_sim.head import proportions as prop
from imu_sim.head.anatomy import LOCAL_PLACES, Pull
from imu_sim.head.half import Array, Indices, Region, smoothstep
from imu_sim.head.mesh import HeadMesh
from imu_sim.head.surface import base_point

STRONGEST: Final = 1.9
"""No tissue goes further than this, relative to the typical face."""
LEAST_AREA: Final = 0.22
"""No patch of skin is crushed to less of its area in one shape; a guess."""


@dataclass(frozen=True)
class Skin:
    """The vertices that slide on the head's surface (skin, lids, lips), `K` of them.

    Attributes:
        mesh: the head they belong to.
        index: (K,) their places in the mesh.
    """

    mesh: HeadMesh
    index: Indices

    @classmethod
    def of(cls, mesh: HeadMesh) -> Skin:
        """All sliding vertices of a head."""
        return cls(mesh, np.flatnonzero(mesh.of(Region.SKIN, Region.LID, Region.LIP)))

    @cached_property
    def points(self) -> Array:
        """(K, 3)."""
        return self.mesh.points[self.index]

    @cached_property
    def y(self) -> Array:
        """(K,) to the subject's left."""
        return self.points[:, 1]

    @cached_property
    def h(self) -> Array:
        """(K,) above the pupil line."""
        return self.points[:, 2]

    @cached_property
    def front(self) -> Array:
        """(K,) 1 on the face, 0 on the back of the head."""
        return smoothstep(-5.0, 40.0, self.points[:, 0])

    @cached_property
    def is_lip(self) -> NDArray[np.bool_]:
        """(K,) in the rings around the mouth."""
        lip: NDArray[np.bool_] = self.mesh.region[self.index] == Region.LIP
        return lip

    @cached_property
    def lip_s(self) -> Array:
        """(K,) ring around the mouth, 0 where the lips meet, 1 at the edge of the red, 2 and more elsewhere."""
        return np.where(self.is_lip, self.mesh.s[self.index], 2.0)

    @cached_property
    def mouth_height(self) -> Array:
        """(K,) from -1 below the mouth over 0 at the corners to 1 above it; it jumps between the lips."""
        centre, half_y, half_h = prop.MOUTH_PATCH
        outside = np.arctan2((self.h - centre) / half_h, np.abs(self.y) / half_y)
        return np.where(self.is_lip, np.sin(self.mesh.phi[self.index]), np.sin(outside))

    @cached_property
    def upper(self) -> Array:
        """(K,) 1 on the upper lip and above, 0 on the lower lip and below, one half at the corners."""
        return smoothstep(-1.0, 1.0, self.mouth_height)

    @cached_property
    def mirror(self) -> Indices:
        """(K,) place of each vertex's mirror image."""
        place = np.full(len(self.mesh.points), -1)
        place[self.index] = np.arange(len(self.index))
        image: Indices = place[self.mesh.mirror[self.index]]
        return image

    @cached_property
    def lids_held(self) -> Array:
        """Factor (K, 1) that keeps lid margins on the eyeball while the skin around them moves."""
        lid = self.mesh.region[self.index] == Region.LID
        return np.where(lid, smoothstep(0.25, 0.95, np.nan_to_num(self.mesh.s[self.index])), 1.0)[:, None]

    @cached_property
    def _triangles(self) -> tuple[Indices, Array, Array]:
        """Free skin triangles of the face, (T, 3) places; their normals, (T, 3); and squared lengths of those, (T,)."""
        place = np.full(len(self.mesh.points), -1)
        free = self.mesh.of(Region.SKIN) & (self.mesh.points[:, 0] > 30.0)
        place[self.index] = np.arange(len(self.index))
        triangles = place[self.mesh.triangles[free[self.mesh.triangles].all(axis=1)]]
        normal = _normals(self.points[triangles])
        return triangles, normal, np.sum(normal**2, axis=-1)

    def unfolded(self, moved: Array) -> Array:
        """Displacements (B, K, 3), each made smaller as a whole where it would crush or fold the skin somewhere.

        Skin wrinkles and resists; how small a part of its area it shrinks to is a guess.
        """
        triangles, normal, square = self._triangles
        left = np.sum(_normals((self.points + moved)[:, triangles]) * normal, axis=-1) / square
        share = np.minimum((1.0 - LEAST_AREA) / np.maximum(1.0 - left.min(axis=1), 1e-9), 1.0)
        limited: Array = moved * share[:, None, None]
        return limited

    @cached_property
    def local(self) -> Array:
        """(len(LOCAL_PLACES), K) share of each place in the local differences of an anatomy."""
        places = np.array(LOCAL_PLACES)
        apart = ((np.abs(self.y) - places[:, :1]) / 15.0) ** 2 + ((self.h - places[:, 1:]) / 13.0) ** 2
        share: Array = np.exp(-0.5 * apart)
        return share

    @cached_property
    def _chart(self) -> _Chart:
        return _Chart.at(self.mesh.t[self.index], np.maximum(self.mesh.v[self.index], 1.0))

    def slide(self, left: Array, up: Array, out: Array) -> Array:
        """Displacement (K, 3) of skin that slides along the head by `left` and `up` and lifts off by `out`, (K,) each.

        The skin follows the head's curve to second order, so a patch that slides also turns.
        """
        chart = self._chart
        wanted = chart.tangents[..., 0] * left[:, None] + chart.tangents[..., 1] * up[:, None]
        step = np.einsum("kij,kj->ki", chart.to_step, wanted)
        dt, dv = step[:, 0], step[:, 1]
        lift = out + 0.5 * (dt * dt * chart.tt + dv * dv * chart.vv) + dt * dv * chart.tv
        moved: Array = wanted + chart.normal * lift[:, None]
        return moved


def _normals(corners: Array) -> Array:
    """Of triangles (..., 3, 3), as long as twice their area, (..., 3)."""
    ab, ac = corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    return np.stack(
        [
            ab[..., 1] * ac[..., 2] - ab[..., 2] * ac[..., 1],
            ab[..., 2] * ac[..., 0] - ab[..., 0] * ac[..., 2],
            ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0],
        ],
        axis=-1,
    )


@dataclass(frozen=True)
class _Chart:
    """The smooth head below each skin vertex.

    Attributes:
        to_step: (K, 2, 3), step in space to step in (t, v).
        tangents: (K, 3, 2), unit vectors left and up.
        normal: (K, 3).
        tt, tv, vv: (K,), second fundamental form over (t, v).
    """

    to_step: Array
    tangents: Array
    normal: Array
    tt: Array
    tv: Array
    vv: Array

    @classmethod
    def at(cls, t: Array, v: Array) -> _Chart:
        step_t, step_v = 2e-3, 0.1
        here = base_point(t, v)
        east, west = base_point(t + step_t, v), base_point(t - step_t, v)
        south, north = base_point(t, v + step_v), base_point(t, v - step_v)
        along_t, along_v = (east - west) / (2.0 * step_t), (south - north) / (2.0 * step_v)
        normal = np.cross(along_v, along_t)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        left = np.cross(np.array([0.0, 0.0, 1.0]), normal)
        # On the crown and under the chin "level" is undefined; the turn direction is close enough there.
        steep = np.linalg.norm(left, axis=-1, keepdims=True) < 1e-3
        left = np.where(steep, along_t, left)
        left /= np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-12)
        corners = (
            base_point(t + step_t, v + step_v)
            - base_point(t + step_t, v - step_v)
            - base_point(t - step_t, v + step_v)
            + base_point(t - step_t, v - step_v)
        )
        bend_tt, bend_tv, bend_vv = (
            np.sum(second * normal, axis=-1)
            for second in (
                (east + west - 2.0 * here) / step_t**2,
                corners / (4.0 * step_t * step_v),
                (south + north - 2.0 * here) / step_v**2,
            )
        )
        to_step = np.linalg.pinv(np.stack([along_t, along_v], -1))
        return cls(to_step, np.stack([left, np.cross(normal, left)], -1), normal, bend_tt, bend_tv, bend_vv)


@dataclass(frozen=True)
class MuscleSkin:
    """The skin as one muscle of one person moves it: the typical motion, changed as `pull` says."""

    skin: Skin
    pull: Pull

    @cached_property
    def _strength(self) -> Array:
        local = np.clip(1.0 + np.array(self.pull.local) @ self.skin.local, 0.5, 1.5)
        return np.minimum(self.pull.gain * local, STRONGEST)

    def around(self, y: float, h: float, sigma_y: float, sigma_h: float, turn_deg: float = 0.0) -> Array:
        """Gaussian falloff seen from the front, 1 at (y, h), nought at the back of the head, (K,).

        Off the midline it sits where this person's muscle takes hold; its widths stretch with the muscle's reach.
        """
        turn = np.deg2rad(turn_deg)
        dy = self.skin.y - y - np.sign(y) * self.pull.offset_y_mm
        dh = self.skin.h - h - self.pull.offset_h_mm
        along, across = dy * np.cos(turn) + dh * np.sin(turn), dh * np.cos(turn) - dy * np.sin(turn)
        scaled = (along / (sigma_y * self.pull.reach)) ** 2 + (across / (sigma_h * self.pull.reach)) ** 2
        near: Array = self.skin.front * np.exp(-0.5 * scaled)
        return near

    def slide(self, left: Array | float, up: Array | float, out: Array | float = 0.0) -> Array:
        """`Skin.slide` in this person's strength, direction and share of bulging, (K, 3)."""
        # A turn lifts what goes outwards, on either side of the face; on the midline there is none.
        turn = self.pull.turn_rad * np.tanh(self.skin.y / 8.0)
        cosine, sine = np.cos(turn), np.sin(turn)
        return self.skin.slide(
            self._strength * (cosine * left - sine * up),
            self._strength * (cosine * up + sine * left),
            self._strength * self.pull.bulge * out,
        )

    def shift(self, forward: Array | float, left: Array | float, up: Array | float) -> Array:
        """Displacement (K, 3) along the head's axes, in this person's strength."""
        zero = np.zeros(len(self.skin.index))
        return self._strength[:, None] * np.stack([zero + forward, zero + left, zero + up], axis=-1)
