"""Which parts of a surface stand out and which lie in a hollow, as a cheap stand-in for ambient occlusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, diags_array, eye_array

Array = NDArray[np.float64]

SCALES = ((2, 0.35), (8, 0.65))
"""(rounds of smoothing, share): fine creases and the hollows of the eyes. A matter of taste."""
FULL_M = 0.0035
"""Depth that counts as a full hollow, m. A matter of taste."""


def vertex_normals(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> Array:
    """Area-weighted unit normals, (V, 3) and (T, 3) -> (V, 3); zero where a vertex has no triangle."""
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    face = np.cross(b - a, c - a)
    corner = triangles.T.ravel()
    normals = np.stack([np.bincount(corner, np.tile(face[:, axis], 3), len(vertices)) for axis in range(3)], axis=1)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(np.divide(normals, length, out=np.zeros_like(normals), where=length > 0))


class Hollows:
    """Relief of a surface of fixed topology: (T, 3) triangles over `count` vertices."""

    def __init__(self, triangles: NDArray[np.integer], count: int) -> None:
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        edges = np.unique(np.sort(edges, axis=1), axis=0)
        ends = np.concatenate([edges, edges[:, ::-1]])
        beside = coo_array((np.ones(len(ends)), ends.T), shape=(count, count)).tocsr()
        degree = np.maximum(beside.sum(axis=1), 1.0)
        self._smooth = (0.5 * eye_array(count) + diags_array(0.5 / degree) @ beside).tocsr()

    def relief(self, vertices: NDArray[np.floating], normals: NDArray[np.floating]) -> Array:
        """Height of each vertex above its smoothed surroundings, (V, 3) twice -> (V,), -1 hollow to 1 ridge."""
        smooth = np.asarray(vertices, np.float64)
        height = np.zeros(len(vertices))
        done = 0
        for rounds, share in SCALES:
            for _ in range(rounds - done):
                smooth = self._smooth @ smooth
            done = rounds
            height += share * np.sum((vertices - smooth) * normals, axis=1)
        return np.clip(height / FULL_M, -1.0, 1.0)


def relief(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> Array:
    """Relief of one shape of a surface, (V, 3) and (T, 3) -> (V,), -1 hollow to 1 ridge."""
    return Hollows(triangles, len(vertices)).relief(vertices, vertex_normals(vertices, triangles))
