"""Landmarks of a face, found from its form and from what its shapes move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from face_model.errors import RigGeometryError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

REACH_M: Final = (0.004, 0.006, 0.009, 0.013)
"""How far apart lips may be at rest, tried in turn."""
SPLIT: Final = 0.25
"""Lips that touch move differently when the mouth opens, by more than this share of the greatest motion; skin of one
piece changes by 0.07 of it over the smallest reach. A guess."""
LIP_HEIGHT_M: Final = 0.007
"""Height of the vermilion of one lip at the midline, for the lips' vertices; a guess."""
MIDLINE_M: Final = 0.006


@dataclass(frozen=True)
class Found:
    """Landmarks of a face.

    Attributes:
        landmarks: every name in `face_model.rig.LANDMARKS` to a vertex.
        lips: vertices of the lips' visible surface.
    """

    landmarks: Mapping[str, int]
    lips: Indices


def find_landmarks(
    vertices: Floats, normals: Floats, kind: NDArray[np.str_], opening: Floats, eyes: Mapping[str, Floats]
) -> Found:
    """Find all landmarks.

    Args:
        vertices: (V, 3) m, `face_head`.
        normals: (V, 3) outward.
        kind: (V,) what each vertex is part of.
        opening: (V,) how far the opening mouth moves each vertex, m.
        eyes: `left` and `right` to the middle of what the blink moves, (3,) m.

    Raises:
        RigGeometryError: lips, nose or chin cannot be found; the message says what to write into a sidecar file.
    """
    skin = np.flatnonzero(kind == "skin")
    line, lower = _lip_line(vertices, skin, opening)
    left, right = line[np.argmax(vertices[line, 1])], line[np.argmin(vertices[line, 1])]
    middle = float(0.5 * (vertices[left, 1] + vertices[right, 1]))
    landmarks = {f"pupil_{side}": _pupil(vertices, kind, side, eye) for side, eye in eyes.items()}
    landmarks |= {"mouth_corner_left": int(left), "mouth_corner_right": int(right)}
    half_width = 0.5 * float(vertices[left, 1] - vertices[right, 1])
    for name, members in (("lip_upper", line[~lower]), ("lip_lower", line[lower])):
        near = members[np.abs(vertices[members, 1] - middle) < 0.15 * half_width]
        if not len(near):
            raise RigGeometryError(f"expected lips to meet at the midline, found none for {name}; {_sidecar(name)}")
        landmarks[name] = int(near[np.argmax(vertices[near, 0])])
    mouth_z = float(vertices[[landmarks["lip_upper"], landmarks["lip_lower"]], 2].mean())
    eyes_z = float(np.mean([eye[2] for eye in eyes.values()]))
    midline = skin[np.abs(vertices[skin, 1] - middle) < MIDLINE_M]
    nose = midline[(vertices[midline, 2] < eyes_z) & (vertices[midline, 2] > mouth_z + 0.008)]
    below = midline[vertices[midline, 2] < mouth_z - 0.012]
    below = below[opening[below] > 0.5 * opening[skin].max()]
    for name, members in (("nose_tip", nose), ("chin", below)):
        if not len(members):
            raise RigGeometryError(f"expected skin on the midline for {name}, found none; {_sidecar(name)}")
    landmarks["nose_tip"] = int(nose[np.argmax(vertices[nose, 0])])
    # Gnathion, the foremost and lowest point of the chin.
    landmarks["chin"] = int(below[np.argmax(vertices[below] @ [0.8, 0.0, -0.6])])
    return Found(landmarks, _lips(vertices, normals, skin, line, middle, half_width))


def _lip_line(vertices: Floats, skin: Indices, opening: Floats) -> tuple[Indices, NDArray[np.bool_]]:
    """Vertices where the lips meet at rest, and which of them belong to the lower lip."""
    share = opening[skin] / max(float(opening[skin].max()), 1e-30)
    tree = cKDTree(vertices[skin])
    for reach in REACH_M:
        pairs = tree.query_pairs(reach, output_type="ndarray")
        apart = share[pairs[:, 0]] - share[pairs[:, 1]]
        split = pairs[np.abs(apart) > SPLIT]
        low = np.where(apart[np.abs(apart) > SPLIT] > 0.0, split[:, 0], split[:, 1])
        line = np.unique(split)
        width = float(np.ptp(vertices[skin[line], 1])) if len(line) else 0.0
        if 0.025 < width < 0.09:
            return skin[line], np.isin(line, low)
    raise RigGeometryError(
        f"expected lips that meet at rest and that jawOpen parts, found none (width {1000 * width:.0f} mm); "
        f"{_sidecar('mouth_corner_left and the other mouth landmarks')}"
    )


def _pupil(vertices: Floats, kind: NDArray[np.str_], side: str, eye: Floats) -> int:
    """Foremost vertex of the eyeball; without one, the skin nearest to the middle of the lids."""
    ball = np.flatnonzero(kind == f"eye_{side}")
    if len(ball):
        near = ball[np.linalg.norm(vertices[ball] - eye, axis=1) < 0.03]
        if len(near):
            return int(near[np.argmax(vertices[near, 0])])
    skin = np.flatnonzero(kind == "skin")
    return int(skin[np.argmin(np.linalg.norm(vertices[skin] - eye, axis=1))])


def _lips(vertices: Floats, normals: Floats, skin: Indices, line: Indices, middle: float, half_width: float) -> Indices:
    """Skin near the line of the lips that looks forward: high at the midline, nothing at the corners."""
    across = np.clip((vertices[skin, 1] - middle) / max(half_width, 1e-6), -1.0, 1.0)
    height = LIP_HEIGHT_M * np.sqrt(1.0 - across**2) + 0.0015
    front = line[vertices[line, 0] > np.percentile(vertices[line, 0], 30)]
    away, _ = cKDTree(vertices[front]).query(vertices[skin])
    return np.asarray(skin[(away < height) & (normals[skin, 0] > 0.1)], dtype=np.int64)


def _sidecar(name: str) -> str:
    return f"write {name} under `landmarks` into a sidecar file, as [x, y, z] in the file's coordinates"
