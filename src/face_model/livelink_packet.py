"""One datagram of Live Link Face, version 6: bytes to a packet and back.

Written from public descriptions of the format (the readme of think-biq/LLV names its fields; PyLiveLinkFace by JimWest
reads and writes it): nothing is said of it by its vendor. All numbers are big-endian:

    uint8    version, 6
    int32    length of the device id in bytes, then that many bytes of UTF-8
    int32    length of the subject's name in bytes, then that many bytes of UTF-8
  and, while a face is tracked:
    int32    frame number: of the phone's wall clock since midnight, at the rate that follows
    float32  part of a frame beyond it, 0 to 1
    int32    frames per second, numerator
    int32    frames per second, denominator
    uint8    number of values, 61
    float32  values: 52 ARKit weights in `arkit.BLENDSHAPES` order, then yaw, pitch and roll of the head, of the left
    and of the right eye, rad

Versions from 7 on are of the app's other mode, which sends no ARKit weights.

Signs of the angles, which no vendor publishes. Head: yaw is positive where the face turns to its left, pitch where it
looks up, roll where it leans to its right; yaw first, then pitch, then roll. So three readers and writers not written
here have it: VRCFaceTracking's LiveLinkTrackingModule (it negates all three for a head that is positive to the right,
down, and leaning left, as `UnifiedHeadData` says), MeFaMo by JimWest (from MediaPipe's matrix), and a page that turns a
VRM 0 neck by them. In a recorded take of the app (27 s) the eyes counter the head at 0.88 (yaw) and 0.63 (pitch) of its
speed under these signs, as those of a person do who looks at the phone, and run ahead of it under the others.
Eyes: yaw is positive to the face's right, pitch down, the opposite of the head's, and roll is yaw times pitch: in four
recorded takes of three people yaw is -0.6 rad times (out - in) on the left, +0.6 on the right, pitch 0.55 to 0.61 rad
times (down - up), each at a correlation of 0.98 or more, and roll follows with R2 of 0.999.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation

VERSION: Final = 6
PORT: Final = 11111
VALUES: Final = 61
MOST_TEXT: Final = 256
"""Bytes of an id or a name; the engine's own bound is 256 characters."""

_TIME = struct.Struct(">ifii")
_LARGEST_RATE = 1000
_LONGEST_S = 86400.0 * 2
"""A frame number says less than a day; twice that leaves room for counts that do not begin at midnight."""
_LARGEST_VALUE = 10.0
"""Weights stay below 1.2, angles below 3.2; what is beyond this is no value."""
_EYE_RAD = 0.6
"""rad of an eye's turn at weight 1; see the signs above."""
_LOOK = [arkit.INDEX[f"eyeLook{way}{side}"] for way in ("Out", "In", "Down", "Up") for side in ("Left", "Right")]


class PacketError(ValueError):
    """A datagram that is no packet; the message is the reason it is counted under, one of few."""


