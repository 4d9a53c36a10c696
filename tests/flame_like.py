"""A model with the layout of FLAME's file, made of this package's own head: of known expressions, on another mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.faces import load_rig
from face_model.frames import to_graphics
from face_model.rotation import from_vector, rotate

SHAPES = (
    *("mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthPucker", "browInnerUp"),
    *("browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "noseSneerLeft"),
)
"""Shapes that its expressions can show, and no others."""


@dataclass(frozen=True)
class FlameLike:
    """The file's content, and what is to be found.

    Attributes:
        arrays: as in the file.
        coefficients: (12, 12) expression coefficients of each of `SHAPES`, as columns.
        scale: of its face over the package's.
    """

    arrays: dict[str, NDArray[Any]]
    coefficients: NDArray[np.float64]
    scale: float


def flame_like(seed: int = 3, scale: float = 1.06) -> FlameLike:
    """Another mesh of nearly the same face, larger, turned, in graphics axes, with its origin somewhere else."""
    random = np.random.default_rng(seed)
    rig = load_rig()
    parts = [rig.parts[name] for name in ("skin", "eye_left", "eye_right")]
    used = np.concatenate([np.arange(part.start, part.stop) for part in parts])
    place = np.full(len(rig.neutral), -1)
    place[used] = random.permutation(len(used))
    triangles = place[rig.triangles]
    triangles = triangles[(triangles >= 0).all(axis=1)]
    order = np.argsort(place[used])
    neutral, deltas = rig.neutral[used][order].astype(float), rig.deltas[:, used][:, order].astype(float)
    # Each vertex goes a third of the way to a neighbour: other points of the same surface.
    neighbour = np.arange(len(order))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        neighbour[triangles[:, a]] = triangles[:, b]
    ball = {}
    for side in ("left", "right"):
        part = rig.parts[f"eye_{side}"]
        ball[side] = (used[order] >= part.start) & (used[order] < part.stop)
    still = ball["left"] | ball["right"]
    neighbour = np.where(still, np.arange(len(order)), neighbour)
    neutral += (neutral[neighbour] - neutral) / 3.0
    deltas += (deltas[:, neighbour] - deltas) / 3.0
    # A slightly other person.
    other = np.array([1.0, 1.03, 0.98])
    turn = from_vector(np.array([0.02, -0.03, 0.05]))

    def there(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(to_graphics(scale * rotate(np.broadcast_to(turn, (*vectors.shape[:-1], 4)), other * vectors)))

    vertices, moved = there(neutral) + np.array([0.3, 1.2, -0.1]), there(deltas)
    opening = np.linalg.norm(deltas[arkit.INDEX["jawOpen"]], axis=1)
    jaw = opening / opening.max()
    weights = np.zeros((len(vertices), 5))
    weights[:, 2], weights[:, 3], weights[:, 4] = jaw * ~still, ball["left"], ball["right"]
    weights[:, 1] = 1.0 - weights.sum(axis=1)
    regressor = np.zeros((5, len(vertices)))
    regressor[3, ball["left"]] = 1.0 / ball["left"].sum()
    regressor[4, ball["right"]] = 1.0 / ball["right"].sum()
    # Neck and jaw, which turns about its joints before the ears: means of vertices, as in the real file.
    behind = int(np.argmin(neutral[:, 0]))
    regressor[0, behind] = regressor[1, behind] = 1.0
    for side in (-1.0, 1.0):
        joint = int(np.argmin(np.linalg.norm(neutral - np.array([0.0, side * 0.07, -0.02]), axis=1)))
        regressor[2, joint] = 0.5
    mixing, _ = np.linalg.qr(random.normal(size=(len(SHAPES), len(SHAPES))))
    shown = moved[[arkit.INDEX[name] for name in SHAPES]]
    expressions = np.einsum("es,svc->vce", mixing, shown)
    arrays = {
        "v_template": vertices,
        "f": triangles.astype(np.uint32),
        "shapedirs": np.concatenate([random.normal(size=(*vertices.shape, 300)) * 1e-3, expressions], axis=2),
        "J_regressor": regressor,
        "weights": weights,
        "posedirs": np.zeros((*vertices.shape, 36)),
        "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], dtype=np.int64),
    }
    return FlameLike(arrays, mixing, scale)
