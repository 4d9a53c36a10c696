"""Shapes of brows and forehead. Amounts in mm, drawn by eye."""

from __future__ import annotations

from face_model.head.fields import Skin
from face_model.head.half import Array, smoothstep


def brow_shapes(skin: Skin) -> dict[str, Array]:
    """Left and midline shapes, whole-mesh displacements (V, 3)."""
    made = {
        "browInnerUp": _inner_up(skin, 1.0) + _inner_up(skin, -1.0),
        "browOuterUpLeft": _outer_up(skin),
        "browDownLeft": _down(skin),
    }
    return {name: skin.on_mesh(skin.lids_held() * moved) for name, moved in made.items()}


def _inner_up(skin: Skin, side: float) -> Array:
    brow = skin.around(13.0 * side, 19.0, 11.0, 12.0) * smoothstep(-12.0, 12.0, side * skin.y)
    forehead = skin.around(15.0 * side, 41.0, 13.0, 12.0) * smoothstep(-12.0, 12.0, side * skin.y)
    lid = skin.around(19.0 * side, 8.0, 7.0, 5.0)
    return skin.slide(
        left=-1.0 * side * brow, up=9.0 * brow + 4.0 * forehead + 0.5 * lid, out=0.5 * brow + 1.1 * forehead
    )


def _outer_up(skin: Skin) -> Array:
    brow = skin.around(42.0, 20.0, 14.0, 12.0, 10.0) * smoothstep(2.0, 24.0, skin.y)
    forehead = skin.around(36.0, 44.0, 15.0, 12.0) * smoothstep(0.0, 20.0, skin.y)
    return skin.slide(left=0.8 * brow, up=8.5 * brow + 4.2 * forehead, out=0.4 * brow + 1.4 * forehead)


def _down(skin: Skin) -> Array:
    side = smoothstep(-9.0, 8.0, skin.y)
    brow = skin.around(23.0, 18.0, 17.0, 9.5) * side
    inner = skin.around(13.0, 17.0, 8.0, 9.0) * side
    forehead = skin.around(22.0, 38.0, 17.0, 11.0) * side
    glabella = skin.around(7.0, 14.0, 4.5, 7.0) * side
    return skin.slide(
        left=-3.2 * inner - 0.6 * brow,
        up=-5.6 * brow - 2.4 * inner - 2.2 * forehead,
        out=1.0 * brow + 1.3 * glabella - 1.0 * forehead,
    )
