"""Smooth motions of the skin, the building blocks of the shapes. All in construction millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from face_model.head import proportions as prop
from face_model.head.half import Array, Indices, Region, smoothstep
from face_model.head.mesh import HeadMesh
from face_model.head.surface import base_point


@dataclass(frozen=True)
class Skin:
    """The vertices that slide on the head's surface (skin, lids, lips, brows), `K` of them.

    Attributes:
        mesh: the head they belong to.
        index: (K,) their places in the mesh.
    """

    mesh: HeadMesh
    index: Indices

    @classmethod
    def of(cls, mesh: HeadMesh) -> Skin:
        """All sliding vertices of a head."""
        return cls(mesh, np.flatnonzero(mesh.of(Region.SKIN, Region.LID, Region.LIP, Region.BROW)))

    @cached_property
    def points(self) -> Array:
        """(K, 3)."""
        return self.mesh.points[self.index]

    @cached_property
    def y(self) -> Array:
        """(K,) to the wearer's left."""
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

    def around(self, y: float, h: float, sigma_y: float, sigma_h: float, turn_deg: float = 0.0) -> Array:
        """Gaussian falloff seen from the front, 1 at (y, h), nought at the back of the head, (K,)."""
        turn = np.deg2rad(turn_deg)
        dy, dh = self.y - y, self.h - h
        along, across = dy * np.cos(turn) + dh * np.sin(turn), dh * np.cos(turn) - dy * np.sin(turn)
        near: Array = self.front * np.exp(-0.5 * ((along / sigma_y) ** 2 + (across / sigma_h) ** 2))
        return near

    @cached_property
    def _tangents(self) -> tuple[Array, Array, Array]:
        """Step in space to step in (t, v), (K, 2, 3); unit tangents left and up, (K, 3, 2); normals, (K, 3)."""
        t, v = self.mesh.t[self.index], np.maximum(self.mesh.v[self.index], 1.0)
        step = 1e-3
        along_t = (base_point(t + step, v) - base_point(t - step, v)) / (2.0 * step)
        along_v = (base_point(t, v + step) - base_point(t, v - step)) / (2.0 * step)
        normal = np.cross(along_v, along_t)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        left = np.cross(np.array([0.0, 0.0, 1.0]), normal)
        # On the crown and under the chin "level" is undefined; the turn direction is close enough there.
        steep = np.linalg.norm(left, axis=-1, keepdims=True) < 1e-3
        left = np.where(steep, along_t, left)
        left /= np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-12)
        return np.linalg.pinv(np.stack([along_t, along_v], -1)), np.stack([left, np.cross(normal, left)], -1), normal

    def slide(self, left: Array | float, up: Array | float, out: Array | float = 0.0) -> Array:
        """Displacement (K, 3) of skin that slides along the head by `left` and `up` and lifts off by `out`, (K,) each.

        The skin follows the head's curve, so a patch that slides also turns.
        """
        to_step, tangent, normal = self._tangents
        wanted = tangent[..., 0] * _column(left) + tangent[..., 1] * _column(up)
        step = (to_step @ wanted[..., None])[..., 0]
        t, v = self.mesh.t[self.index], np.maximum(self.mesh.v[self.index], 1.0)
        moved = base_point(t + step[:, 0], np.maximum(v + step[:, 1], 0.5)) - base_point(t, v)
        return moved + normal * _column(out)

    def shift(self, forward: Array | float, left: Array | float, up: Array | float) -> Array:
        """Displacement (K, 3) along the head's axes."""
        zero = np.zeros(len(self.index))
        return np.stack([zero + forward, zero + left, zero + up], axis=-1)

    def lids_held(self) -> Array:
        """Factor (K, 1) that keeps lid margins on the eyeball while the skin around them moves."""
        lid = self.mesh.region[self.index] == Region.LID
        return np.where(lid, smoothstep(0.25, 0.95, np.nan_to_num(self.mesh.s[self.index])), 1.0)[:, None]

    def on_mesh(self, moved: Array) -> Array:
        """(K, 3) to a displacement of the whole mesh, (V, 3), nought elsewhere."""
        whole = np.zeros_like(self.mesh.points)
        whole[self.index] = moved
        return whole


def _column(value: Array | float) -> Array:
    return np.asarray(value, dtype=float).reshape(-1, 1)
