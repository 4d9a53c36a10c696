"""A take as FLAME or SMPL-X coefficients, by a map that `imusic retarget flame` made: NumPy arrays in one .npz file.

`times_s` (N,), `expression` (N, E), `jaw_pose` (N, 3) rad, `head_orientation` (N, 4) as in the take, and `kind`,
`model` and `sha256` of the model that the map belongs to.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face_model.npz import write_arrays
from face_recording.takes.take import Take
from face_retarget.flame.fit import FlameMap


def write_flame(take: Take, by: FlameMap, path: Path) -> None:
    """Write a take to exactly this path."""
    take = take.ordered()
    expression, jaw = by.coefficients(take.weights)
    texts = {name: np.array(getattr(by, name)) for name in ("kind", "model", "sha256")}
    arrays = {"times_s": take.times_s, "head_orientation": take.head_orientation}
    coefficients = {"expression": expression.astype(np.float32), "jaw_pose": jaw.astype(np.float32)}
    write_arrays(path, {**texts, **arrays, **coefficients})
