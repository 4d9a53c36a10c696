"""Errors on the surface of a face, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model.rig import FaceRig, activations


@dataclass(frozen=True)
class SurfaceMetrics:
    """Mean distance between estimated and true vertices, mm, on one rig."""

    face_mm: float
    lip_mm: float


def surface_metrics(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], rig: FaceRig, samples: int = 300
) -> SurfaceMetrics:
    """Mean vertex distance over skin and lips, at up to `samples` frames spread evenly; weights are (T, 52)."""
    rows = np.unique(np.linspace(0, len(truth) - 1, min(samples, len(truth))).astype(int))
    # Vertices are linear in the activations.
    active = [activations(np.asarray(w[rows], dtype=np.float32), rig.pairs) for w in (estimate, truth)]
    difference = active[0] - active[1]
    skin = np.arange(len(rig.neutral))[rig.parts["skin"]]

    def mean_mm(vertices: NDArray[np.integer]) -> float:
        moves = rig.displacements[:, vertices].reshape(difference.shape[1], -1)
        total = 0.0
        for block in np.array_split(difference, max(1, len(difference) // 50)):
            moved = (block @ moves).reshape(len(block), -1, 3)
            total += float(np.linalg.norm(moved, axis=-1).sum())
        return 1000.0 * total / (len(difference) * len(vertices))

    return SurfaceMetrics(mean_mm(skin), mean_mm(rig.lip_vertices))
