"""All 52 shapes and the correctives of one person: made for the left side of the mean head, mirrored, carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from face_model import arkit
from face_model.head import correctives, lids, tongue
from face_model.head.anatomy import Anatomy, Side
from face_model.head.fields import Skin, Tissue
from face_model.head.form import Form, mean_mesh
from face_model.head.half import Array, Indices, Region, smoothstep
from face_model.head.jaw import Jaw, Seal
from face_model.head.mesh import HeadMesh
from face_model.head.shapes_brow import brow_shapes
from face_model.head.shapes_cheek import cheek_shapes
from face_model.head.shapes_lips import lip_shapes
from face_model.head.shapes_mouth import mouth_shapes

MIRROR_Y = np.array([1.0, -1.0, 1.0])

Pair = tuple[str, str]
Key = str | Pair
"""A shape, or the two shapes of a corrective."""


@dataclass(frozen=True)
class Shapes:
    """One person's neutral and motions in construction millimetres.

    Attributes:
        points: (V, 3).
        deltas: (52, V, 3) at weight 1, in `arkit.BLENDSHAPES` order.
        correctives: two shapes to (V, 3).
    """

    points: Array
    deltas: Array
    correctives: Mapping[Pair, Array]


def build_shapes(form: Form, anatomy: Anatomy, eye_open: float) -> Shapes:
    """Make every motion of a head of this form; `eye_open` is that of its `Identity`."""
    mean = _mean()
    skin, mesh = mean.skin, mean.skin.mesh
    left = _left_side(skin, anatomy.left, eye_open)
    right = left if anatomy.right == anatomy.left else _left_side(skin, anatomy.right, eye_open)
    soft = _both_sides(skin, left, right)
    keys: list[Key] = [*soft]
    moved = np.zeros((len(keys), *mesh.points.shape))
    moved[:, skin.index] = np.stack(list(soft.values()))
    for name in lids.LOOK_DEG:
        ball = mesh.points[mesh.parts["eye_left"]]
        moved[keys.index(name), mesh.parts["eye_left"]] = lids.gaze(ball, name, anatomy.left.look_gain)
        mirrored = lids.gaze(ball, name, anatomy.right.look_gain) * MIRROR_Y
        moved[keys.index(arkit.mirrored(name)), mesh.parts["eye_right"]] = mirrored
    moved[keys.index("tongueOut"), mean.tongue] = mean.tongue_reach
    carried = form.carry(moved)
    made: dict[Key, Array] = dict(zip(keys, carried, strict=True))
    opening = made.pop("neutral")
    _add_jaw(made, mean, Jaw.of(skin, form, anatomy.jaw))
    everything = np.stack([*made.values(), opening])
    for lining in mean.linings:
        # Linings behind lips and lids: at the margin they move with the skin, deep inside as they were given.
        everything[:, lining.inside] = (
            lining.share * everything[:, lining.nearest] + (1.0 - lining.share) * everything[:, lining.inside]
        )
    done: dict[Key, Array] = dict(zip(made, everything, strict=False))
    return Shapes(
        points=form.points + everything[-1],
        deltas=np.stack([done[name] for name in arkit.BLENDSHAPES]),
        correctives={key: moved for key, moved in done.items() if isinstance(key, tuple)},
    )


def _left_side(skin: Skin, side: Side, eye_open: float) -> dict[Key, Array]:
    """Left and midline shapes and correctives of soft tissue on the mean head, (K, 3); `neutral` opens the lids."""
    eye = lids.Lids(skin, side, eye_open)
    shapes = {
        **mouth_shapes(skin, side),
        **lip_shapes(skin, side),
        **cheek_shapes(skin, side, eye),
        **brow_shapes(skin, side),
        **lids.eye_shapes(skin, side, eye),
        "tongueOut": tongue.lips_part(skin),
        "jawOpen": _around_open_jaw(Tissue(skin, side.pull("jawOpen"))),
    }
    pairs = {**lids.lid_correctives(skin, shapes, eye), **correctives.mouth_correctives(skin, shapes)}
    made: dict[Key, Array] = {"neutral": eye.opening}
    made.update(shapes.items())
    made.update(pairs.items())
    return made


def _around_open_jaw(at: Tissue) -> Array:
    """The cheek thins as the jaw drops, and the corners of the mouth are drawn in."""
    cheeks = at.around(44.0, -62.0, 13.0, 16.0) + at.around(-44.0, -62.0, 13.0, 16.0)
    corners = at.around(25.0, -67.0, 11.0, 12.0) - at.around(-25.0, -67.0, 11.0, 12.0)
    return at.slide(-2.5 * corners, 0.0, -1.5 * cheeks)


def _both_sides(skin: Skin, left: dict[Key, Array], right: dict[Key, Array]) -> dict[Key, Array]:
    """Shapes of both sides; midline ones take each half of the face from its own side."""
    on_left = smoothstep(-14.0, 14.0, skin.y)[:, None]
    both: dict[Key, Array] = {}
    for key, moved in left.items():
        image = right[key][skin.mirror] * MIRROR_Y
        if key == "neutral":
            both[key] = moved + image
        elif _mirrored(key) == key:
            both[key] = on_left * moved + (1.0 - on_left) * image
        else:
            both[key], both[_mirrored(key)] = moved, image
    return both


def _mirrored(key: Key) -> Key:
    if isinstance(key, str):
        return arkit.mirrored(key) if key in arkit.INDEX else key
    return (arkit.mirrored(key[0]), arkit.mirrored(key[1]))


def _add_jaw(made: dict[Key, Array], mean: _Mean, jaw: Jaw) -> None:
    """Add the bone's motions, what seals the lips over them, and their correctives."""
    arc = jaw.opened(0.5) - 0.5 * jaw.opened(1.0)
    made["jawOpen"] = made["jawOpen"] + jaw.opened(1.0)
    made["jawOpen", "jawOpen"] = arc
    made["jawForward"], made["jawLeft"], made["jawRight"] = jaw.forward(), jaw.sideways(1.0), jaw.sideways(-1.0)
    made["mouthClose"] = mean.seal.closing(made["jawOpen"], mean.upper_side)
    made["mouthClose", "mouthClose"] = mean.seal.closing(arc, mean.upper_side)
    made["jawOpen", "mouthPucker"] = correctives.PUCKER_CLOSES * made["mouthClose"]
    with_tongue = -made["tongueOut"]
    reach = made["tongueOut"][mean.tongue]
    with_tongue[mean.tongue] = correctives.TONGUE_TILTS * jaw.tilted(reach)
    made["jawOpen", "tongueOut"] = with_tongue