@dataclass(frozen=True)
class Packet:
    """One packet.

    Attributes:
        device: id of the phone.
        subject: name that its owner gave it.
        frame: number; with `part` and rate it tells the time.
        part: of a frame, 0 to 1.
        rate: frames per second as numerator and denominator.
        values: (61,) float32, None where no face is tracked; frame, part and rate are then 0, 0 and (0, 1).
        version: of the format.
    """

    device: str
    subject: str
    frame: int = 0
    part: float = 0.0
    rate: tuple[int, int] = (0, 1)
    values: NDArray[np.float32] | None = None
    version: int = VERSION

    @property
    def time_s(self) -> float:
        """Time on the phone's clock, s; NaN without a face."""
        if self.values is None:
            return math.nan
        return (self.frame + self.part) * self.rate[1] / self.rate[0]

    @property
    def weights(self) -> NDArray[np.float32]:
        """(52,) as sent; call with a face only."""
        assert self.values is not None
        return self.values[: arkit.COUNT]

    @property
    def head_angles(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll of the head, rad; call with a face only."""
        assert self.values is not None
        yaw, pitch, roll = (float(value) for value in self.values[arkit.COUNT : arkit.COUNT + 3])
        return yaw, pitch, roll


def decode(data: bytes) -> Packet:
    """A packet from a datagram.

    Raises:
        PacketError: it is none; the text is one of a fixed set of reasons.
    """
    if not data:
        raise PacketError("empty")
    if data[0] != VERSION:
        raise PacketError("version not known")
    device, at = _text(data, 1)
    subject, at = _text(data, at)
    if not device or not subject:
        raise PacketError("no device id or name")
    if at == len(data):
        return Packet(device, subject)
    if len(data) < at + _TIME.size + 1:
        raise PacketError("cut short")
    frame, part, numerator, denominator = _TIME.unpack_from(data, at)
    at += _TIME.size
    count, at = data[at], at + 1
    if count == 0 and at == len(data):
        return Packet(device, subject)
    if count != VALUES:
        raise PacketError("count of values is not 61")
    if len(data) != at + 4 * VALUES:
        raise PacketError("cut short" if len(data) < at + 4 * VALUES else "bytes left over")
    if not (numerator > 0 and denominator > 0 and 1 <= numerator / denominator <= _LARGEST_RATE):
        raise PacketError("rate out of bounds")
    if frame < 0 or not 0.0 <= part <= 1.0 or (frame + part) * denominator / numerator > _LONGEST_S:
        raise PacketError("time out of bounds")
    values = np.frombuffer(data, dtype=">f4", count=VALUES, offset=at).astype(np.float32)
    if not np.isfinite(values).all() or float(np.abs(values).max()) > _LARGEST_VALUE:
        raise PacketError("value out of bounds")
    return Packet(device, subject, frame, part, (numerator, denominator), values)


def encode(packet: Packet) -> bytes:
    """The bytes of a packet, for a simulated phone and for tests; its values are not checked."""
    texts = b"".join(struct.pack(">i", len(text)) + text for text in (packet.device.encode(), packet.subject.encode()))
    head = bytes([packet.version]) + texts
    if packet.values is None:
        return head
    when = _TIME.pack(packet.frame, packet.part, *packet.rate)
    return head + when + bytes([len(packet.values)]) + np.asarray(packet.values, dtype=">f4").tobytes()


def head_angles(orientation: NDArray[np.floating]) -> tuple[float, float, float]:
    """Yaw, pitch and roll as the packet has them, rad, of a head's orientation.

    Args:
        orientation: (4,) quaternion x, y, z, w, not zero, that turns `face_head` (x out of the face, y to its left, z
            up) into the view in which a face that looks straight ahead has the identity.
    """
    x, y, z, w = orientation.tolist()
    size = math.hypot(x, y, z, w)
    x, y, z, w = x / size, y / size, z / size, w / size
    yaw = math.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))
    down = math.asin(min(1.0, max(-1.0, 2.0 * (w * y - x * z))))
    roll = math.atan2(2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y))
    return yaw, -down, roll


def head_orientation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """(4,) the orientation whose `head_angles` these are."""
    turns = [rotation.from_vector(np.eye(3)[axis] * angle) for axis, angle in ((2, yaw), (1, -pitch), (0, roll))]
    return np.asarray(rotation.multiply(rotation.multiply(turns[0], turns[1]), turns[2]))


def eye_angles(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """(6,) yaw, pitch and roll of the left and of the right eye that go with gaze weights (52,), rad."""
    left_out, right_out, left_in, right_in, left_down, right_down, left_up, right_up = weights[_LOOK].tolist()
    left, right = -_EYE_RAD * (left_out - left_in), _EYE_RAD * (right_out - right_in)
    left_pitch, right_pitch = _EYE_RAD * (left_down - left_up), _EYE_RAD * (right_down - right_up)
    turns = [left, left_pitch, left * left_pitch, right, right_pitch, right * right_pitch]
    return np.array(turns, dtype=np.float32)


def _text(data: bytes, at: int) -> tuple[str, int]:
    if len(data) < at + 4:
        raise PacketError("cut short")
    (length,) = struct.unpack_from(">i", data, at)
    at += 4
    if not 0 <= length <= MOST_TEXT:
        raise PacketError("text too long")
    if len(data) < at + length:
        raise PacketError("cut short")
    try:
        text = data[at : at + length].rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError as error:
        raise PacketError("text is no UTF-8") from error
    return text, at + length
