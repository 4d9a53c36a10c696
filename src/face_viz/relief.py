"""Which parts of a surface stand out and which lie in a hollow, as a cheap stand-in for ambient occlusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALES = ((2, 0.35), (8, 0.65))
"""(rounds of smoothing, share): fine creases and the hollows of the eyes. A matter of taste."""
FULL_M = 0.0035
"""Depth that counts as a full hollow, m. A matter of taste."""


def vertex_normals(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> NDArray[np.float32]:
    """Area-weighted unit normals, (V, 3) and (T, 3) -> (V, 3); zero where a vertex has no triangle."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros(vertices.shape, np.float64)
    for k in range(3):
        np.add.at(normals, triangles[:, k], face)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    units = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    return np.asarray(units, np.float32)


def relief(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> NDArray[np.float32]:
    """Height of each vertex above its smoothed surroundings, (V,), -1 hollow to 1 ridge."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    degree = np.maximum(np.bincount(edges.ravel(), minlength=len(vertices)), 1)[:, None]
    normals = vertex_normals(vertices, triangles)
    smooth = vertices.astype(np.float64)
    height = np.zeros(len(vertices))
    done = 0
    for rounds, share in SCALES:
        for _ in range(rounds - done):
            total = np.zeros_like(smooth)
            np.add.at(total, edges[:, 0], smooth[edges[:, 1]])
            np.add.at(total, edges[:, 1], smooth[edges[:, 0]])
            smooth = 0.5 * smooth + 0.5 * total / degree
        done = rounds
        height += share * np.sum((vertices - smooth) * normals, axis=1)
    return np.clip(height / FULL_M, -1.0, 1.0).astype(np.float32)
