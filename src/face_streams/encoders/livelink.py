"""Live Link Face: one datagram a face, as `face_model.livelink_packet` describes it."""

from __future__ import annotations

import time
import uuid

import numpy as np

from face_model import arkit
from face_model.livelink_packet import VALUES, Packet, encode, eye_angles, head_angles
from face_streams.face import StreamFace

RATE = 60
"""Frames per second of the timecode, as the app has it, whatever the rate of the stream."""
SUBJECT = "imusic"
"""Six letters, as iPhone has: with a device id of 36 a datagram has 312 bytes, and some readers take no other size."""


class LiveLinkEncoder:
    """Live Link Face packets.

    Args:
        subject: name that the face has in the engine.
        device: id of the device; empty: made of the subject, always the same. Some readers want 36 characters.
    """

    def __init__(self, subject: str = SUBJECT, device: str = "") -> None:
        self.subject = subject
        self.device = device or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{subject}.imusic")).upper()

    def __call__(self, face: StreamFace) -> list[bytes]:
        """One packet; without values where no face is tracked, as the app does."""
        if not face.is_tracked:
            return [encode(Packet(self.device, self.subject))]
        values = np.zeros(VALUES, dtype=np.float32)
        values[: arkit.COUNT] = face.weights
        if face.head is not None:
            values[arkit.COUNT : arkit.COUNT + 3] = head_angles(face.head)
        values[arkit.COUNT + 3 :] = eye_angles(face.weights)
        frame, part = divmod(_since_midnight_s(face.raw.time_s) * RATE, 1.0)
        return [encode(Packet(self.device, self.subject, int(frame), part, (RATE, 1), values))]


def _since_midnight_s(time_s: float) -> float:
    """Of the local day, as a phone's timecode."""
    local = time.localtime(time_s)
    return local.tm_hour * 3600.0 + local.tm_min * 60.0 + local.tm_sec + time_s % 1.0
