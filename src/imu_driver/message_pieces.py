"""Messages of other drivers as a transport hands them to a hub: whole, as they came, with when they came. No ROS.

A piece is a head and the serialized message behind it; several pieces may follow one another in what is read. The same
bytes are what a recording of such a hub holds. Datagrams with their senders are in `datagram_envelopes`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEAD: Final = struct.Struct("<2sB?Idq")
_MARK: Final = b"\xb1\x1e"
MOST_BYTES: Final = 4096
"""A message of an IMU has 340 bytes and the name of its frame."""


class PieceError(ValueError):
    """Bytes that are no pieces."""


@dataclass(frozen=True)
class Piece:
    """One message.

    Attributes:
        sensor: index in the layout.
        arrival_s: when it was taken, on the host's monotonic clock.
        ros_ns: the same moment on the ROS clock, ns.
        data: the message, serialized.
        stepping: whether both are of a clock that moves in steps, as `/clock` does: it is some way behind.
    """

    sensor: int
    arrival_s: float
    ros_ns: int
    data: bytes
    stepping: bool = False


def packed(piece: Piece) -> bytes:
    """A piece as bytes."""
    head = _HEAD.pack(_MARK, piece.sensor, piece.stepping, len(piece.data), piece.arrival_s, piece.ros_ns)
    return head + piece.data


def unpacked(data: bytes) -> Iterator[Piece]:
    """The pieces in what was read.

    Raises:
        PieceError: from here on it is something else.
    """
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise PieceError(f"expected a head of {_HEAD.size} bytes, found {len(data) - at}")
        mark, sensor, stepping, size, arrival_s, ros_ns = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if mark != _MARK or not 0 < size <= min(MOST_BYTES, len(data) - at):
            raise PieceError(f"expected a message of 1 to {MOST_BYTES} bytes behind its head, found other bytes")
        yield Piece(sensor, arrival_s, ros_ns, data[at : at + size], stepping)
        at += size
