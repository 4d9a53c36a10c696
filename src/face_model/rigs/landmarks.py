"""Landmarks of a face, found from its form and from what its shapes move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from face_model.errors import RigGeometryError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

REACH_M: Final = (0.002, 0.004, 0.006, 0.009, 0.013)
"""How far apart lips may be at rest, tried in turn."""
SPLIT: Final = 0.25
"""Lips that touch move differently when the mouth opens, by more than this share of the greatest motion; skin of one
piece changes by 0.07 of it over the smallest reach. A guess."""
LIP_HEIGHT_M: Final = 0.0085
"""Height of the vermilion of one lip at the midline, for the lips' vertices: 8.4 and 9.8 mm on ICT-FaceKit's face."""
MIDLINE_M: Final = 0.006
MOUTH: Final = ("mouth_corner_left", "mouth_corner_right", "lip_upper", "lip_lower")


@dataclass(frozen=True)
class Face:
    """A mesh in `face_head` and what is known of it.

    Attributes:
        vertices: (V, 3) m.
        normals: (V, 3) outward.
        kind: (V,) what each vertex is part of.
        opening: (V,) how far the opening mouth moves each vertex, m.
        eyes: (2, 3) the left and the right eye, m.
    """

    vertices: Floats
    normals: Floats
    kind: NDArray[np.str_]
    opening: Floats
    eyes: Floats

    @property
    def skin(self) -> Indices:
        """Its vertices."""
        return np.flatnonzero(self.kind == "skin")


@dataclass(frozen=True)
class Found:
    """Landmarks of a face.

    Attributes:
        landmarks: every name in `face_model.rig.LANDMARKS` to a vertex.
        lips: vertices of the lips' visible surface.
    """

    landmarks: Mapping[str, int]
    lips: Indices


def find_landmarks(face: Face, given: Mapping[str, int], lips: Indices | None = None) -> Found:
    """Find the landmarks that are not given.

    Args:
        face: the mesh.
        given: landmarks that are known.
        lips: vertices of the lips' visible surface, where known.

    Raises:
        RigGeometryError: lips, nose or chin cannot be found; the message says what to write into a sidecar file.
    """
    landmarks = {f"pupil_{side}": _pupil(face, side) for side in ("left", "right")} | dict(given)
    told = set(MOUTH) <= set(given)
    if lips is None or not told:
        try:
            line, lower = _lip_line(face)
            mouth = _mouth(face, line, lower)
        except _NotFoundError as error:
            if not told:
                # The others are looked for from the mouth: whoever writes it down may as well write them all.
                missing = [name for name in (*MOUTH, "nose_tip", "chin") if name not in given]
                raise RigGeometryError(f"{error}; {_sidecar(missing)}") from error
            mouth = {name: given[name] for name in MOUTH}
            line = _line_between(face, mouth)
        landmarks = mouth | landmarks
        lips = _lips(face, line, mouth) if lips is None else lips
    points = {name: face.vertices[vertex] for name, vertex in landmarks.items()}
    middle = 0.5 * (points["mouth_corner_left"] + points["mouth_corner_right"])
    midline = face.skin[np.abs(face.vertices[face.skin, 1] - middle[1]) < MIDLINE_M]
    height = face.vertices[midline, 2]
    lost = []
    if "nose_tip" not in given:
        nose = midline[(height < points["pupil_left"][2]) & (height > points["lip_upper"][2] + 0.008)]
        if len(nose):
            landmarks["nose_tip"] = _foremost(face, nose, (1.0, 0.0, 0.0))
        else:
            lost.append("nose_tip")
    if "chin" not in given:
        below = midline[height < points["lip_lower"][2] - 0.010]
        below = below[face.opening[below] > 0.5 * face.opening[face.skin].max()]
        # Gnathion, the foremost and lowest point of the chin.
        if len(below):
            landmarks["chin"] = _foremost(face, below, (0.8, 0.0, -0.6))
        else:
            lost.append("chin")
    if lost:
        raise RigGeometryError(f"expected skin on the midline for {' and '.join(lost)}, found none; {_sidecar(lost)}")
    return Found(landmarks, lips)


class _NotFoundError(Exception):
    """The lips do not show; the message says what was expected and found."""


def _line_between(face: Face, mouth: Mapping[str, int]) -> Indices:
    """Skin nearest to a line from corner to corner through the middle between the lips."""
    points = face.vertices[[mouth[name] for name in MOUTH]]
    middle = 0.5 * (points[2] + points[3])
    share = np.linspace(0.0, 1.0, 40)[:, None]
    places = np.concatenate([points[0] * (1.0 - share) + middle * share, middle * (1.0 - share) + points[1] * share])
    _, near = cKDTree(face.vertices[face.skin]).query(places)
    return np.unique(face.skin[near])


def _foremost(face: Face, members: Indices, direction: tuple[float, float, float]) -> int:
    """The vertex among `members` that lies farthest in a direction."""
    return int(members[np.argmax(face.vertices[members] @ np.array(direction))])


def _mouth(face: Face, line: Indices, lower: NDArray[np.bool_]) -> dict[str, int]:
    """Corners, and the middle of each lip where they meet."""
    across = face.vertices[line, 1]
    left, right = int(line[np.argmax(across)]), int(line[np.argmin(across)])
    aside = np.abs(across - 0.5 * (across.max() + across.min()))
    near = aside < aside[~lower].min() + 0.01 * float(np.ptp(across))
    below = aside < aside[lower].min() + 0.01 * float(np.ptp(across))
    return {
        "mouth_corner_left": left,
        "mouth_corner_right": right,
        "lip_upper": _foremost(face, line[near & ~lower], (1.0, 0.0, 0.0)),
        "lip_lower": _foremost(face, line[below & lower], (1.0, 0.0, 0.0)),
    }


def _lip_line(face: Face) -> tuple[Indices, NDArray[np.bool_]]:
    """Vertices where the lips meet at rest, and which of them belong to the lower lip."""
    vertices, skin, opening = face.vertices, face.skin, face.opening
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
    raise _NotFoundError(
        f"expected lips that meet at rest and that jawOpen parts, found none (width {1000 * width:.0f} mm)"
    )


def _pupil(face: Face, side: str) -> int:
    """Foremost vertex of the eyeball; without one, the skin nearest to the middle of the lids."""
    eye = face.eyes[0 if side == "left" else 1]
    ball = np.flatnonzero(face.kind == f"eye_{side}")
    ball = ball[np.linalg.norm(face.vertices[ball] - eye, axis=1) < 0.03]
    if len(ball):
        return int(ball[np.argmax(face.vertices[ball, 0])])
    return int(face.skin[np.argmin(np.linalg.norm(face.vertices[face.skin] - eye, axis=1))])


def _lips(face: Face, line: Indices, mouth: Mapping[str, int]) -> Indices:
    """Skin near the line of the lips that looks forward: high at the midline, nothing at the corners."""
    left, right = (face.vertices[mouth[f"mouth_corner_{side}"], 1] for side in ("left", "right"))
    skin = face.skin
    across = np.clip((face.vertices[skin, 1] - 0.5 * (left + right)) / (0.5 * (left - right)), -1.0, 1.0)
    height = LIP_HEIGHT_M * np.sqrt(1.0 - across**2) + 0.0015
    front = line[face.vertices[line, 0] > np.percentile(face.vertices[line, 0], 30)]
    away, _ = cKDTree(face.vertices[front]).query(face.vertices[skin])
    return np.asarray(skin[(away < height) & (face.normals[skin, 0] > 0.1)], dtype=np.int64)


def _sidecar(names: Sequence[str]) -> str:
    return f"write {', '.join(names)} under `landmarks` into a sidecar file, as [x, y, z] in the file's coordinates"
