"""What the page gets as bytes, little-endian: the face rig once, then a few hundred bytes for each frame.

The rig: uint32 length of the JSON header, the header, padding to 4 bytes, then the arrays at the byte offsets (from
the end of the padding) that the header names.

A frame: uint32 state (`FaceState`, or `NO_INPUT`), uint32 number of sensors S, float32 rate in Hz (negative: not
known), float32 age in ms, float32 seconds since the last face, uint32 sequence, float32 head quaternion x y z w,
float32 weights [52], float32 sensors [S x 7] (position in m, quaternion x y z w, in `face_head`), uint8 confidence [52]
(255 = 1), uint8 status [S] (`SensorStatus`).

Two further messages begin with a number that is no state. A reference face: uint32 `REFERENCE`, uint32 1 if there was a
face, float32 weights [52], uint8 seen [52]. A piece of signals: uint32 `SIGNALS`, uint32 sensors S, uint32 samples N,
padding to 8 bytes, float64 time of each sample in s [N], int16 [N x S x 6]: angular velocity in 0.1 deg/s, specific
force in 0.01 m/s2, both x y z in the sensor's axes.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, observability
from face_model.face_state import FaceState
from face_model.rig import FaceRig
from face_viz.frame import FaceFrame, ReferenceFrame
from face_viz.relief import relief

HEAD: Final = struct.Struct("<IIfffI")
"""Numbers that a frame begins with."""

NO_INPUT: Final = 4
"""In place of a state: nothing is heard."""

REFERENCE: Final = 101
SIGNALS: Final = 100
SIGNALS_HEAD: Final = struct.Struct("<IIII")
RATE_STEP_DEG_S: Final = 0.1
FORCE_STEP_M_S2: Final = 0.01

STILL_M: Final = 2e-6
"""Displacements below this are not sent: a fiftieth of a pixel when the face fills a screen."""

GLOSS: Final = {"eye": 1.0, "cornea": 1.0, "teeth": 0.75, "tooth": 0.75, "tongue": 0.1, "lip": 0.2}
"""How wet a part looks, 0 matte skin to 1 mirror, by the start of the part's name. A matter of taste."""


INNER: Final = "mouth"
"""How the names of parts begin that no lamp reaches: the lining of the mouth."""


def encode_rig(rig: FaceRig) -> bytes:
    """All the page needs to draw `rig` at any weights."""
    starts, index, value = _sparse(rig.displacements)
    arrays: dict[str, NDArray[Any]] = {
        "neutral": rig.neutral.astype("<f4"),
        "triangles": rig.triangles.astype("<u4"),
        "delta_start": starts.astype("<u4"),
        "delta_index": index.astype("<u4"),
        "delta_value": value.astype("<f4"),
        "color": _rgba(rig),
    }
    offset, table = 0, {}
    for name, array in arrays.items():
        table[name] = {"offset": offset, "count": int(array.size), "type": array.dtype.str[1:]}
        offset += array.nbytes + (-array.nbytes) % 4
    header = json.dumps(
        {
            "name": rig.name,
            "blendshapes": arkit.BLENDSHAPES,
            "observable": observability.OBSERVABLE,
            "pairs": rig.pairs,
            "landmarks": {name: int(vertex) for name, vertex in rig.landmarks.items()},
            "parts": {name: [part.start, part.stop] for name, part in rig.parts.items()},
            "lips": rig.lip_vertices.tolist(),
            "inner": [[part.start, part.stop] for name, part in rig.parts.items() if name.lower().startswith(INNER)],
            "arrays": table,
        }
    ).encode()
    header += b" " * (-(len(header) + 4) % 4)
    body = b"".join(a.tobytes() + b"\0" * ((-a.nbytes) % 4) for a in arrays.values())
    return len(header).to_bytes(4, "little") + header + body


def _sparse(displacements: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Moved vertices only: (52 + C + 1,) start of each shape and corrective, (N,) vertex, (N, 3) displacement in m."""
    shape, vertex = np.nonzero(np.abs(displacements).max(axis=2) > STILL_M)
    starts = np.searchsorted(shape, np.arange(len(displacements) + 1))
    return starts, vertex, displacements[shape, vertex]


def gloss(rig: FaceRig) -> NDArray[np.float32]:
    """How wet each vertex looks, (V,), 0 to 1."""
    shine = np.zeros(len(rig.neutral), np.float32)
    for part, vertices in rig.parts.items():
        for start, wet in GLOSS.items():
            if part.lower().startswith(start):
                shine[vertices] = wet
    shine[rig.lip_vertices] = np.maximum(shine[rig.lip_vertices], GLOSS["lip"])
    return shine


def _rgba(rig: FaceRig) -> NDArray[np.uint8]:
    """(V, 5) rgb, gloss, relief; five bytes a vertex, split by the page."""
    hollow = relief(rig.neutral, rig.triangles)
    extra = np.stack([gloss(rig), 0.5 + 0.5 * hollow], axis=1)
    return np.concatenate([rig.colors, np.round(255 * np.clip(extra, 0, 1)).astype(np.uint8)], axis=1)


def encode_frame(
    frame: FaceFrame,
    state: FaceState | None,
    head: NDArray[np.floating],
    sensors: NDArray[np.floating],
    statuses: NDArray[np.integer],
    rate_hz: float | None,
    silence_s: float,
) -> bytes:
    """Bytes of one frame.

    Args:
        frame: the face to draw.
        state: what the page says of it; None where nothing is heard.
        head: (4,) head orientation to draw.
        sensors: (S, 7) position and quaternion of each sensor.
        statuses: (S,) `SensorStatus`.
        rate_hz: faces per second, None if not known yet.
        silence_s: time since the last face.
    """
    rate = -1.0 if rate_hz is None else rate_hz
    sequence = frame.sequence & 0xFFFFFFFF
    parts = [
        HEAD.pack(
            NO_INPUT if state is None else int(state), len(sensors), rate, 1e3 * frame.age_s, silence_s, sequence
        ),
        np.asarray(head, "<f4").tobytes(),
        np.asarray(frame.weights, "<f4").tobytes(),
        np.asarray(sensors, "<f4").tobytes(),
        np.round(255.0 * np.clip(frame.confidence, 0.0, 1.0)).astype(np.uint8).tobytes(),
        np.asarray(statuses, np.uint8).tobytes(),
    ]
    return b"".join(parts)


def encode_reference(reference: ReferenceFrame) -> bytes:
    """Bytes of a face that something else measured."""
    return b"".join(
        [
            struct.pack("<II", REFERENCE, reference.face_seen),
            np.asarray(reference.weights, "<f4").tobytes(),
            np.asarray(reference.seen, np.uint8).tobytes(),
        ]
    )


def encode_signals(
    times_s: NDArray[np.floating], rates_rad_s: NDArray[np.floating], forces_m_s2: NDArray[np.floating]
) -> bytes:
    """Bytes of one piece of signals: (N,) times, (N, S, 3) angular velocities and specific forces."""
    steps = np.concatenate([np.rad2deg(rates_rad_s) / RATE_STEP_DEG_S, forces_m_s2 / FORCE_STEP_M_S2], axis=2)
    steps = np.clip(np.nan_to_num(np.rint(steps)), -32767, 32767).astype("<i2")
    samples, sensors = steps.shape[:2]
    head = SIGNALS_HEAD.pack(SIGNALS, sensors, samples, 0)
    return b"".join([head, np.asarray(times_s, "<f8").tobytes(), steps.tobytes()])
