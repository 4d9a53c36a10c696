"""How this package's head moves, on the vertices of another head: a correspondence made of landmarks and of motion.

Nothing of the other model is shipped, neither vertices nor their numbers: its landmarks are found as those of any rig
are (`face_model.rigs.landmarks`), from its form and from what its jaw moves. Then

1. a similarity brings this package's eight landmarks to those of the model, a thin-plate spline the rest of the way;
2. each vertex of the model takes the motion of the vertices here that are near it and that share as much in the opening
   of the jaw: so lips that touch do not take each other's part;
3. what is far from any skin here (neck, ears, back of the head, eyeballs) has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from face_model import arkit
from face_model.errors import RigGeometryError
from face_model.rig import LANDMARKS, FaceRig
from face_model.rigs.landmarks import Face, find_landmarks
from face_retarget.errors import RetargetError
from face_retarget.flame.model_file import HeadModel

Floats = NDArray[np.float64]

NEAR: Final = 6
"""So many vertices here are asked about each there."""
BLUR_M: Final = 0.003
"""Those farther than the nearest by this count a third less; about the distance of vertices."""
APART_M: Final = 0.02
"""A vertex that the jaw moves fully and one that it does not move are as far apart as two at this distance."""
TRUST_M: Final = 0.010
"""How much a vertex counts falls with its distance from the skin here: to a third at this distance."""
FAR_M: Final = 0.025
"""Beyond this it does not count at all."""


@dataclass(frozen=True, eq=False)
class Transferred:
    """This package's 52 shapes on a model's vertices.

    Attributes:
        deltas: (52, V, 3) m, in `face_head` axes; 0 where nothing is known.
        weights: (V,) how much each vertex counts, 0 to 1.
        scale: of the model's face over the one here.
    """

    deltas: Floats
    weights: Floats
    scale: float


def transfer(rig: FaceRig, model: HeadModel) -> Transferred:
    """Bring a rig's shapes to a model.

    Raises:
        RetargetError: the model's landmarks cannot be found.
    """
    there = _landmarks(model)
    here = rig.neutral[[rig.landmarks[name] for name in LANDMARKS]].astype(np.float64)
    scale, turn, middle_here, middle_there = _similarity(here, there)
    skin = rig.parts["skin"]
    moved = scale * (rig.neutral[skin].astype(np.float64) - middle_here) @ turn.T + middle_there
    landmarks = scale * (here - middle_here) @ turn.T + middle_there
    moved += RBFInterpolator(landmarks, there - landmarks, kernel="thin_plate_spline", degree=1)(moved)
    deltas = scale * rig.deltas[:, skin].astype(np.float64) @ turn.T
    opening = np.linalg.norm(deltas[arkit.INDEX["jawOpen"]], axis=1)
    share = np.linalg.norm(model.jaw, axis=2).max(axis=0)
    tree = cKDTree(np.c_[moved, APART_M * opening / opening.max()])
    away, near = tree.query(np.c_[model.vertices, APART_M * share / max(float(share.max()), 1e-12)], k=NEAR)
    mix = np.exp(-((away - away[:, :1]) / BLUR_M))
    mix /= mix.sum(axis=1, keepdims=True)
    counts = np.exp(-((away[:, 0] / TRUST_M) ** 2)) * (away[:, 0] < FAR_M) * (model.eyeball == 0)
    taken = np.einsum("vk,svkc->svc", mix, deltas[:, near])
    return Transferred(taken * (counts > 0.0)[None, :, None], counts, scale)


def _landmarks(model: HeadModel) -> Floats:
    """(8, 3) in the order of `LANDMARKS`."""
    kind = np.array(["skin", "eye_left", "eye_right"])[model.eyeball]
    face = Face(model.vertices, _normals(model), kind, np.linalg.norm(model.jaw, axis=2).max(axis=0), model.eyes)
    try:
        found = find_landmarks(face, {}).landmarks
    except RigGeometryError as error:
        # Its advice is for rigs, which may bring a sidecar.
        told = str(error).partition("; ")[0]
        raise RetargetError(f"{model.name}: {told}: its jaw does not part its lips, or it has no face") from error
    return model.vertices[[found[name] for name in LANDMARKS]]


def _normals(model: HeadModel) -> Floats:
    a, b, c = (model.vertices[model.triangles[:, k]] for k in range(3))
    facing = np.cross(b - a, c - a)
    normals = np.zeros_like(model.vertices)
    for k in range(3):
        np.add.at(normals, model.triangles[:, k], facing)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30))


def _similarity(here: Floats, there: Floats) -> tuple[float, Floats, Floats, Floats]:
    """Scale, rotation and both middles: S. Umeyama, "Least-squares estimation of transformation parameters", 1991."""
    middle_here, middle_there = here.mean(axis=0), there.mean(axis=0)
    a, b = here - middle_here, there - middle_there
    u, spread, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return float((spread * sign).sum() / (a * a).sum()), (u * sign) @ vt, middle_here, middle_there
