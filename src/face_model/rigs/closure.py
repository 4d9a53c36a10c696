"""Whether lids and lips meet where they should: seen from the front, along upright lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.rig import FaceRig

Floats = NDArray[np.float64]

COLUMNS_M = (-0.004, 0.0, 0.004)
"""Upright lines across an eye, from the pupil."""
SEARCH_M = 0.014
"""How far above and below the pupil lids are looked for."""
BEHIND_M = 0.008
"""Skin this far behind the pupil is no lid."""
STEP_M = 0.00025


def lid_gaps_m(rig: FaceRig, side: str) -> Floats | None:
    """How far the edges of the lids are apart when the eye is shut, at each of a few lines across it.

    Args:
        rig: the face.
        side: `left` or `right`.

    Returns:
        Upper edge minus lower edge, m: positive where they stay apart, negative where they cross; None where the open
        eye shows no gap between lids.
    """
    pupil = rig.neutral[rig.landmarks[f"pupil_{side}"]].astype(np.float64)
    skin = rig.parts["skin"]
    triangles = rig.triangles[((rig.triangles >= skin.start) & (rig.triangles < skin.stop)).all(axis=1)]
    near = np.abs(rig.neutral[:, 1:] - pupil[1:]).max(axis=1) < 2.0 * SEARCH_M
    near &= rig.neutral[:, 0] > pupil[0] - BEHIND_M
    triangles = triangles[near[triangles].all(axis=1)]
    weights = np.zeros(arkit.COUNT, np.float32)
    weights[arkit.INDEX[f"eyeBlink{side.title()}"]] = 1.0
    shut = rig.vertices(weights).astype(np.float64)
    gaps = []
    for column in COLUMNS_M:
        edges = _edges(rig.neutral.astype(np.float64), triangles, pupil[1] + column, pupil[2])
        if edges is not None:
            upper, lower = (float(share @ shut[corners, 2]) for corners, share in edges)
            gaps.append(upper - lower)
    return np.array(gaps) if gaps else None


def lip_gap_m(rig: FaceRig) -> float:
    """How much farther the lips are apart at jawOpen and mouthClose together than at rest, m; negative: they cross."""
    weights = np.zeros(arkit.COUNT, np.float32)
    weights[[arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]]] = 1.0
    moved = rig.vertices(weights)
    upper, lower = rig.landmarks["lip_upper"], rig.landmarks["lip_lower"]
    shut, rest = (float(mesh[upper, 2] - mesh[lower, 2]) for mesh in (moved, rig.neutral))
    return shut - rest


def _edges(
    vertices: Floats, triangles: NDArray[np.int32], across: float, height: float
) -> tuple[tuple[NDArray[np.int32], Floats], tuple[NDArray[np.int32], Floats]] | None:
    """Upper and lower edge of the gap in the skin that an upright line meets at `height`.

    Each is the corners of the triangle it lies in and their shares, so that it can be followed as the skin moves.
    """
    heights = height + np.arange(-SEARCH_M, SEARCH_M, STEP_M)
    covered, triangle, shares = _cover(vertices, triangles, across, heights)
    middle = int(np.argmin(np.abs(heights - height)))
    if covered[middle]:
        return None
    above, below = np.flatnonzero(covered[middle:]), np.flatnonzero(covered[:middle])
    if not len(above) or not len(below):
        return None
    rows = (middle + int(above[0]), int(below[-1]))
    upper, lower = ((triangles[triangle[row]], shares[row]) for row in rows)
    return upper, lower


def _cover(
    vertices: Floats, triangles: NDArray[np.int32], across: float, heights: Floats
) -> tuple[NDArray[np.bool_], NDArray[np.intp], Floats]:
    """For points (y, z) seen from the front: whether a triangle covers each, which, and its corners' shares there."""
    a, b, c = (vertices[triangles[:, k]][:, None, 1:] for k in range(3))
    points = np.stack([np.full_like(heights, across), heights], axis=1)[None]

    def area(p: Floats, q: Floats, r: Floats) -> Floats:
        return np.asarray(
            (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])
        )

    parts = np.stack([area(points, b, c), area(a, points, c), area(a, b, points)], axis=-1)  # (T, H, 3)
    whole = parts.sum(axis=-1, keepdims=True)
    shares = np.divide(parts, whole, out=np.full_like(parts, -1.0), where=np.abs(whole) > 1e-14)
    inside = (shares >= -1e-9).all(axis=-1)
    first = np.argmax(inside, axis=0)
    return inside.any(axis=0), first, shares[first, np.arange(len(heights))]
