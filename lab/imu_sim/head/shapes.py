"""All 52 shapes and the correctives of one person: made for the left side of the mean head, mirrored, carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from imu_sim.head import lids, tongue
from imu_sim.head.anatomy import Anatomy, Side
from imu_sim.head.fields import MuscleSkin, Skin
from imu_sim.head.form import Form, brows, linings, mean_mesh
from imu_sim.head.half import Array, Indices, smoothstep
from imu_sim.head.jaw import Jaw, Seal
from imu_sim.head.shapes_mouth import lip_shapes, mouth_shapes
from imu_sim.head.shapes_upper import brow_shapes, cheek_shapes

AGAINST_THE_RING: Final[dict[str, tuple[float, float]]] = {"mouthPucker": (0.40, 0.30), "mouthFunnel": (0.30, 0.20)}
"""Smile against the ring muscle of the mouth: what share of the smile and what share of the ring's motion is lost."""
CORNER_HELD_BY_JAW: Final = 0.22
"""Share of a corner's pull that skin stretched by an open jaw does not allow."""
FUNNEL_ALREADY_OPEN: Final = 0.60
"""Share of the funnel's parting of the lips that an open jaw has made already."""
PUCKER_CLOSES: Final = 0.25
"""Share of an open mouth that a pucker closes again."""
TONGUE_TILTS: Final = 0.6
"""Share of the jaw's turn that a tongue put out over the lower teeth takes up."""


def mouth_correctives(skin: Skin, made: dict[str, Array]) -> dict[tuple[str, str], Array]:
    """Left and midline pairs on the mean head, skin displacements (K, 3); `made` holds the left shapes."""
    left = smoothstep(-12.0, 12.0, skin.y)[:, None]
    mouth = np.exp(-0.5 * (((np.abs(skin.y) - 22.0) / 16.0) ** 2 + ((skin.h + 67.0) / 15.0) ** 2))[:, None]
    found = {}
    for ring, (smile_lost, ring_lost) in AGAINST_THE_RING.items():
        found["mouthSmileLeft", ring] = -smile_lost * mouth * made["mouthSmileLeft"] - ring_lost * left * made[ring]
    for pull in ("mouthSmileLeft", "mouthStretchLeft"):
        found["jawOpen", pull] = -CORNER_HELD_BY_JAW * mouth * made[pull]
    found["jawOpen", "mouthFunnel"] = -FUNNEL_ALREADY_OPEN * made["mouthFunnel"] * [0.0, 0.0, 1.0]
    return found


MIRROR_Y = np.array([1.0, -1.0, 1.0])

Pair = tuple[str, str]
Key = str | Pair
"""A shape, or the two shapes of a corrective."""
JAW_KEYS: Final[tuple[Key, ...]] = (
    "jawForward",
    "jawLeft",
    "jawRight",
    "mouthClose",
    ("jawOpen", "jawOpen"),
    ("mouthClose", "mouthClose"),
    ("jawOpen", "mouthPucker"),
    ("jawOpen", "tongueOut"),
)
"""What bone makes; the soft tissue makes the rest."""


@dataclass(frozen=True)
class Shapes:
    """One person's neutral and motions in construction millimetres.

    Attributes:
        points: (V, 3).
        deltas: (52, V, 3) at weight 1, in `arkit.BLENDSHAPES` order.
        correctives: two shapes to (V, 3).
    """

    points: Array
    deltas: NDArray[np.float32]
    correctives: Mapping[Pair, NDArray[np.float32]]


