"""Live Link Face: one datagram a face, as `face_model.livelink_packet` describes it."""

from __future__ import annotations

import time
import uuid

import numpy as np

from face_model.livelink_packet import Packet, encode, eye_angles, head_angles
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
        head = (0.0, 0.0, 0.0) if face.head is None else head_angles(face.head)
        values = np.array([*face.weights.tolist(), *head, *eye_angles(face.weights).tolist()], dtype=np.float32)
        frame, part = divmod(_since_midnight_s(face.raw.time_s) * RATE, 1.0)
        return [encode(Packet(self.device, self.subject, int(frame), part, (RATE, 1), values))]


def _since_midnight_s(time_s: float) -> float:
    """Of the local day, as a phone's timecode."""
    local = time.localtime(time_s)
    return local.tm_hour * 3600.0 + local.tm_min * 60.0 + local.tm_sec + time_s % 1.0
