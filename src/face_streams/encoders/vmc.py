"""VMC, the Virtual Motion Capture Protocol: a face as what its specification calls a performer, or an assistant, sends.

Written from https://protocol.vmc.info/english (`/VMC/Ext/...` over OSC, bundled). Names are those of "perfect sync":
ARKit's with a capital at the beginning, as the enumeration that the specification points to spells them; receivers may
heed the case. Bones are Unity's: x to the right, y up, z forward, left-handed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_streams.encoders.osc_template import OscTemplate, Slot
from face_streams.face import StreamFace

PORT = 39539
ASSISTANT_PORT = 39540

HEAD_POSITION_M = (0.0, 0.08, 0.0)
"""Of the head's bone over the neck's, for receivers that take positions too; between common avatars', a guess."""

_LOADED, _CALIBRATING, _CALIBRATED, _NORMAL = 1, 2, 3, 0


class VmcEncoder:
    """Bundles of weights, state, time and the head's bone.

    Args:
        extra_names: of the mapping's extra shapes.
        lower_case: names as ARKit spells them, jawOpen, instead of JawOpen.
    """

    def __init__(self, extra_names: tuple[str, ...] = (), lower_case: bool = False) -> None:
        names = [name if lower_case else name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
        values = [("/VMC/Ext/Blend/Val", (name, Slot.NUMBER)) for name in (*names, *extra_names)]
        self._weights = OscTemplate([*values, ("/VMC/Ext/Blend/Apply", ())])
        here = (*HEAD_POSITION_M, *[Slot.NUMBER] * 4)
        root = ("/VMC/Ext/Root/Pos", ("root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
        time = ("/VMC/Ext/T", (Slot.NUMBER,))
        self._head = {
            (calibration, tracked, with_head): OscTemplate(
                [
                    ("/VMC/Ext/OK", (_LOADED, calibration, _NORMAL, tracked)),
                    time,
                    *([root, ("/VMC/Ext/Bone/Pos", ("Head", *here))] if with_head else []),
                ]
            )
            for calibration in (_CALIBRATING, _CALIBRATED)
            for tracked in (0, 1)
            for with_head in (False, True)
        }
        self._began_s: float | None = None

    def __call__(self, face: StreamFace) -> list[bytes]:
        """State, time and head, then the weights; the weights only while they follow the wearer."""
        if self._began_s is None or face.raw.time_s < self._began_s:
            self._began_s = face.raw.time_s
        tracked = face.is_tracked
        head = face.head if tracked else None
        calibration = _CALIBRATING if face.raw.state == "calibrating" else _CALIBRATED
        numbers = [face.raw.time_s - self._began_s]
        if head is not None:
            numbers += unity_rotation(head)
        opening = self._head[calibration, int(tracked), head is not None](numbers)
        if not tracked:
            return opening
        return opening + self._weights(face.weights.tolist() + face.extra.tolist())


def unity_rotation(orientation: NDArray[np.floating]) -> list[float]:
    """x, y, z, w in Unity's axes of a quaternion in `face_head` axes (x forward, y left, z up).

    The axis (x, y, z) is (-y, z, x) there, and a left-handed frame turns the other way.
    """
    x, y, z, w = orientation.tolist()
    size = math.hypot(x, y, z, w)
    return [y / size, -z / size, -x / size, w / size]
