"""A face as a file holds it, before anything is known of its axes, units and landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face_model.errors import RigFileError

MOST_VERTICES = 2_000_000
"""More than any face has: 52 displacements of so many take 1.2 GB."""


@dataclass(frozen=True)
class RawFace:
    """A mesh of `V` vertices with the shapes that could be named, in the file's own axes and units.

    Attributes:
        source: name of the file.
        vertices: (V, 3).
        triangles: (T, 3), counter-clockwise from outside if the file keeps to its format.
        shapes: ARKit name to displacement at weight 1, (V, 3).
        groups: name of a mesh, material or object to the range of its vertices.
        colors: (V, 3) sRGB 0 to 255; NaN where the file has none.
        unknown_shapes: names of shapes that are none of the 52.
        notes: what the reader had to decide, for the report.
        identity: (K, V, 3) principal components of identity, one standard deviation each; K may be 0.
    """

    source: str
    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
    shapes: Mapping[str, NDArray[np.float32]]
    groups: Mapping[str, slice]
    colors: NDArray[np.float64]
    unknown_shapes: Sequence[str] = ()
    notes: Sequence[str] = ()
    identity: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 3), np.float32))

    def __post_init__(self) -> None:
        count = len(self.vertices)
        if not 4 <= count <= MOST_VERTICES or not len(self.triangles):
            raise RigFileError(
                f"{self.source}: expected a triangle mesh of 4 to {MOST_VERTICES} vertices, "
                f"found {count} vertices and {len(self.triangles)} triangles"
            )
        if self.triangles.min() < 0 or self.triangles.max() >= count:
            raise RigFileError(
                f"{self.source}: expected triangles over vertices 0 to {count - 1}, "
                f"found {self.triangles.min()} to {self.triangles.max()}"
            )
        if not np.isfinite(self.vertices).all():
            raise RigFileError(f"{self.source}: expected finite vertices, found NaN or infinity; export the mesh anew")
        for name, shape in self.shapes.items():
            if shape.shape != (count, 3):
                raise RigFileError(f"{self.source}: {name}: expected {count} vertices, found {len(shape)}")
            if not np.isfinite(shape).all():
                raise RigFileError(f"{self.source}: {name}: expected finite displacements, found NaN or infinity")
        if not any(shape.any() for shape in self.shapes.values()):
            found = ", ".join(self.unknown_shapes[:12]) or "none"
            raise RigFileError(
                f"{self.source}: expected shapes with ARKit names such as jawOpen or eyeBlinkLeft, found {found}; "
                f"rename them, or map them under `names` in a sidecar file"
            )
