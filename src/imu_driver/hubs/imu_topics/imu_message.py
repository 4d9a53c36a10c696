"""`sensor_msgs/Imu` out of its serialized bytes, as DDS and Zenoh carry them (CDR; OMG DDS-XTypes 1.3, 7.4).

rclpy would make 40 Python objects of each message. Everything but the name of the frame has a fixed size, so here a
message is three numbers and one array.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

Triple = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

_DOUBLES: Final = 37
"""Orientation 4, its covariance 9, angular velocity 3, 9, linear acceleration 3, 9."""
_BODY: Final = {order: struct.Struct(f"{order}{_DOUBLES}d") for order in "<>"}
_STAMP: Final = {order: struct.Struct(f"{order}iII") for order in "<>"}
_KINDS: Final = {b"\0\0": (">", 8), b"\0\1": ("<", 8), b"\0\6": (">", 4), b"\0\7": ("<", 4)}
"""Byte order and greatest alignment, by the first two bytes: plain CDR, and plain CDR of version 2."""
_ENCAPSULATION: Final = 4
MOST_NAME: Final = 1024


class ImuMessageError(ValueError):
    """Bytes that are no `sensor_msgs/Imu`."""


@dataclass(frozen=True)
class ImuMessage:
    """What a driver says of one IMU.

    Attributes:
        stamp_ns: of its header; 0 where it gives none.
        frame_id: of its header.
        orientation: x, y, z, w; None where the driver says that it has none: covariance -1, or all zero.
        angular_velocity: rad/s; None where its covariance is -1.
        specific_force: m/s2, of its field `linear_acceleration`, which REP-145 has with gravity; None as above.
        values: all of it but the header, as it came: a part that stands still sends the same again and again.
    """

    stamp_ns: int
    frame_id: str
    orientation: Quaternion | None
    angular_velocity: Triple | None
    specific_force: Triple | None
    values: bytes


def imu_message(data: bytes) -> ImuMessage:
    """One message from its bytes.

    Raises:
        ImuMessageError: they are none; what they were and what was expected.
    """
    kind = _KINDS.get(data[:2])
    if kind is None:
        raise ImuMessageError(f"expected serialized bytes of plain CDR, found {data[:2].hex()}")
    order, alignment = kind
    if len(data) < _ENCAPSULATION + 12:
        raise ImuMessageError(f"expected a header, found {len(data)} bytes")
    seconds, nanoseconds, size = _STAMP[order].unpack_from(data, _ENCAPSULATION)
    begin = _ENCAPSULATION + 12
    if not 1 <= size <= MOST_NAME or nanoseconds >= 1_000_000_000:
        raise ImuMessageError(f"expected a stamp and a frame's name, found {nanoseconds} ns and {size} characters")
    end = begin + size
    body = end + (_ENCAPSULATION - end) % alignment
    if len(data) < body + _BODY[order].size:
        raise ImuMessageError(f"expected {body + _BODY[order].size} bytes, found {len(data)}")
    numbers = _BODY[order].unpack_from(data, body)
    orientation = numbers[0:4]
    there = numbers[4] != -1.0 and any(orientation)
    return ImuMessage(
        stamp_ns=max(0, seconds * 1_000_000_000 + nanoseconds),
        frame_id=data[begin : end - 1].decode(errors="replace"),
        orientation=orientation if there else None,
        angular_velocity=numbers[13:16] if numbers[16] != -1.0 else None,
        specific_force=numbers[25:28] if numbers[28] != -1.0 else None,
        values=data[body : body + _BODY[order].size],
    )
