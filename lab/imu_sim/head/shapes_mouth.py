"""Shapes that pull the mouth about: corners, the whole mouth, one lip. Amounts in mm, drawn by eye."""

from __future__ import annotations

import numpy as np

from imu_sim.head import proportions as prop
from imu_sim.head.anatomy import Side
from imu_sim.head.fields import MuscleSkin, Skin
from imu_sim.head.half import Array, smoothstep


def lip_shapes(skin: Skin, side: Side) -> dict[str, Array]:
    """Left and midline shapes of the lips, skin displacements (K, 3)."""
    return {
        "mouthRollLower": _roll(MuscleSkin(skin, side.pull("mouthRollLower")), upper=False),
        "mouthRollUpper": _roll(MuscleSkin(skin, side.pull("mouthRollUpper")), upper=True),
        "mouthShrugLower": _shrug_lower(MuscleSkin(skin, side.pull("mouthShrugLower"))),
        "mouthShrugUpper": _shrug_upper(MuscleSkin(skin, side.pull("mouthShrugUpper"))),
        "mouthPressLeft": _press(MuscleSkin(skin, side.pull("mouthPress"))),
    }


def _red(skin: Skin) -> tuple[Array, Array]:
    """How far a vertex is from the edge of the red towards where the lips meet (0 to 1); a fade outside it; (K,)."""
    inward = np.clip(1.0 - skin.lip_s, 0.0, 1.0)
    outside = 1.0 - smoothstep(1.0, 1.75, skin.lip_s)
    return inward, outside


def _roll(at: MuscleSkin, *, upper: bool) -> Array:
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


def _shrug_lower(at: MuscleSkin) -> Array:
    inward, outside = _red(at.skin)
    lips = at.around(0.0, -74.0, 18.0, 9.0) * (1.0 - at.skin.upper)
    chin = at.around(0.0, -98.0, 17.0, 11.0)
    ball = at.around(0.0, -91.0, 13.0, 6.0)
    # The lower lip lifts the upper one where they touch.
    carried = at.skin.upper * np.exp(-((at.skin.y / 18.0) ** 2)) * outside * (0.55 + 0.45 * inward)
    touch = (1.0 - at.skin.upper) * np.exp(-((at.skin.y / 18.0) ** 2)) * outside * inward
    up = 3.8 * lips * (1.0 - inward) + 3.8 * np.maximum(touch, lips * inward) + 4.2 * chin + 3.8 * carried
    return at.slide(0.0, up, 2.8 * lips + 1.3 * ball - 0.6 * chin + 0.5 * carried)


def _shrug_upper(at: MuscleSkin) -> Array:
    inward, outside = _red(at.skin)
    lift = at.around(0.0, -60.0, 17.0, 9.0) * at.skin.upper
    beside = at.around(20.0, -42.0, 8.0, 10.0) + at.around(-20.0, -42.0, 8.0, 10.0)
    followed = (1.0 - at.skin.upper) * np.exp(-((at.skin.y / 15.0) ** 2)) * outside * (0.4 + 0.4 * inward)
    return at.slide(
        0.0,
        4.6 * lift + 3.0 * followed + 0.8 * beside,
        2.6 * lift * (0.5 + 0.5 * np.maximum(inward, 0.3)) + 0.6 * followed + 0.7 * beside,
    )


def _press(at: MuscleSkin) -> Array:
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


def mouth_shapes(skin: Skin, side: Side) -> dict[str, Array]:
    """Left and midline shapes of the mouth's muscles, skin displacements (K, 3)."""
    made = {
        "mouthSmileLeft": _smile(MuscleSkin(skin, side.pull("mouthSmile"))),
        "mouthFrownLeft": _frown(MuscleSkin(skin, side.pull("mouthFrown"))),
        "mouthDimpleLeft": _dimple(MuscleSkin(skin, side.pull("mouthDimple"))),
        "mouthStretchLeft": _stretch(MuscleSkin(skin, side.pull("mouthStretch"))),
        "mouthLeft": _left(MuscleSkin(skin, side.pull("mouthLeft"))),
        "mouthLowerDownLeft": _lower_down(MuscleSkin(skin, side.pull("mouthLowerDown"))),
        "mouthUpperUpLeft": _upper_up(MuscleSkin(skin, side.pull("mouthUpperUp"))),
        "mouthPucker": _pucker(MuscleSkin(skin, side.pull("mouthPucker"))),
        "mouthFunnel": _funnel(MuscleSkin(skin, side.pull("mouthFunnel"))),
    }
    return {name: skin.lids_held * moved for name, moved in made.items()}


def _corner(at: MuscleSkin, reach: float = 1.0) -> Array:
    """The left corner's pull, weak across the midline, (K,)."""
    pull = at.around(27.0, -66.5, 17.0 * reach, 14.0 * reach)
    return pull * smoothstep(-16.0, 14.0, at.skin.y)


