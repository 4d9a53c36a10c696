"""A face rig: a neutral mesh and its 52 ARKit displacements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import FaceModelError

LANDMARKS = (
    "pupil_left",
    "pupil_right",
    "mouth_corner_left",
    "mouth_corner_right",
    "lip_upper",
    "lip_lower",
    "nose_tip",
    "chin",
)
"""Names every rig must have in `FaceRig.landmarks`."""


@dataclass(frozen=True)
class FaceRig:
    """A linear blendshape face with `V` vertices, in `face_head` axes and metres.

    Attributes:
        name: of the face.
        neutral: (V, 3) float32.
        triangles: (T, 3) int32, counter-clockwise seen from outside.
        deltas: (52, V, 3) float32, displacement of each vertex at weight 1, in `arkit.BLENDSHAPES` order; all zero for
            a shape this face does not have. `mouthClose` corrects `jawOpen` and is used with it.
        colors: (V, 3) uint8, sRGB.
        parts: name to vertex range; always holds "skin".
        landmarks: name to vertex index, for every name in `LANDMARKS`.
        lip_vertices: indices of the vertices on the lips' visible surface.
    """

    name: str
    neutral: NDArray[np.float32]
    triangles: NDArray[np.int32]
    deltas: NDArray[np.float32]
    colors: NDArray[np.uint8]
    parts: Mapping[str, slice]
    landmarks: Mapping[str, int]
    lip_vertices: NDArray[np.int32]

    def __post_init__(self) -> None:
        count = len(self.neutral)
        if self.deltas.shape != (arkit.COUNT, count, 3):
            raise FaceModelError(
                f"rig {self.name}: expected deltas of shape {(arkit.COUNT, count, 3)}, found {self.deltas.shape}"
            )
        if self.triangles.size and int(self.triangles.max()) >= count:
            raise FaceModelError(f"rig {self.name}: expected triangles over {count} vertices, found an index beyond")
        missing = [name for name in LANDMARKS if name not in self.landmarks]
        if missing or "skin" not in self.parts:
            raise FaceModelError(f"rig {self.name}: expected landmarks {LANDMARKS} and part skin, missing {missing}")

    def vertices(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Mesh at the given weights: (52,) -> (V, 3), or (N, 52) -> (N, V, 3)."""
        flat = self.deltas.reshape(arkit.COUNT, -1)
        moved = np.asarray(weights, dtype=np.float32) @ flat
        return self.neutral + moved.reshape(*moved.shape[:-1], *self.neutral.shape)
