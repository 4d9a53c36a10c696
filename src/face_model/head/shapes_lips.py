"""Shapes of the lips themselves, and the tongue. Amounts in mm, drawn by eye."""

from __future__ import annotations

from typing import Final

import numpy as np

from face_model.head import proportions as prop
from face_model.head.fields import Skin
from face_model.head.half import Array, Region, smoothstep
from face_model.head.shapes_jaw import hinge_motion, rigid

TONGUE_JAW_DEG: Final = 6.0
"""The jaw drops this much to let the tongue pass between the teeth."""
TONGUE_REACH_MM: Final = 40.0


def lip_shapes(skin: Skin) -> dict[str, Array]:
    """Left and midline shapes of lips and tongue, whole-mesh displacements (V, 3)."""
    made = {
        "mouthRollLower": _roll(skin, upper=False),
        "mouthRollUpper": _roll(skin, upper=True),
        "mouthShrugLower": _shrug_lower(skin),
        "mouthShrugUpper": _shrug_upper(skin),
        "mouthPressLeft": _press(skin),
    }
    return {**{name: skin.on_mesh(moved) for name, moved in made.items()}, "tongueOut": _tongue(skin)}


def _red(skin: Skin) -> tuple[Array, Array]:
    """How far a vertex is from the edge of the red towards where the lips meet (0 to 1); a fade outside it; (K,)."""
    inward = np.clip(1.0 - skin.lip_s, 0.0, 1.0)
    outside = 1.0 - smoothstep(1.0, 1.75, skin.lip_s)
    return inward, outside


def _roll(skin: Skin, *, upper: bool) -> Array:
    """The lip curls in over the teeth: the edge of the red comes to where the lips meet."""
    inward, outside = _red(skin)
    this = skin.upper if upper else 1.0 - skin.upper
    across = np.clip(1.0 - (np.abs(skin.y) / prop.MOUTH_CORNER[0]) ** 2, 0.0, 1.0) ** 0.6
    take = this * across * outside
    towards = (-1.0 if upper else 1.0) * (4.2 if upper else 5.2)
    height = np.where(inward > 0.0, 1.0 - 0.85 * inward, 1.0)
    back = 2.2 + 3.2 * inward**0.8
    lips = skin.shift(-back * take, 0.0, towards * height * take)
    # The skin beside the red is drawn taut: the chin's or the moustache's.
    taut = skin.around(0.0, -50.0, 20.0, 8.0) if upper else skin.around(0.0, -92.0, 18.0, 9.0)
    return lips + skin.slide(0.0, (-0.9 if upper else 1.2) * taut, -0.7 * taut)


def _shrug_lower(skin: Skin) -> Array:
    inward, outside = _red(skin)
    lips = skin.around(0.0, -74.0, 18.0, 9.0) * (1.0 - skin.upper)
    chin = skin.around(0.0, -98.0, 17.0, 11.0)
    ball = skin.around(0.0, -91.0, 13.0, 6.0)
    # The lower lip lifts the upper one where they touch.
    carried = skin.upper * np.exp(-((skin.y / 18.0) ** 2)) * outside * (0.55 + 0.45 * inward)
    touch = (1.0 - skin.upper) * np.exp(-((skin.y / 18.0) ** 2)) * outside * inward
    up = 3.8 * lips * (1.0 - inward) + 3.8 * np.maximum(touch, lips * inward) + 4.2 * chin + 3.8 * carried
    return skin.slide(0.0, up, 2.8 * lips + 1.3 * ball - 0.6 * chin + 0.5 * carried)


def _shrug_upper(skin: Skin) -> Array:
    inward, outside = _red(skin)
    lift = skin.around(0.0, -60.0, 17.0, 9.0) * skin.upper
    beside = skin.around(20.0, -42.0, 8.0, 10.0) + skin.around(-20.0, -42.0, 8.0, 10.0)
    followed = (1.0 - skin.upper) * np.exp(-((skin.y / 15.0) ** 2)) * outside * (0.4 + 0.4 * inward)
    return skin.slide(
        0.0,
        4.6 * lift + 3.0 * followed + 0.8 * beside,
        2.6 * lift * (0.5 + 0.5 * np.maximum(inward, 0.3)) + 0.6 * followed + 0.7 * beside,
    )


def _press(skin: Skin) -> Array:
    inward, outside = _red(skin)
    side = smoothstep(-9.0, 9.0, skin.y)
    across = np.clip(1.0 - (np.abs(skin.y) / prop.MOUTH_CORNER[0]) ** 2, 0.0, 1.0) ** 0.5
    take = side * across * outside
    down, up = 2.6 * skin.upper, 3.4 * (1.0 - skin.upper)
    height = np.where(inward > 0.0, 1.0 - inward, 1.0)
    rolls = skin.around(12.0, -54.0, 13.0, 4.0) + skin.around(12.0, -82.0, 13.0, 4.5)
    pit = skin.around(30.0, -67.0, 6.0, 7.0)
    flat = skin.shift(-(0.8 + 1.0 * inward) * take, 0.0, (up - down) * height * take)
    return flat + skin.slide(2.0 * pit, 0.0, 1.3 * rolls * side - 2.0 * pit)


def _tongue(skin: Skin) -> Array:
    """The jaw drops a little, the lips part around the tongue, and the tongue comes out and hangs."""
    mesh = skin.mesh
    moved = rigid(skin, hinge_motion(mesh.points, TONGUE_JAW_DEG))
    lower = (1.0 - skin.upper) * skin.around(0.0, -74.0, 15.0, 8.0)
    upper = skin.upper * skin.around(0.0, -60.0, 15.0, 8.0)
    moved += skin.on_mesh(skin.slide(0.0, 1.6 * upper - 2.0 * lower, 1.2 * lower))
    tongue = mesh.of(Region.TONGUE)
    along = mesh.s[tongue]
    points = mesh.points[tongue]
    axis_h = -74.0
    reach = TONGUE_REACH_MM * smoothstep(0.0, 1.0, along) ** 0.9
    x = points[:, 0] + reach
    # Over the lower teeth and lip it stays level; beyond them it hangs.
    hang = -0.017 * np.clip(x - 98.0, 0.0, None) ** 2
    lift = 1.5 * smoothstep(0.1, 0.7, along)
    thinner = -0.30 * smoothstep(0.2, 0.8, along) * (points[:, 2] - axis_h)
    narrower = -0.18 * smoothstep(0.2, 0.7, along) * points[:, 1]
    fuller = 0.45 * smoothstep(0.75, 1.0, along) * points[:, 1]
    moved[tongue] = np.stack([reach, narrower + fuller, hang + lift + thinner], axis=-1)
    return moved
