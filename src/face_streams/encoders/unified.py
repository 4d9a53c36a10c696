"""OSC as VRChat's avatars read it: Unified Expressions under /avatar/parameters/, as VRCFaceTracking sends them.

https://docs.vrchat.com/docs/osc-avatar-parameters and https://docs.vrcft.io/docs/tutorial-avatars/tutorial-avatars-extras/parameters.
An avatar ignores what it has no parameter for, so all are sent, as floats and, where `bits` asks for it, as binary
parameters of that many bits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.livelink_packet import eye_angles, head_angles
from face_streams.encoders.osc_template import Content, OscTemplate, Slot
from face_streams.encoders.unified_table import MATRIX, NAMES, SIDES
from face_streams.face import StreamFace

Floats = NDArray[np.float64]

PORT = 9000
MOST_BITS = 6

BENT: tuple[str, ...] = (
    "EyeOpenLeft", "EyeOpenRight", "EyeOpen", "EyeClosedLeft", "EyeClosedRight", "EyeClosed", "EyeLidLeft",
    "EyeLidRight", "EyeLid", "EyeWide", "EyeSquint", "MouthSadLeft", "MouthSadRight", "SmileSadLeft", "SmileSadRight",
    "SmileSad", "BrowExpressionLeft", "BrowExpressionRight", "BrowExpression",
    "EyeLeftX", "EyeLeftY", "EyeRightX", "EyeRightY", "EyeX", "EyeY",
)  # fmt: skip
"""Parameters that are not linear in the weights, in the order of `_bent`."""

HEAD: tuple[str, ...] = ("Head/Yaw", "Head/Pitch", "Head/Roll")
ACTIVE: tuple[str, ...] = ("EyeTrackingActive", "ExpressionTrackingActive", "LipTrackingActive")

_GAZE_RAD = math.pi / 4.0
"""Of an eye's turn at 1: 45 degrees, as VRCFaceTracking's documentation says."""
_HEAD_RAD = math.pi / 2.0
"""Of the head's turn at 1: 90 degrees, as `UnifiedHeadData` says."""
_BLINK, _SQUINT, _WIDE, _FROWN, _STRETCH, _SMILE, _OUTER, _DOWN = (
    [arkit.INDEX[f"{name}{side}"] for side in SIDES]
    for name in (
        "eyeBlink", "eyeSquint", "eyeWide", "mouthFrown", "mouthStretch", "mouthSmile", "browOuterUp", "browDown"
    )
)  # fmt: skip
_INNER = arkit.INDEX["browInnerUp"]


class UnifiedEncoder:
    """Bundles of avatar parameters.

    Args:
        prefix: that the avatar's parameters have before `v2/`, such as FT/.
        bits: of binary parameters; 0: floats only.
    """

    def __init__(self, prefix: str = "", bits: int = 0) -> None:
        names = [f"{prefix}v2/{name}" for name in (*NAMES, *BENT, *HEAD)]
        contents: list[Content] = [(_address(name), (Slot.TRUTH,)) for name in ACTIVE]
        self._state = OscTemplate(contents)
        contents += [(_address(name), (Slot.NUMBER,)) for name in names]
        self._bits = bits
        if bits:
            for name in names[: -len(HEAD)]:
                contents += [(_address(f"{name}{1 << bit}"), (Slot.TRUTH,)) for bit in range(bits)]
                contents.append((_address(f"{name}Negative"), (Slot.TRUTH,)))
        self._all = OscTemplate(contents)

    def __call__(self, face: StreamFace) -> list[bytes]:
        """All parameters; of a face that is not tracked only that it is not: the avatar goes on as it wants."""
        if not face.is_tracked:
            return self._state((), [False] * len(ACTIVE))
        values = parameters(face.weights)
        head = [0.0] * 3
        if face.head is not None:
            head = [max(-1.0, min(1.0, -angle / _HEAD_RAD)) for angle in head_angles(face.head)]
        truths = [True] * len(ACTIVE)
        if self._bits:
            truths += _binary(values, self._bits).reshape(-1).tolist()
        return self._all(values.tolist() + head, truths)


def parameters(weights: NDArray[np.floating]) -> Floats:
    """Values of `NAMES` and `BENT`, each -1 to 1, of ARKit weights (52,)."""
    values: Floats = np.array((MATRIX @ weights).tolist() + _bent(weights))
    np.maximum(values, -1.0, out=values)
    np.minimum(values, 1.0, out=values)
    return values


def _bent(weights: NDArray[np.floating]) -> list[float]:
    # Single numbers: for so few, arrays cost more than they save.
    w = weights.tolist()
    blink, squint, wide = ([w[i] for i in of] for of in (_BLINK, _SQUINT, _WIDE))
    closed = [min(1.0, b * (1.0 + s)) for b, s in zip(blink, squint, strict=True)]
    lid = [0.75 * (1.0 - c) + 0.25 * o for c, o in zip(closed, wide, strict=True)]
    sad = [max(w[f], w[s]) for f, s in zip(_FROWN, _STRETCH, strict=True)]
    smile = [w[i] - s for i, s in zip(_SMILE, sad, strict=True)]
    brow = [min(1.0, 0.5 * (w[_INNER] + w[o])) - w[d] for o, d in zip(_OUTER, _DOWN, strict=True)]
    left, left_down, _, right, right_down, _ = (angle / _GAZE_RAD for angle in eye_angles(weights).tolist())
    return [
        *_sides_and_mean([1.0 - c for c in closed]),
        *_sides_and_mean(closed),
        *_sides_and_mean(lid),
        max(wide),
        max(squint),
        *sad,
        *_sides_and_mean(smile),
        *_sides_and_mean(brow),
        left,
        -left_down,
        right,
        -right_down,
        0.5 * (left + right),
        -0.5 * (left_down + right_down),
    ]


def _sides_and_mean(pair: list[float]) -> tuple[float, float, float]:
    return pair[0], pair[1], 0.5 * (pair[0] + pair[1])


def _binary(values: Floats, bits: int) -> NDArray[np.bool_]:
    """(len(values), bits + 1): the bits of each value's size, least first, and whether it is negative."""
    size = np.minimum((np.abs(values) * (1 << bits)).astype(np.int64), (1 << bits) - 1)
    return np.concatenate([(size[:, None] >> np.arange(bits)) & 1, values[:, None] < 0.0], axis=1).astype(bool)


def _address(name: str) -> str:
    return f"/avatar/parameters/{name}"
