"""One frame for the page as bytes: a few hundred, whatever the size of the mesh.

Little-endian: uint32 state, uint32 number of boards S, float32 rate in Hz (negative: not known), float32 age in ms,
float32 seconds since the last face, uint32 sequence, float32 head quaternion x y z w, float32 weights [52], float32
boards [S x 7] (position in m, quaternion x y z w, in `face_head`), uint8 confidence [52] (255 = 1),
uint8 status [S] (`SensorStatus`).
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from face_viz.frame import FaceFrame, FaceState

HEAD = struct.Struct("<IIfffI")


def encode_frame(
    frame: FaceFrame,
    state: FaceState,
    head: NDArray[np.floating],
    boards: NDArray[np.floating],
    statuses: NDArray[np.integer],
    rate_hz: float | None,
    silence_s: float,
) -> bytes:
    """Bytes of one frame.

    Args:
        frame: the face to draw.
        state: what the page says of it.
        head: (4,) head orientation to draw.
        boards: (S, 7) position and quaternion of each sensor board.
        statuses: (S,) `SensorStatus`.
        rate_hz: faces per second, None if not known yet.
        silence_s: time since the last face.
    """
    rate = -1.0 if rate_hz is None else rate_hz
    sequence = frame.sequence & 0xFFFFFFFF
    parts = [
        HEAD.pack(int(state), len(boards), rate, 1e3 * frame.age_s, silence_s, sequence),
        np.asarray(head, "<f4").tobytes(),
        np.asarray(frame.weights, "<f4").tobytes(),
        np.asarray(boards, "<f4").tobytes(),
        np.round(255.0 * np.clip(frame.confidence, 0.0, 1.0)).astype(np.uint8).tobytes(),
        np.asarray(statuses, np.uint8).tobytes(),
    ]
    return b"".join(parts)
