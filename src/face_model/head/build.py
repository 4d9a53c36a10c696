"""From construction millimetres to a `FaceRig` in metres."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

import numpy as np

from face_model.head import proportions as prop
from face_model.head.half import Region
from face_model.head.mesh import HeadMesh, build_mesh
from face_model.head.shapes import build_shapes
from face_model.rig import FaceRig


@lru_cache(maxsize=1)
def build_head() -> FaceRig:
    """Generate the head: the same bits every time on one machine, about a second, then cached.

    Parts: skin, brows, ears, sockets, mouth, teeth_upper, teeth_lower, tongue, eye_left, eye_right. The mesh is
    mirror symmetric, and so are left and right shapes.
    """
    mesh = build_mesh()
    to_head = np.array([0.0, 0.0, prop.PUPIL_HEIGHT_MM])
    deltas = (build_shapes(mesh) * prop.MM).astype(np.float32)
    neutral = ((mesh.points + to_head) * prop.MM).astype(np.float32)
    colors = np.clip(np.rint(mesh.color), 0.0, 255.0).astype(np.uint8)
    lips = np.flatnonzero((mesh.region == Region.LIP) & (mesh.s <= 1.0)).astype(np.int32)
    for array in (neutral, deltas, colors, lips):
        array.setflags(write=False)
    return FaceRig(
        name="imusic head",
        neutral=neutral,
        triangles=mesh.triangles.astype(np.int32),
        deltas=deltas,
        colors=colors,
        parts=MappingProxyType(dict(mesh.parts)),
        landmarks=MappingProxyType(_landmarks(mesh)),
        lip_vertices=lips,
    )


def _landmarks(mesh: HeadMesh) -> dict[str, int]:
    lips = np.flatnonzero((mesh.region == Region.LIP) & (mesh.s == 0.0))
    skin = np.arange(mesh.parts["skin"].start, mesh.parts["skin"].stop)
    midline = skin[(mesh.side[skin] == 0) & (mesh.points[skin, 0] > 40.0)]
    chin = midline[np.argmin(np.abs(mesh.points[midline, 2] + 100.0))]
    middle = lips[mesh.side[lips] == 0]
    height = np.sin(mesh.phi[middle])
    return {
        "pupil_left": mesh.parts["eye_left"].start,
        "pupil_right": mesh.parts["eye_right"].start,
        "mouth_corner_left": int(lips[np.argmax(mesh.points[lips, 1])]),
        "mouth_corner_right": int(lips[np.argmin(mesh.points[lips, 1])]),
        "lip_upper": int(middle[np.argmax(height)]),
        "lip_lower": int(middle[np.argmin(height)]),
        "nose_tip": int(midline[np.argmax(mesh.points[midline, 0])]),
        "chin": int(chin),
    }
