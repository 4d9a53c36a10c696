"""Pictures of a face without OpenGL: for contact sheets, documents and a look at a rig file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_model.rig import FaceRig
from face_viz.page_format import gloss
from face_viz.raster import rasterise
from face_viz.relief import Hollows, vertex_normals

if TYPE_CHECKING:
    from PIL.Image import Image

Array = NDArray[np.float64]

VIEWS: Final = {"front": 0.0, "three-quarter": 40.0, "side": 90.0}
"""How far the camera stands to the wearer's left, degrees."""

OVERSAMPLING: Final = 2
"""Pixels along each side of a pixel, averaged."""
DISTANCE_M: Final = 1.1
"""From the camera to the middle of the head: a portrait's perspective."""
MARGIN: Final = 1.04

# The page's lights (web/stage.js), as seen by the camera: direction to it (right, up, back to the camera), linear rgb.
LIGHTS: Final = (
    ((-0.50, 0.42, 0.85), (1.00, 0.90, 0.80)),  # key
    ((0.85, 0.05, 0.55), (0.38, 0.40, 0.44)),  # fill
    ((0.80, 0.30, -0.50), (0.22, 0.26, 0.30)),  # rim
)
SKY, GROUND = np.array([0.34, 0.35, 0.38]), np.array([0.20, 0.16, 0.14])
HOLLOW: Final = np.array([0.45, 0.65, 0.70])
"""Share of linear red, green and blue that a full hollow loses; less of red, which skin passes on."""
INSIDE: Final = ("mouth", "teeth", "tongue")
"""How the names of parts begin that lie behind the lips."""
DEEP_M: Final = 0.045
"""So far behind the lips hardly any light comes."""
BACKGROUND: Final = (236, 237, 240)


class Painter:
    """Draws one rig at any weights; the head keeps its place and size in the picture.

    Args:
        rig: the face.
        size: width and height of the pictures, pixels.
    """

    def __init__(self, rig: FaceRig, size: int = 350) -> None:
        self._rig = rig
        self._size = size
        self._linear = _to_linear(rig.colors / 255.0) * _daylight(rig)[:, None]
        self._gloss = gloss(rig).astype(np.float64)
        self._hollows = Hollows(rig.triangles, len(rig.neutral))
        self._middle, self._half_m = _frame(rig)

    def paint(
        self, weights: NDArray[np.floating], view: str = "front", turn: NDArray[np.floating] | None = None
    ) -> Image:
        """Picture at `weights` (52,) from one of `VIEWS`, with the head turned by a quaternion (4,) x, y, z, w.

        Raises:
            ValueError: weights of another shape.
        """
        from PIL import Image

        if np.shape(weights) != (arkit.COUNT,):
            raise ValueError(f"expected {arkit.COUNT} weights, found shape {np.shape(weights)}")
        vertices = self._rig.vertices(weights).astype(np.float64)
        if turn is not None:
            vertices = np.asarray(rotation.rotate(np.asarray(turn, dtype=np.float64), vertices), dtype=np.float64)
        side = self._size * OVERSAMPLING
        axes = _camera(math.radians(VIEWS[view]))
        seen = rasterise(self._project(vertices, axes, side), self._rig.triangles, side, side)
        normals = vertex_normals(vertices, self._rig.triangles)
        lit = _light(normals @ axes.T, self._shaded(vertices, normals), self._gloss)
        lit = np.clip(lit, 0.0, 1.0).astype(np.float32)
        share, corner = seen.share.astype(np.float32), self._rig.triangles[seen.triangle]
        fine = np.empty((side * side, 3), np.float32)
        fine[:] = _to_linear(np.array(BACKGROUND) / 255.0)
        fine[seen.pixel] = sum(share[:, k, None] * lit[corner[:, k]] for k in range(3))
        return Image.fromarray(_SRGB[(_averaged(fine.reshape(side, side, 3)) * (len(_SRGB) - 1)).astype(np.intp)])

    def _project(self, vertices: Array, axes: Array, side: int) -> Array:
        """Column, row, depth on the oversampled screen."""
        right, up, back = ((vertices - self._middle) @ axes.T).T
        near = 1.0 / np.maximum(DISTANCE_M - back, 0.01)
        scale = 0.5 * side / self._half_m * DISTANCE_M * near
        return np.stack([0.5 * side + right * scale, 0.5 * side - up * scale, -near], axis=1)

    def _shaded(self, vertices: Array, normals: Array) -> Array:
        """Linear colours, darker in hollows."""
        hollow = np.clip(-self._hollows.relief(vertices, normals), 0.0, 1.0)
        return self._linear * (1.0 - HOLLOW * hollow[:, None])


