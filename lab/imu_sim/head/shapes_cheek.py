"""Shapes of cheeks and nose. Amounts in mm, drawn by eye."""

from __future__ import annotations

import numpy as np

from imu_sim.head.anatomy import Side
from imu_sim.head.fields import Skin, Tissue
from imu_sim.head.half import Array, smoothstep
from imu_sim.head.lids import Lids


def cheek_shapes(skin: Skin, side: Side, lids: Lids) -> dict[str, Array]:
    """Left and midline shapes, skin displacements (K, 3)."""
    return {
        "cheekPuff": _puff(Tissue(skin, side.pull("cheekPuff"))),
        "cheekSquintLeft": lids.squinted("cheekSquint") + _squint(Tissue(skin, side.pull("cheekSquint"))),
        "noseSneerLeft": _sneer(Tissue(skin, side.pull("noseSneer"))),
    }


def _puff(at: Tissue) -> Array:
    lips = 1.0 - 0.9 * np.exp(-((at.skin.lip_s / 0.9) ** 2))
    pouch = at.around(45.0, -62.0, 15.0, 15.0) + at.around(-45.0, -62.0, 15.0, 15.0)
    moustache = at.around(0.0, -55.0, 18.0, 5.0) + 0.8 * at.around(0.0, -82.0, 16.0, 5.0)
    return at.slide(0.0, 0.0, (11.0 * pouch + 2.2 * moustache) * lips) + at.shift(
        0.0, -0.05 * at.skin.y * (1.0 - lips), 0.0
    )


def _squint(at: Tissue) -> Array:
    cheek = at.around(40.0, -24.0, 14.0, 9.5, 12.0)
    lid = at.around(34.0, -11.0, 13.0, 4.5)
    foot = at.around(52.0, -4.0, 7.0, 8.0)
    crease = at.around(32.0, -15.5, 12.0, 2.4)
    return at.skin.lids_held * at.slide(-0.8 * foot, 4.6 * cheek + 1.8 * lid, 3.6 * cheek + 0.7 * lid - 1.0 * crease)


def _sneer(at: Tissue) -> Array:
    side = smoothstep(-3.0, 7.0, at.skin.y)
    wing = at.around(15.0, -41.0, 7.5, 8.0) * side
    bridge = at.around(10.0, -17.0, 8.0, 11.0) * side
    fold = at.around(22.0, -44.0, 4.0, 10.0, -25.0)
    lip = at.around(14.0, -58.0, 9.0, 7.0) * side * at.skin.upper
    brow = at.around(12.0, 14.0, 8.0, 8.0) * side
    wrinkle = np.sin((at.skin.h + 17.0) * (2.0 * np.pi / 9.0)) * bridge
    return at.skin.lids_held * at.slide(
        left=1.2 * wing - 0.6 * brow,
        up=4.6 * wing + 3.0 * bridge + 3.0 * lip - 2.4 * brow,
        out=1.0 * wing + 1.4 * bridge + 0.35 * wrinkle + 1.0 * lip - 1.4 * fold,
    )
