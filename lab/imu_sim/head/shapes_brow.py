"""Shapes of brows and forehead. Amounts in mm, drawn by eye."""

from __future__ import annotations

from imu_sim.head.anatomy import Side
from imu_sim.head.fields import Skin, Tissue
from imu_sim.head.half import Array, smoothstep


def brow_shapes(skin: Skin, side: Side) -> dict[str, Array]:
    """Left and midline shapes, skin displacements (K, 3)."""
    inner = Tissue(skin, side.pull("browInnerUp"))
    made = {
        "browInnerUp": _inner_up(inner, 1.0) + _inner_up(inner, -1.0),
        "browOuterUpLeft": _outer_up(Tissue(skin, side.pull("browOuterUp"))),
        "browDownLeft": _down(Tissue(skin, side.pull("browDown"))),
    }
    return {name: skin.lids_held * moved for name, moved in made.items()}


def _inner_up(at: Tissue, side: float) -> Array:
    half = smoothstep(-12.0, 12.0, side * at.skin.y)
    brow = at.around(13.0 * side, 19.0, 11.0, 12.0) * half
    forehead = at.around(15.0 * side, 41.0, 13.0, 12.0) * half
    lid = at.around(19.0 * side, 8.0, 7.0, 5.0)
    return at.slide(
        left=-1.0 * side * brow, up=9.0 * brow + 4.0 * forehead + 0.5 * lid, out=0.5 * brow + 1.1 * forehead
    )


def _outer_up(at: Tissue) -> Array:
    brow = at.around(40.0, 20.0, 17.0, 12.0, 10.0) * smoothstep(-4.0, 28.0, at.skin.y)
    forehead = at.around(36.0, 44.0, 16.0, 12.0) * smoothstep(0.0, 20.0, at.skin.y)
    return at.slide(left=0.8 * brow, up=8.5 * brow + 4.2 * forehead, out=0.4 * brow + 1.4 * forehead)


def _down(at: Tissue) -> Array:
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
