"""Unified Expressions of ARKit weights: VRCFaceTracking's names, and what each is made of.

Names are those of `UnifiedExpressions`, `UnifiedSimpleExpressions` and `UnifiedExpressionsParameters` in
benaclejames/VRCFaceTracking, described at https://docs.vrcft.io/docs/tutorial-avatars/tutorial-avatars-extras/parameters.
Base shapes follow the ARKit column of https://docs.vrcft.io/docs/tutorial-avatars/tutorial-avatars-extras/unified-blendshapes
and VRCFaceTracking/LiveLinkTrackingModule; simple and combined ones are VRCFaceTracking's own formulas.

Left out are shapes that no ARKit weight moves (tongue directions, nostrils, throat, JawBackward, CheekSuck): they stay
at nought, as an avatar has them when it never heard of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from face_model import arkit

Parts = dict[str, float]
SIDES: Final = ("Left", "Right")


def _base() -> dict[str, str]:
    """ARKit weight of each base shape."""
    shapes = {
        "JawOpen": "jawOpen",
        "JawLeft": "jawLeft",
        "JawRight": "jawRight",
        "JawForward": "jawForward",
        "MouthClosed": "mouthClose",
        "MouthRaiserUpper": "mouthShrugUpper",
        "MouthRaiserLower": "mouthShrugLower",
        "TongueOut": "tongueOut",
    }
    for side in SIDES:
        sided = {
            "EyeSquint": f"eyeSquint{side}",
            "EyeWide": f"eyeWide{side}",
            "BrowPinch": f"browDown{side}",
            "BrowLowerer": f"browDown{side}",
            "BrowInnerUp": "browInnerUp",
            "BrowOuterUp": f"browOuterUp{side}",
            "CheekSquint": f"cheekSquint{side}",
            "CheekPuff": "cheekPuff",
            "NoseSneer": f"noseSneer{side}",
            "LipSuckUpper": "mouthRollUpper",
            "LipSuckLower": "mouthRollLower",
            "LipFunnelUpper": "mouthFunnel",
            "LipFunnelLower": "mouthFunnel",
            "LipPuckerUpper": "mouthPucker",
            "LipPuckerLower": "mouthPucker",
            "MouthUpperUp": f"mouthUpperUp{side}",
            "MouthUpperDeepen": f"mouthUpperUp{side}",
            "MouthLowerDown": f"mouthLowerDown{side}",
            "MouthUpper": f"mouth{side}",
            "MouthLower": f"mouth{side}",
            "MouthCornerPull": f"mouthSmile{side}",
            "MouthCornerSlant": f"mouthSmile{side}",
            "MouthFrown": f"mouthFrown{side}",
            "MouthStretch": f"mouthStretch{side}",
            "MouthDimple": f"mouthDimple{side}",
            "MouthPress": f"mouthPress{side}",
        }
        shapes |= {name + side: weight for name, weight in sided.items()}
    return shapes


BASE: Final[Mapping[str, str]] = MappingProxyType(_base())
"""Base shape to the ARKit weight that it is."""


def _linear() -> dict[str, Parts]:
    """Simple and combined parameters, of base shapes."""
    made: dict[str, Parts] = {}
    for side in SIDES:
        made[f"BrowUp{side}"] = {f"BrowOuterUp{side}": 0.6, f"BrowInnerUp{side}": 0.4}
        made[f"BrowDown{side}"] = {f"BrowLowerer{side}": 0.75, f"BrowPinch{side}": 0.25}
        made[f"MouthSmile{side}"] = {f"MouthCornerPull{side}": 0.8, f"MouthCornerSlant{side}": 0.2}
        made[f"CheekPuffSuck{side}"] = {f"CheekPuff{side}": 1.0}
        made[f"LipPucker{side}"] = {f"LipPuckerUpper{side}": 0.5, f"LipPuckerLower{side}": 0.5}
        made[f"MouthTightenerStretch{side}"] = {f"MouthStretch{side}": -1.0}
        made[f"MouthCornerY{side}"] = {f"MouthCornerSlant{side}": 1.0, f"MouthFrown{side}": -1.0}
        made[f"SmileFrown{side}"] = {**made[f"MouthSmile{side}"], f"MouthFrown{side}": -1.0}
        for lip in ("Upper", "Lower"):
            made[f"LipSuckFunnel{lip}{side}"] = {f"LipSuck{lip}{side}": 1.0, f"LipFunnel{lip}{side}": -1.0}
    for name in (
        "BrowUp", "BrowDown", "CheekPuffSuck", "MouthCornerY", "SmileFrown", "MouthTightenerStretch",
        "LipSuckFunnelUpper", "LipSuckFunnelLower",
    ):  # fmt: skip
        made[name] = _mean(made[f"{name}{side}"] for side in SIDES)
    for name in (
        "BrowInnerUp", "BrowOuterUp", "CheekSquint", "NoseSneer", "LipSuckUpper", "LipSuckLower", "LipFunnelUpper",
        "LipFunnelLower", "LipPuckerUpper", "LipPuckerLower", "MouthUpperUp", "MouthLowerDown", "MouthStretch",
        "MouthDimple", "MouthPress",
    ):  # fmt: skip
        made[name] = {f"{name}{side}": 0.5 for side in SIDES}
    for name in ("LipSuck", "LipFunnel", "LipPucker"):
        made[name] = _mean(made[f"{name}{lip}"] for lip in ("Upper", "Lower"))
    made["MouthOpen"] = _mean(made[name] for name in ("MouthUpperUp", "MouthLowerDown"))
    made["JawX"] = {"JawRight": 1.0, "JawLeft": -1.0}
    made["JawZ"] = {"JawForward": 1.0}
    made["MouthUpperX"] = {"MouthUpperRight": 1.0, "MouthUpperLeft": -1.0}
    made["MouthLowerX"] = {"MouthLowerRight": 1.0, "MouthLowerLeft": -1.0}
    made["MouthX"] = _mean(made[f"Mouth{lip}X"] for lip in ("Upper", "Lower"))
    return made


def _mean(parts: object) -> Parts:
    listed: list[Parts] = list(parts)  # type: ignore[call-overload]
    names = dict.fromkeys(name for part in listed for name in part)
    return {name: sum(part.get(name, 0.0) for part in listed) / len(listed) for name in names}


LINEAR: Final[Mapping[str, Parts]] = MappingProxyType(_linear())
"""Parameter to base shapes with factors."""

NAMES: Final = (*BASE, *LINEAR)
"""Parameters that are linear in the weights, without the `v2/` before them."""


def _matrix() -> np.ndarray:
    matrix = np.zeros((len(NAMES), arkit.COUNT))
    for row, name in enumerate(NAMES):
        for shape, factor in LINEAR.get(name, {name: 1.0}).items():
            matrix[row, arkit.INDEX[BASE[shape]]] += factor
    return matrix


MATRIX: Final = _matrix()
"""(len(NAMES), 52): parameters of ARKit weights."""
