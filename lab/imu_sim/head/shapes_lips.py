"""Shapes of the lips themselves. Amounts in mm, drawn by eye."""

from __future__ import annotations

import numpy as np

from imu_sim.head import proportions as prop
from imu_sim.head.anatomy import Side
from imu_sim.head.fields import Skin, Tissue
from imu_sim.head.half import Array, smoothstep


def lip_shapes(skin: Skin, side: Side) -> dict[str, Array]:
    """Left and midline shapes of the lips, skin displacements (K, 3)."""
    return {
        "mouthRollLower": _roll(Tissue(skin, side.pull("mouthRollLower")), upper=False),
        "mouthRollUpper": _roll(Tissue(skin, side.pull("mouthRollUpper")), upper=True),
        "mouthShrugLower": _shrug_lower(Tissue(skin, side.pull("mouthShrugLower"))),
        "mouthShrugUpper": _shrug_upper(Tissue(skin, side.pull("mouthShrugUpper"))),
        "mouthPressLeft": _press(Tissue(skin, side.pull("mouthPress"))),
    }


def _red(skin: Skin) -> tuple[Array, Array]:
    """How far a vertex is from the edge of the red towards where the lips meet (0 to 1); a fade outside it; (K,)."""
    inward = np.clip(1.0 - skin.lip_s, 0.0, 1.0)
    outside = 1.0 - smoothstep(1.0, 1.75, skin.lip_s)
    return inward, outside


def _roll(at: Tissue, *, upper: bool) -> Array:
    """The lip curls in over the teeth: the edge of the red comes to where the lips meet."""
    inward, outside = _red(at.skin)
    this = at.skin.upper if upper else 1.0 - at.skin.upper
    across = np.clip(1.0 - (np.abs(at.skin.y) / prop.MOUTH_CORNER[0]) ** 2, 0.0, 1.0) ** 0.6
    take = this * across * outside
    towards = (-1.0 if upper else 1.0) * (4.2 if upper else 5.2)
    height = np.where(inward > 0.0, 1.0 - 0.85 * inward, 1.0)
    back = 2.2 + 3.2 * inward**0.8
    lips = at.shift(-back * take, 0.0, towards * height * take)
    # The skin beside the red is drawn taut: the chin's or the moustache's.
    taut = at.around(0.0, -50.0, 20.0, 8.0) if upper else at.around(0.0, -92.0, 18.0, 9.0)
    return lips + at.slide(0.0, (-0.9 if upper else 1.2) * taut, -0.7 * taut)


def _shrug_lower(at: Tissue) -> Array:
    inward, outside = _red(at.skin)
    lips = at.around(0.0, -74.0, 18.0, 9.0) * (1.0 - at.skin.upper)
    chin = at.around(0.0, -98.0, 17.0, 11.0)
    ball = at.around(0.0, -91.0, 13.0, 6.0)
    # The lower lip lifts the upper one where they touch.
    carried = at.skin.upper * np.exp(-((at.skin.y / 18.0) ** 2)) * outside * (0.55 + 0.45 * inward)
    touch = (1.0 - at.skin.upper) * np.exp(-((at.skin.y / 18.0) ** 2)) * outside * inward
    up = 3.8 * lips * (1.0 - inward) + 3.8 * np.maximum(touch, lips * inward) + 4.2 * chin + 3.8 * carried
    return at.slide(0.0, up, 2.8 * lips + 1.3 * ball - 0.6 * chin + 0.5 * carried)


def _shrug_upper(at: Tissue) -> Array:
    inward, outside = _red(at.skin)
    lift = at.around(0.0, -60.0, 17.0, 9.0) * at.skin.upper
    beside = at.around(20.0, -42.0, 8.0, 10.0) + at.around(-20.0, -42.0, 8.0, 10.0)
    followed = (1.0 - at.skin.upper) * np.exp(-((at.skin.y / 15.0) ** 2)) * outside * (0.4 + 0.4 * inward)
    return at.slide(
        0.0,
        4.6 * lift + 3.0 * followed + 0.8 * beside,
        2.6 * lift * (0.5 + 0.5 * np.maximum(inward, 0.3)) + 0.6 * followed + 0.7 * beside,
    )


def _press(at: Tissue) -> Array:
    inward, outside = _red(at.skin)
    side = smoothstep(-9.0, 9.0, at.skin.y)
    across = np.clip(1.0 - (np.abs(at.skin.y) / prop.MOUTH_CORNER[0]) ** 2, 0.0, 1.0) ** 0.5
    take = side * across * outside
    down, up = 2.6 * at.skin.upper, 3.4 * (1.0 - at.skin.upper)
    height = np.where(inward > 0.0, 1.0 - inward, 1.0)
    rolls = at.around(12.0, -54.0, 13.0, 4.0) + at.around(12.0, -82.0, 13.0, 4.5)
    pit = at.around(30.0, -67.0, 6.0, 7.0)
    flat = at.shift(-(0.8 + 1.0 * inward) * take, 0.0, (up - down) * height * take)
    return flat + at.slide(2.0 * pit, 0.0, 1.3 * rolls * side - 2.0 * pit)
