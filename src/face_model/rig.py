"""A face rig: a neutral mesh, its 52 ARKit displacements, and correctives for what a linear sum gets wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

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
class Corrective:
    """A displacement that two shapes add together, or one shape on its way.

    Attributes:
        pair: indices i, j of two shapes; its activation is w_i w_j. With i = j it is an in-between: 4 w_i (1 - w_i),
            1 at half weight and 0 at both ends, so that lids travel over the eyeball and the jaw on its arc.
        delta: (V, 3) float32, displacement at activation 1, m.
    """

    pair: tuple[int, int]
    delta: NDArray[np.float32]


def activations(weights: NDArray[np.floating], pairs: tuple[tuple[int, int], ...]) -> NDArray[np.floating]:
    """Weights (..., 52) followed by the activation of each corrective: (..., 52 + C)."""
    if not pairs:
        return weights
    first, second = np.array(pairs).T
    a, b = weights[..., first], weights[..., second]
    return np.concatenate([weights, np.where(first == second, 4.0 * a * (1.0 - a), a * b)], axis=-1)


@dataclass(frozen=True)
class FaceRig:
    """A blendshape face with `V` vertices and `C` correctives, in `face_head` axes and metres.

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
        correctives: displacements on top of the weighted sum of `deltas`.
    """

    name: str
    neutral: NDArray[np.float32]
    triangles: NDArray[np.int32]
    deltas: NDArray[np.float32]
    colors: NDArray[np.uint8]
    parts: Mapping[str, slice]
    landmarks: Mapping[str, int]
    lip_vertices: NDArray[np.int32]
    correctives: tuple[Corrective, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.neutral)
        if self.deltas.shape != (arkit.COUNT, count, 3):
            raise FaceModelError(
                f"rig {self.name}: expected deltas of shape {(arkit.COUNT, count, 3)}, found {self.deltas.shape}"
            )
        if self.triangles.size and int(self.triangles.max()) >= count:
            raise FaceModelError(f"rig {self.name}: expected triangles over {count} vertices, found an index beyond")
        for corrective in self.correctives:
            if corrective.delta.shape != (count, 3) or not all(0 <= k < arkit.COUNT for k in corrective.pair):
                raise FaceModelError(
                    f"rig {self.name}: expected correctives of two shapes and of shape {(count, 3)}, "
                    f"found {corrective.pair} and {corrective.delta.shape}"
                )
        missing = [name for name in LANDMARKS if name not in self.landmarks]
        if missing or "skin" not in self.parts:
            raise FaceModelError(f"rig {self.name}: expected landmarks {LANDMARKS} and part skin, missing {missing}")

    def __getstate__(self) -> dict[str, Any]:
        # Read-only mappings cannot be sent to another process, and what is computed from the rest need not be.
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        return state | {"parts": dict(self.parts), "landmarks": dict(self.landmarks)}

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The two shapes of each corrective, `C` of them."""
        return tuple(corrective.pair for corrective in self.correctives)

    @cached_property
    def displacements(self) -> NDArray[np.float32]:
        """`deltas` followed by the correctives, (52 + C, V, 3): what `activations` multiply."""
        if not self.correctives:
            return self.deltas
        return np.concatenate([self.deltas, np.stack([c.delta for c in self.correctives])])

    def vertices(self, weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Mesh at the given weights: (52,) -> (V, 3), or (N, 52) -> (N, V, 3)."""
        active = activations(np.asarray(weights, dtype=np.float32), self.pairs)
        moved = active @ self.displacements.reshape(len(self.displacements), -1)
        return np.asarray(self.neutral + moved.reshape(*moved.shape[:-1], *self.neutral.shape), dtype=np.float32)
