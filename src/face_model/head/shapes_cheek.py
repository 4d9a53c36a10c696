"""Shapes of cheeks and nose. Amounts in mm, drawn by eye."""

from __future__ import annotations

import numpy as np

from face_model.head.fields import Skin
from face_model.head.half import Array, smoothstep
from face_model.head.shapes_eyes import LidRings


def cheek_shapes(skin: Skin) -> dict[str, Array]:
    """Left and midline shapes, whole-mesh displacements (V, 3)."""
    made = {"cheekPuff": _puff(skin), "cheekSquintLeft": _squint(skin), "noseSneerLeft": _sneer(skin)}
    return {name: skin.on_mesh(moved) for name, moved in made.items()}


def _puff(skin: Skin) -> Array:
    lips = 1.0 - 0.9 * np.exp(-((skin.lip_s / 0.9) ** 2))
    pouch = skin.around(45.0, -62.0, 15.0, 15.0) + skin.around(-45.0, -62.0, 15.0, 15.0)
    moustache = skin.around(0.0, -55.0, 18.0, 5.0) + 0.8 * skin.around(0.0, -82.0, 16.0, 5.0)
    return skin.slide(0.0, 0.0, (11.0 * pouch + 2.2 * moustache) * lips) + skin.shift(
        0.0, -0.05 * skin.y * (1.0 - lips), 0.0
    )


def _squint(skin: Skin) -> Array:
    lids = LidRings.left_of(skin).moved(-0.4, 1.9, reach=0.9)
    cheek = skin.around(40.0, -24.0, 14.0, 9.5, 12.0)
    lid = skin.around(34.0, -11.0, 13.0, 4.5)
    foot = skin.around(52.0, -4.0, 7.0, 8.0)
    crease = skin.around(32.0, -15.5, 12.0, 2.4)
    return lids + skin.lids_held() * skin.slide(
        -0.8 * foot, 4.6 * cheek + 1.8 * lid, 3.6 * cheek + 0.7 * lid - 1.0 * crease
    )


def _sneer(skin: Skin) -> Array:
    side = smoothstep(-3.0, 7.0, skin.y)
    wing = skin.around(15.0, -41.0, 7.5, 8.0) * side
    bridge = skin.around(10.0, -17.0, 8.0, 11.0) * side
    fold = skin.around(22.0, -44.0, 4.0, 10.0, -25.0)
    lip = skin.around(14.0, -58.0, 9.0, 7.0) * side * skin.upper
    brow = skin.around(12.0, 14.0, 8.0, 8.0) * side
    wrinkle = np.sin((skin.h + 17.0) * (2.0 * np.pi / 9.0)) * bridge
    return skin.lids_held() * skin.slide(
        left=1.2 * wing - 0.6 * brow,
        up=4.6 * wing + 3.0 * bridge + 3.0 * lip - 2.4 * brow,
        out=1.0 * wing + 1.4 * bridge + 0.35 * wrinkle + 1.0 * lip - 1.4 * fold,
    )