@dataclass(frozen=True)
class _Lining:
    """Which margin vertex each vertex of a lining goes with, and how much."""

    inside: Indices
    nearest: Indices
    share: Array


@dataclass(frozen=True)
class _Mean:
    """What all people share."""

    skin: Skin
    seal: Seal
    upper_side: Array
    linings: tuple[_Lining, ...]
    tongue: Indices
    tongue_reach: Array


@lru_cache(maxsize=1)
def _mean() -> _Mean:
    mesh = mean_mesh()
    skin = Skin.of(mesh)
    upper_side = np.zeros(len(mesh.points))
    upper_side[skin.index] = skin.mouth_height >= 0.0
    return _Mean(skin, Seal.of(skin), upper_side, tuple(_linings(mesh)), *tongue.reach(skin))


def _linings(mesh: HeadMesh) -> list[_Lining]:
    made = []
    for lining, skin, fade in ((Region.MOUTH, Region.LIP, (0.3, 0.65)), (Region.SOCKET, Region.LID, (0.3, 0.8))):
        inside = np.flatnonzero(mesh.region == lining)
        margin = np.flatnonzero((mesh.region == skin) & (mesh.s == 0.0))
        share = smoothstep(fade[1], fade[0], mesh.s[inside])[:, None]
        made.append(_Lining(inside, margin[_same_angle(mesh, inside, margin)], share))
    return made


def _same_angle(mesh: HeadMesh, inside: Indices, margin: Indices) -> Indices:
    """For each lining vertex the margin vertex of the same side and ring angle."""
    apart = np.abs(np.angle(np.exp(1j * (mesh.phi[inside][:, None] - mesh.phi[margin][None, :]))))
    other_eye = np.sign(mesh.points[inside, 1])[:, None] * np.sign(mesh.points[margin, 1])[None, :] < 0.0
    best: Indices = np.argmin(apart + 10.0 * (other_eye & (mesh.region[margin] == Region.LID)[None, :]), axis=1)
    return best
