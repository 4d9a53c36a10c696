"""Which triangle is seen at each pixel: a z-buffer in numpy, for pictures on machines without OpenGL.

Every triangle is cut into the rows of pixels it covers and the rows into pixels, all triangles at once; of what falls
on the same pixel the nearest stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

DEPTH_STEPS = 2**31 - 1
"""Steps of depth between the nearest and the farthest vertex: 0.1 nm of a head."""
NOTHING = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Visible:
    """What is seen at the `P` pixels that triangles cover.

    Attributes:
        pixel: (P,) row * width + column, ascending.
        triangle: (P,) index of the triangle seen there.
        share: (P, 3) barycentric coordinates of the pixel's centre in it; they sum to 1.
    """

    pixel: Indices
    triangle: Indices
    share: Array


def rasterise(points: Array, triangles: NDArray[np.integer], height: int, width: int) -> Visible:
    """Nearest of the triangles whose corners run counter-clockwise as seen: the fronts of surfaces.

    Args:
        points: (V, 3) column, row (downwards) and depth of each vertex; the centre of the first pixel is (0.5, 0.5).
            Depth must be affine on the screen: the distance itself in a parallel projection, minus its inverse in
            perspective. Smaller is nearer.
        triangles: (T, 3) vertex indices.
        height: of the picture, pixels.
        width: of the picture, pixels.
    """
    corners = points[triangles]
    edges = _edges(corners)
    front = np.flatnonzero(edges[:, :, 2].sum(axis=1) > 0.0)
    corners, edges = corners[front], edges[front]
    owner, row, first, last = _rows(corners, edges, height, width)
    span, column = _ragged(first, last)
    low, high = points[:, 2].min(initial=np.inf), points[:, 2].max(initial=-np.inf)
    step = DEPTH_STEPS / (high - low) if high > low else 0.0
    # Depth over the screen is a plane: (area-weighted depths of the corners) / area.
    plane = np.einsum("tk,tkc->tc", corners[:, :, 2] - low, edges) * (step / edges[:, :, 2].sum(axis=1))[:, None]
    start = plane[owner, 0] * 0.5 + plane[owner, 1] * (row + 0.5) + plane[owner, 2]
    depth = start[span] + plane[owner, 0][span] * column
    key = np.clip(depth, 0.0, DEPTH_STEPS).astype(np.int64) << 32 | owner[span]
    nearest = np.full(height * width, NOTHING)
    np.minimum.at(nearest, row[span] * width + column, key)
    pixel = np.flatnonzero(nearest != NOTHING)
    seen = nearest[pixel] & 0xFFFFFFFF
    centre = np.stack([pixel % width + 0.5, pixel // width + 0.5, np.ones(len(pixel))], axis=1)
    share = np.einsum("pkc,pc->pk", edges[seen], centre)
    return Visible(pixel, front[seen], share / share.sum(axis=1, keepdims=True))


def _edges(corners: Array) -> Array:
    """(T, 3, 3): for each corner a, b, c so that a x + b y + c is its barycentric coordinate times twice the area."""
    x, y = corners[:, :, 0], corners[:, :, 1]
    xi, yi, xj, yj = (np.roll(c, -k, axis=1) for k in (1, 2) for c in (x, y))
    return np.stack([yj - yi, xi - xj, xj * yi - xi * yj], axis=2)


def _rows(corners: Array, edges: Array, height: int, width: int) -> tuple[Indices, Indices, Indices, Indices]:
    """Triangle, row, first and last column of every row of pixels whose centres lie in a triangle."""
    y = corners[:, :, 1]
    top = np.clip(np.ceil(y.min(axis=1) - 0.5), 0, height).astype(np.int64)
    bottom = np.clip(np.floor(y.max(axis=1) - 0.5), -1, height - 1).astype(np.int64)
    owner, row = _ragged(top, bottom)
    left, right = np.zeros(len(owner)), np.full(len(owner), width - 1.0)
    for k in range(3):
        a, b, c = edges[owner, k].T
        rest = b * (row + 0.5) + c
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = -rest / a - 0.5
        left = np.where(a > 0.0, np.maximum(left, np.ceil(crossing)), left)
        right = np.where(a < 0.0, np.minimum(right, np.floor(crossing)), right)
        right = np.where((a == 0.0) & (rest < 0.0), -1.0, right)
    some = right >= left
    return owner[some], row[some], left[some].astype(np.int64), right[some].astype(np.int64)


def _ragged(first: Indices, last: Indices) -> tuple[Indices, Indices]:
    """All integers of many ranges, ends included: which range each is of, and its value."""
    counts = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(first)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + first[owner]
