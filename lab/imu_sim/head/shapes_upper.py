"""Brows, cheeks and nose: what moves them, on the left side of the mean head."""

from __future__ import annotations

import numpy as np

from imu_sim.head.anatomy import Side
from imu_sim.head.fields import MuscleSkin, Skin
from imu_sim.head.half import Array, smoothstep
from imu_sim.head.lids import Lids


def brow_shapes(skin: Skin, side: Side) -> dict[str, Array]:
    """Left and midline shapes, skin displacements (K, 3)."""
    inner = MuscleSkin(skin, side.pull("browInnerUp"))
    made = {
        "browInnerUp": _inner_up(inner, 1.0) + _inner_up(inner, -1.0),
        "browOuterUpLeft": _outer_up(MuscleSkin(skin, side.pull("browOuterUp"))),
        "browDownLeft": _down(MuscleSkin(skin, side.pull("browDown"))),
    }
    return {name: skin.lids_held * moved for name, moved in made.items()}


def _inner_up(at: MuscleSkin, side: float) -> Array:
    half = smoothstep(-12.0, 12.0, side * at.skin.y)
    brow = at.around(13.0 * side, 19.0, 11.0, 12.0) * half
    forehead = at.around(15.0 * side, 41.0, 13.0, 12.0) * half
    lid = at.around(19.0 * side, 8.0, 7.0, 5.0)
    return at.slide(
        left=-1.0 * side * brow, up=9.0 * brow + 4.0 * forehead + 0.5 * lid, out=0.5 * brow + 1.1 * forehead
    )


def _outer_up(at: MuscleSkin) -> Array:
    brow = at.around(40.0, 20.0, 17.0, 12.0, 10.0) * smoothstep(-4.0, 28.0, at.skin.y)
    forehead = at.around(36.0, 44.0, 16.0, 12.0) * smoothstep(0.0, 20.0, at.skin.y)
    return at.slide(left=0.8 * brow, up=8.5 * brow + 4.2 * forehead, out=0.4 * brow + 1.4 * forehead)


def _down(at: MuscleSkin) -> Array:
    side = smoothstep(-9.0, 8.0, at.skin.y)
    brow = at.around(23.0, 19.0, 18.0, 11.0) * side
    inner = at.around(13.0, 17.0, 9.0, 10.0) * side
    forehead = at.around(22.0, 38.0, 17.0, 11.0) * side
    glabella = at.around(7.0, 14.0, 4.5, 7.0) * side
    return at.slide(
        left=-3.2 * inner - 0.6 * brow,
        up=-5.6 * brow - 2.4 * inner - 2.2 * forehead,
        out=1.0 * brow + 1.3 * glabella - 1.0 * forehead,
    )


def cheek_shapes(skin: Skin, side: Side, lids: Lids) -> dict[str, Array]:
    """Left and midline shapes, skin displacements (K, 3)."""
    return {
        "cheekPuff": _puff(MuscleSkin(skin, side.pull("cheekPuff"))),
        "cheekSquintLeft": lids.squinted("cheekSquint") + _squint(MuscleSkin(skin, side.pull("cheekSquint"))),
        "noseSneerLeft": _sneer(MuscleSkin(skin, side.pull("noseSneer"))),
    }


def _puff(at: MuscleSkin) -> Array:
    lips = 1.0 - 0.9 * np.exp(-((at.skin.lip_s / 0.9) ** 2))
    pouch = at.around(45.0, -62.0, 15.0, 15.0) + at.around(-45.0, -62.0, 15.0, 15.0)
    moustache = at.around(0.0, -55.0, 18.0, 5.0) + 0.8 * at.around(0.0, -82.0, 16.0, 5.0)
    return at.slide(0.0, 0.0, (11.0 * pouch + 2.2 * moustache) * lips) + at.shift(
        0.0, -0.05 * at.skin.y * (1.0 - lips), 0.0
    )


def _squint(at: MuscleSkin) -> Array:
    cheek = at.around(40.0, -24.0, 14.0, 9.5, 12.0)
    lid = at.around(34.0, -11.0, 13.0, 4.5)
    foot = at.around(52.0, -4.0, 7.0, 8.0)
    crease = at.around(32.0, -15.5, 12.0, 2.4)
    return at.skin.lids_held * at.slide(-0.8 * foot, 4.6 * cheek + 1.8 * lid, 3.6 * cheek + 0.7 * lid - 1.0 * crease)


def _sneer(at: MuscleSkin) -> Array:
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
