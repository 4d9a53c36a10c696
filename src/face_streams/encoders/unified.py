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
        head = np.zeros(3) if face.head is None else np.array(head_angles(face.head)) / -_HEAD_RAD
        truths = np.ones(len(ACTIVE), dtype=bool)
        if self._bits:
            truths = np.concatenate([truths, _binary(values, self._bits).reshape(-1)])
        return self._all(np.concatenate([values, np.clip(head, -1.0, 1.0)]), truths)


def parameters(weights: NDArray[np.floating]) -> Floats:
    """Values of `NAMES` and `BENT`, each -1 to 1, of ARKit weights (52,)."""
    values: Floats = np.clip(np.concatenate([MATRIX @ weights, _bent(weights)]), -1.0, 1.0)
    return values


def _bent(weights: NDArray[np.floating]) -> Floats:
    blink = weights[_BLINK]
    closed = np.clip(blink * (1.0 + weights[_SQUINT]), 0.0, 1.0)
    opened, wide = 1.0 - closed, weights[_WIDE]
    lid = 0.75 * opened + 0.25 * wide
    smile, sad = weights[_SMILE], np.maximum(weights[_FROWN], weights[_STRETCH])
    brow = np.minimum(1.0, 0.5 * (weights[_INNER] + weights[_OUTER])) - weights[_DOWN]
    gaze = eye_angles(weights).astype(np.float64).reshape(2, 3)[:, :2] * [1.0, -1.0] / _GAZE_RAD  # right, up
    pairs = (opened, closed, lid)
    return np.array(
        [
            *(value for pair in pairs for value in (pair[0], pair[1], 0.5 * (pair[0] + pair[1]))),
            wide.max(),
            weights[_SQUINT].max(),
            *sad,
            *(smile - sad),
            (smile - sad).mean(),
            *brow,
            brow.mean(),
            *gaze.reshape(4),
            *gaze.mean(axis=0),
        ]
    )


def _binary(values: Floats, bits: int) -> NDArray[np.bool_]:
    """(len(values), bits + 1): the bits of each value's size, least first, and whether it is negative."""
    size = np.minimum((np.abs(values) * (1 << bits)).astype(np.int64), (1 << bits) - 1)
    return np.concatenate([(size[:, None] >> np.arange(bits)) & 1, values[:, None] < 0.0], axis=1).astype(bool)


def _address(name: str) -> str:
    return f"/avatar/parameters/{name}"