def build_shapes(form: Form, anatomy: Anatomy, eye_open: float) -> Shapes:
    """Make every motion of a head of this form; `eye_open` is that of its `Identity`."""
    mean = _mean()
    skin, mesh = mean.skin, mean.skin.mesh
    left = _left_side(skin, anatomy.left, eye_open)
    right = left if anatomy.right == anatomy.left else _left_side(skin, anatomy.right, eye_open)
    soft = _both_sides(skin, left, right)
    row: dict[Key, int] = {key: i for i, key in enumerate([*soft, *JAW_KEYS])}
    moved = np.zeros((len(row), *mesh.points.shape), dtype=np.float32)
    moved[: len(soft), skin.index] = form.carry(np.stack(list(soft.values())), skin.index)
    for name in lids.LOOK_DEG:
        for shape, side, sign in ((name, "left", 1.0), (arkit.mirrored(name), "right", -1.0)):
            ball = np.arange(len(mesh.points))[mesh.parts[f"eye_{side}"]]
            gain = anatomy.left.look_gain if side == "left" else anatomy.right.look_gain
            turned = lids.gaze(mesh.points[mesh.parts["eye_left"]], name, gain) * [1.0, sign, 1.0]
            moved[row[shape], ball] = form.carry(turned, ball)
    moved[row["tongueOut"], mean.tongue] = form.carry(mean.tongue_reach, mean.tongue)
    _add_jaw(moved, row, mean, Jaw.of(skin, form, anatomy.jaw))
    brows().ride(moved)
    for lining in linings():
        lining.follow(moved)
    return Shapes(
        points=form.points + moved[row["neutral"]],
        deltas=moved[[row[name] for name in arkit.BLENDSHAPES]],
        correctives={key: moved[i] for key, i in row.items() if isinstance(key, tuple)},
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
        "jawOpen": _around_open_jaw(MuscleSkin(skin, side.pull("jawOpen"))),
    }
    shapes = dict(zip(shapes, eye.cleared(skin.unfolded(np.stack(list(shapes.values())))), strict=True))
    pairs = {**lids.lid_correctives(skin, shapes, eye), **mouth_correctives(skin, shapes)}
    made: dict[Key, Array] = {"neutral": eye.opening}
    made.update(shapes.items())
    made.update(pairs.items())
    return made


def _around_open_jaw(at: MuscleSkin) -> Array:
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


def _add_jaw(moved: NDArray[np.float32], row: Mapping[Key, int], mean: _Mean, jaw: Jaw) -> None:
    """Add the bone's motions, what seals the lips over them, and their correctives, in place; `moved` is (B, V, 3)."""
    opened, arc = row["jawOpen"], row["jawOpen", "jawOpen"]
    moved[opened] += jaw.opened(1.0)
    moved[arc] = jaw.opened(0.5) - 0.5 * jaw.opened(1.0)
    moved[row["jawForward"]] = jaw.forward()
    moved[row["jawLeft"]], moved[row["jawRight"]] = jaw.sideways(1.0), jaw.sideways(-1.0)
    closed = row["mouthClose"]
    moved[closed] = mean.seal.closing(moved[opened], mean.upper_side)
    moved[row["mouthClose", "mouthClose"]] = mean.seal.closing(moved[arc], mean.upper_side)
    moved[row["jawOpen", "mouthPucker"]] = PUCKER_CLOSES * moved[closed]
    tongue_out, with_jaw = row["tongueOut"], row["jawOpen", "tongueOut"]
    # The lips need not part for the tongue when the jaw has parted them.
    moved[with_jaw] = -moved[tongue_out]
    moved[with_jaw, mean.tongue] = TONGUE_TILTS * jaw.tilted(moved[tongue_out, mean.tongue])


@dataclass(frozen=True)
class _Mean:
    """What all people share."""

    skin: Skin
    seal: Seal
    upper_side: Array
    tongue: Indices
    tongue_reach: Array


@lru_cache(maxsize=1)
def _mean() -> _Mean:
    mesh = mean_mesh()
    skin = Skin.of(mesh)
    upper_side = np.zeros(len(mesh.points))
    upper_side[skin.index] = skin.mouth_height >= 0.0
    return _Mean(skin, Seal.of(skin), upper_side, *tongue.reach(skin))