def picture(rig: FaceRig, weights: NDArray[np.floating], view: str = "front", size: int = 350) -> Image:
    """One picture of `rig`; for several of one rig a `Painter` is quicker."""
    return Painter(rig, size).paint(weights, view)


def _daylight(rig: FaceRig) -> Array:
    """Share of the light that reaches each vertex, (V,): less and less behind the lips."""
    share = np.ones(len(rig.neutral))
    lips = float(rig.neutral[rig.landmarks["lip_lower"], 0])
    for name, part in rig.parts.items():
        if name.lower().startswith(INSIDE):
            share[part] = 1.0 - 0.85 * np.clip((lips - 0.004 - rig.neutral[part, 0]) / DEEP_M, 0.0, 1.0)
    return share


def _camera(turn_rad: float) -> Array:
    """(3, 3) rows: right, up and towards the camera, in `face_head`."""
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    return np.array([[-sin, cos, 0.0], [0.0, 0.0, 1.0], [cos, sin, 0.0]])


def _frame(rig: FaceRig) -> tuple[Array, float]:
    """What the camera looks at and half the side of the square in view, m: forehead to chin."""
    eyes = 0.5 * (rig.neutral[rig.landmarks["pupil_left"]] + rig.neutral[rig.landmarks["pupil_right"]])
    length = eyes[2] - rig.neutral[rig.landmarks["chin"], 2]
    skin = rig.neutral[rig.parts["skin"]].astype(np.float64)
    low, high = skin.min(axis=0), skin.max(axis=0)
    top, bottom = min(high[2], eyes[2] + 0.9 * length), max(low[2], eyes[2] - 1.3 * length)
    half = 0.5 * float(top - bottom) * MARGIN
    return np.array([high[0] - 0.75 * half, eyes[1], 0.5 * (top + bottom)]), half


def _light(normals: Array, colors: Array, shine: Array) -> Array:
    """Linear colour of each vertex: (V, 3) normals seen by the camera, (V, 3) own colours, (V,) gloss."""
    around = SKY + (GROUND - SKY) * (0.5 - 0.5 * normals[:, 1:2])
    lit = colors * around
    for direction, strength in LIGHTS:
        towards = np.array(direction) / np.linalg.norm(direction)
        diffuse = np.maximum(normals @ towards, 0.0)[:, None]
        half = towards + np.array([0.0, 0.0, 1.0])
        cosine = np.maximum(normals @ (half / np.linalg.norm(half)), 0.0)
        mirror = (0.03 + 0.5 * shine) * cosine ** (12.0 + 90.0 * shine)
        lit = lit + np.array(strength) * (colors * diffuse + mirror[:, None])
    return np.asarray(lit)


def _to_linear(srgb: Array) -> Array:
    """sRGB 0 to 1 to linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _averaged(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over blocks of `OVERSAMPLING` pixels squared."""
    offsets = range(OVERSAMPLING)
    blocks = [fine[i::OVERSAMPLING, j::OVERSAMPLING] for i in offsets for j in offsets]
    return np.asarray(sum(blocks[1:], blocks[0]) / np.float32(len(blocks)))


def _srgb_table(steps: int = 4096) -> NDArray[np.uint8]:
    """Linear light 0 to 1, in steps, to sRGB 0 to 255 (IEC 61966-2-1)."""
    linear = np.linspace(0.0, 1.0, steps)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255.0 * srgb).astype(np.uint8)


_SRGB: Final = _srgb_table()