def _smile(at: MuscleSkin) -> Array:
    corner = _corner(at, 1.05)
    cheek = at.around(40.0, -33.0, 14.0, 11.5, 15.0)
    crease = at.around(27.0, -50.0, 3.6, 12.0, -24.0)
    lid = at.around(35.0, -13.0, 14.0, 5.0)
    return at.slide(
        left=8.5 * corner + 1.0 * cheek,
        up=9.5 * corner + 4.5 * cheek + 1.0 * lid,
        out=-1.5 * corner + 5.6 * cheek - 2.0 * crease + 0.6 * lid,
    )


def _frown(at: MuscleSkin) -> Array:
    corner = _corner(at, 0.95)
    below = at.around(29.0, -82.0, 9.0, 9.0)
    fold = at.around(33.0, -76.0, 5.0, 9.0, 15.0)
    chin = at.around(0.0, -98.0, 14.0, 8.0) * smoothstep(-12.0, 12.0, at.skin.y)
    return at.slide(
        left=1.5 * corner,
        up=-8.5 * corner - 2.0 * below + 2.0 * chin,
        out=1.6 * below - 1.2 * fold + 1.2 * chin,
    )


def _dimple(at: MuscleSkin) -> Array:
    corner = _corner(at, 0.8)
    pit = at.around(31.0, -66.0, 5.0, 6.0)
    rim = at.around(39.0, -63.0, 8.0, 10.0)
    return at.slide(left=5.0 * corner - 1.5 * rim, up=1.2 * corner, out=-3.2 * pit - 1.0 * corner + 2.6 * rim)


def _stretch(at: MuscleSkin) -> Array:
    corner = _corner(at, 1.05)
    low = at.around(30.0, -84.0, 14.0, 11.0)
    side = at.around(45.0, -66.0, 9.0, 14.0)
    return at.slide(left=10.5 * corner + 3.0 * low, up=-3.6 * corner - 3.5 * low, out=-1.8 * corner + 1.8 * side)


def _left(at: MuscleSkin) -> Array:
    mouth = at.around(0.0, -67.0, 27.0, 17.0)
    bunched = at.around(36.0, -66.0, 9.0, 12.0)
    drawn = at.around(-36.0, -66.0, 9.0, 12.0)
    return at.slide(left=10.5 * mouth, up=1.6 * at.around(25.0, -68.0, 12.0, 8.0), out=3.2 * bunched - 2.2 * drawn)


def _lower_down(at: MuscleSkin) -> Array:
    pull = at.around(11.0, -74.0, 13.0, 10.0) * smoothstep(-13.0, 9.0, at.skin.y) * (1.0 - at.skin.upper)
    edge = np.exp(-((np.clip(at.skin.lip_s, 0.0, 2.0) / 0.8) ** 2))
    chin = at.around(9.0, -93.0, 13.0, 8.0)
    return at.slide(
        left=1.5 * pull,
        up=-9.5 * pull * (0.72 + 0.28 * edge) - 0.8 * chin,
        out=1.6 * pull * edge - 0.8 * pull + 0.8 * chin,
    )


def _upper_up(at: MuscleSkin) -> Array:
    lift = at.around(12.0, -60.0, 12.0, 11.0) * smoothstep(-12.0, 9.0, at.skin.y) * at.skin.upper
    cheek = at.around(24.0, -42.0, 9.0, 10.0)
    return at.slide(left=0.8 * lift, up=7.8 * lift + 2.2 * cheek, out=0.9 * lift + 2.2 * cheek)


def _pucker(at: MuscleSkin) -> Array:
    mouth = at.around(0.0, -67.0, 30.0, 17.0)
    ring = at.around(0.0, -67.0, 17.0, 14.0)
    # Narrower by nearly half, lips forward; the red stands up as it is pushed out.
    towards = -0.46 * at.skin.y * mouth
    roll = np.exp(-((np.clip(at.skin.lip_s, 0.0, 2.0) / 0.9) ** 2))
    red = np.clip(at.skin.lip_s, 0.0, 1.0)
    up = 4.5 * ring * (at.skin.upper - 0.5) * roll * red
    cheeks = at.around(40.0, -62.0, 10.0, 14.0) + at.around(-40.0, -62.0, 10.0, 14.0)
    return at.slide(left=0.0, up=up, out=-2.2 * cheeks) + at.shift(8.0 * ring + 3.5 * ring * roll, towards, 0.0)


def _funnel(at: MuscleSkin) -> Array:
    mouth = at.around(0.0, -67.0, 30.0, 18.0)
    ring = at.around(0.0, -67.0, 19.0, 14.0)
    lips = np.exp(-((np.clip(at.skin.lip_s, 0.0, 2.0) / 1.1) ** 2))
    open_up = ring * (5.0 * at.skin.upper - 7.5 * (1.0 - at.skin.upper)) * (0.45 + 0.55 * lips)
    cheeks = at.around(40.0, -64.0, 10.0, 14.0) + at.around(-40.0, -64.0, 10.0, 14.0)
    return at.slide(0.0, 0.0, -2.0 * cheeks) + at.shift(
        6.0 * ring + 3.5 * ring * lips, -0.36 * at.skin.y * mouth, open_up
    )
