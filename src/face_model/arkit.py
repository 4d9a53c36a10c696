"""The 52 ARKit blendshapes: their names and their order.

Names and meaning follow Apple's `ARFaceAnchor.BlendShapeLocation`. The order is the column order of a
Live Link Face CSV made alphabetical by region as most ARKit tools list it, and is the order of every weight
vector in this project, including `imusic/FaceBlendshapes.weights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

BLENDSHAPES: Final[tuple[str, ...]] = (
    "eyeBlinkLeft",
    "eyeLookDownLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookUpLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "eyeBlinkRight",
    "eyeLookDownRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "eyeLookUpRight",
    "eyeSquintRight",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
"""Blendshape names; the position of a name is the index of its weight."""

COUNT: Final = len(BLENDSHAPES)

INDEX: Final[Mapping[str, int]] = MappingProxyType({name: i for i, name in enumerate(BLENDSHAPES)})
"""Name to index."""

UPPER_FACE: Final[tuple[int, ...]] = tuple(i for i, name in enumerate(BLENDSHAPES) if name.startswith(("eye", "brow")))
"""Indices of eye and brow shapes; all others are the lower face."""


def mirrored(name: str) -> str:
    """Name of the same movement on the other side of the face; midline shapes return themselves.

    Raises:
        KeyError: `name` is not an ARKit blendshape.
    """
    if name not in INDEX:
        raise KeyError(f"{name!r} is not an ARKit blendshape")
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


MIRROR: Final[tuple[int, ...]] = tuple(INDEX[mirrored(name)] for name in BLENDSHAPES)
"""`weights[list(MIRROR)]` is the mirror image of `weights`."""
