"""Shapes that pull the mouth about: corners, the whole mouth, one lip. Amounts in mm, drawn by eye."""

from __future__ import annotations

import numpy as np

from imu_sim.head.anatomy import Side
from imu_sim.head.fields import Skin, Tissue
from imu_sim.head.half import Array, smoothstep


def mouth_shapes(skin: Skin, side: Side) -> dict[str, Array]:
    """Left and midline shapes of the mouth's muscles, skin displacements (K, 3)."""
    made = {
        "mouthSmileLeft": _smile(Tissue(skin, side.pull("mouthSmile"))),
        "mouthFrownLeft": _frown(Tissue(skin, side.pull("mouthFrown"))),
        "mouthDimpleLeft": _dimple(Tissue(skin, side.pull("mouthDimple"))),
        "mouthStretchLeft": _stretch(Tissue(skin, side.pull("mouthStretch"))),
        "mouthLeft": _left(Tissue(skin, side.pull("mouthLeft"))),
        "mouthLowerDownLeft": _lower_down(Tissue(skin, side.pull("mouthLowerDown"))),
        "mouthUpperUpLeft": _upper_up(Tissue(skin, side.pull("mouthUpperUp"))),
        "mouthPucker": _pucker(Tissue(skin, side.pull("mouthPucker"))),
        "mouthFunnel": _funnel(Tissue(skin, side.pull("mouthFunnel"))),
    }
    return {name: skin.lids_held * moved for name, moved in made.items()}


def _corner(at: Tissue, reach: float = 1.0) -> Array:
    """The left corner's pull, weak across the midline, (K,)."""
    pull = at.around(27.0, -66.5, 17.0 * reach, 14.0 * reach)
    return pull * smoothstep(-16.0, 14.0, at.skin.y)


def _smile(at: Tissue) -> Array:
    corner = _corner(at, 1.05)
    cheek = at.around(40.0, -33.0, 14.0, 11.5, 15.0)
    crease = at.around(27.0, -50.0, 3.6, 12.0, -24.0)
    lid = at.around(35.0, -13.0, 14.0, 5.0)
    return at.slide(
        left=8.5 * corner + 1.0 * cheek,
        up=9.5 * corner + 4.5 * cheek + 1.0 * lid,
        out=-1.5 * corner + 5.6 * cheek - 2.0 * crease + 0.6 * lid,
    )


def _frown(at: Tissue) -> Array:
    corner = _corner(at, 0.95)
    below = at.around(29.0, -82.0, 9.0, 9.0)
    fold = at.around(33.0, -76.0, 5.0, 9.0, 15.0)
    chin = at.around(0.0, -98.0, 14.0, 8.0) * smoothstep(-12.0, 12.0, at.skin.y)
    return at.slide(
        left=1.5 * corner,
        up=-8.5 * corner - 2.0 * below + 2.0 * chin,
        out=1.6 * below - 1.2 * fold + 1.2 * chin,
    )


def _dimple(at: Tissue) -> Array:
    corner = _corner(at, 0.8)
    pit = at.around(31.0, -66.0, 5.0, 6.0)
    rim = at.around(39.0, -63.0, 8.0, 10.0)
    return at.slide(left=5.0 * corner - 1.5 * rim, up=1.2 * corner, out=-3.2 * pit - 1.0 * corner + 2.6 * rim)


def _stretch(at: Tissue) -> Array:
    corner = _corner(at, 1.05)
    low = at.around(30.0, -84.0, 14.0, 11.0)
    side = at.around(45.0, -66.0, 9.0, 14.0)
    return at.slide(left=10.5 * corner + 3.0 * low, up=-3.6 * corner - 3.5 * low, out=-1.8 * corner + 1.8 * side)


def _left(at: Tissue) -> Array:
    mouth = at.around(0.0, -67.0, 27.0, 17.0)
    bunched = at.around(36.0, -66.0, 9.0, 12.0)
    drawn = at.around(-36.0, -66.0, 9.0, 12.0)
    return at.slide(left=10.5 * mouth, up=1.6 * at.around(25.0, -68.0, 12.0, 8.0), out=3.2 * bunched - 2.2 * drawn)


def _lower_down(at: Tissue) -> Array:
    pull = at.around(11.0, -74.0, 13.0, 10.0) * smoothstep(-13.0, 9.0, at.skin.y) * (1.0 - at.skin.upper)
    edge = np.exp(-((np.clip(at.skin.lip_s, 0.0, 2.0) / 0.8) ** 2))
    chin = at.around(9.0, -93.0, 13.0, 8.0)
    return at.slide(
        left=1.5 * pull,
        up=-9.5 * pull * (0.72 + 0.28 * edge) - 0.8 * chin,
        out=1.6 * pull * edge - 0.8 * pull + 0.8 * chin,
    )


def _upper_up(at: Tissue) -> Array:
    lift = at.around(12.0, -60.0, 12.0, 11.0) * smoothstep(-12.0, 9.0, at.skin.y) * at.skin.upper
    cheek = at.around(24.0, -42.0, 9.0, 10.0)
    return at.slide(left=0.8 * lift, up=7.8 * lift + 2.2 * cheek, out=0.9 * lift + 2.2 * cheek)


def _pucker(at: Tissue) -> Array:
    mouth = at.around(0.0, -67.0, 30.0, 17.0)
    ring = at.around(0.0, -67.0, 17.0, 14.0)
    # Narrower by nearly half, lips forward; the red stands up as it is pushed out.
    towards = -0.46 * at.skin.y * mouth
    roll = np.exp(-((np.clip(at.skin.lip_s, 0.0, 2.0) / 0.9) ** 2))
    red = np.clip(at.skin.lip_s, 0.0, 1.0)
    up = 4.5 * ring * (at.skin.upper - 0.5) * roll * red
    cheeks = at.around(40.0, -62.0, 10.0, 14.0) + at.around(-40.0, -62.0, 10.0, 14.0)
    return at.slide(left=0.0, up=up, out=-2.2 * cheeks) + at.shift(8.0 * ring + 3.5 * ring * roll, towards, 0.0)


def _funnel(at: Tissue) -> Array:
    mouth = at.around(0.0, -67.0, 30.0, 18.0)
    ring = at.around(0.0, -67.0, 19.0, 14.0)
    lips = np.exp(-((np.clip(at.skin.lip_s, 0.0, 2.0) / 1.1) ** 2))
    open_up = ring * (5.0 * at.skin.upper - 7.5 * (1.0 - at.skin.upper)) * (0.45 + 0.55 * lips)
    cheeks = at.around(40.0, -64.0, 10.0, 14.0) + at.around(-40.0, -64.0, 10.0, 14.0)
    return at.slide(0.0, 0.0, -2.0 * cheeks) + at.shift(
        6.0 * ring + 3.5 * ring * lips, -0.36 * at.skin.y * mouth, open_up
    )
