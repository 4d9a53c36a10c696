"""All 52 shapes of the head: left and midline ones are made, right ones mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_model import arkit
from face_model.head.fields import Skin
from face_model.head.half import Array, Indices, Region, smoothstep
from face_model.head.mesh import HeadMesh
from face_model.head.shapes_brow import brow_shapes
from face_model.head.shapes_cheek import cheek_shapes
from face_model.head.shapes_eyes import eye_shapes
from face_model.head.shapes_jaw import jaw_shapes
from face_model.head.shapes_lips import lip_shapes
from face_model.head.shapes_mouth import mouth_shapes

MIRROR_Y = np.array([1.0, -1.0, 1.0])


def build_shapes(mesh: HeadMesh) -> Array:
    """Displacements at weight 1 in `arkit.BLENDSHAPES` order, (52, V, 3) in mm."""
    skin = Skin.of(mesh)
    made = {
        **jaw_shapes(skin),
        **mouth_shapes(skin),
        **lip_shapes(skin),
        **cheek_shapes(skin),
        **brow_shapes(skin),
        **eye_shapes(skin),
    }
    linings = _linings(mesh)
    deltas = np.zeros((arkit.COUNT, *mesh.points.shape))
    for name, moved in made.items():
        whole = _linings_follow(linings, moved)
        if arkit.mirrored(name) == name:
            deltas[arkit.INDEX[name]] = 0.5 * (whole + whole[mesh.mirror] * MIRROR_Y)
        else:
            deltas[arkit.INDEX[name]] = whole
            deltas[arkit.INDEX[arkit.mirrored(name)]] = whole[mesh.mirror] * MIRROR_Y
    return deltas


@dataclass(frozen=True)
class _Lining:
    """Which margin vertex each vertex of a lining goes with, and how much."""

    inside: Indices
    nearest: Indices
    share: Array


def _linings(mesh: HeadMesh) -> list[_Lining]:
    made = []
    for lining, skin, fade in ((Region.MOUTH, Region.LIP, (0.3, 0.65)), (Region.SOCKET, Region.LID, (0.3, 0.8))):
        inside = np.flatnonzero(mesh.region == lining)
        margin = np.flatnonzero((mesh.region == skin) & (mesh.s == 0.0))
        share = smoothstep(fade[1], fade[0], mesh.s[inside])[:, None]
        made.append(_Lining(inside, margin[_same_angle(mesh, inside, margin)], share))
    return made


def _linings_follow(linings: list[_Lining], moved: Array) -> Array:
    """Linings behind lips and lids: at the margin they move with the skin, deep inside as they were given."""
    whole = moved.copy()
    for lining in linings:
        whole[lining.inside] = lining.share * moved[lining.nearest] + (1.0 - lining.share) * moved[lining.inside]
    return whole


def _same_angle(mesh: HeadMesh, inside: Indices, margin: Indices) -> Indices:
    """For each lining vertex the margin vertex of the same side and ring angle."""
    apart = np.abs(np.angle(np.exp(1j * (mesh.phi[inside][:, None] - mesh.phi[margin][None, :]))))
    same_eye = np.sign(mesh.points[inside, 1])[:, None] * np.sign(mesh.points[margin, 1])[None, :] < 0.0
    best: Indices = np.argmin(apart + 10.0 * (same_eye & (mesh.region[margin] == Region.LID)[None, :]), axis=1)
    return best
