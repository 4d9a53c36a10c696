"""Packet to frame and back: version, type, payload, CRC-32, COBS, zero."""

from __future__ import annotations

import zlib
from typing import Final, TypeAlias

from imu_driver.protocol import cobs
from imu_driver.protocol.errors import (
    BadCrcError,
    MalformedPayloadError,
    OversizePacketError,
    ShortPacketError,
    UnknownTypeError,
    WrongVersionError,
)
from imu_driver.protocol.host_packets import HelloRequest, Identify, Ping, SetRate, Start, Stop
from imu_driver.protocol.hub_packets import Ack, Hello, Pong, Sample

VERSION: Final = 1
"""Protocol version, first byte of every packet."""

DELIMITER: Final = b"\0"

MAX_PACKET: Final = 4096
"""Most bytes of a packet before COBS."""

MAX_FRAME: Final = cobs.encoded_size(MAX_PACKET)
"""Most bytes of a frame, without the delimiter."""

HubPacket: TypeAlias = Hello | Sample | Pong | Ack
HostPacket: TypeAlias = HelloRequest | Start | Stop | SetRate | Ping | Identify
Packet: TypeAlias = HubPacket | HostPacket

_TYPES: Final[dict[int, type[Packet]]] = {
    kind.TYPE: kind for kind in (Hello, Sample, Pong, Ack, HelloRequest, Start, Stop, SetRate, Ping, Identify)
}
_OVERHEAD: Final = 6
"""Version, type and CRC-32."""


def encode(packet: Packet) -> bytes:
    """The whole frame with its delimiter.

    Raises:
        MalformedPayloadError: a value does not fit its field, or the packet would be longer than `MAX_PACKET`.
    """
    body = bytes((VERSION, packet.TYPE)) + packet.to_payload()
    raw = body + zlib.crc32(body).to_bytes(4, "little")
    if len(raw) > MAX_PACKET:
        raise MalformedPayloadError(f"expected at most {MAX_PACKET} bytes, found {len(raw)} in {type(packet).__name__}")
    return cobs.encode(raw) + DELIMITER


def decode(frame: bytes) -> Packet:
    """Decode one frame, with or without its delimiter.

    Raises:
        ProtocolError: one of its kinds says why the frame was rejected.
    """
    raw = cobs.decode(frame.removesuffix(DELIMITER))
    if len(raw) < _OVERHEAD:
        raise ShortPacketError(f"expected at least {_OVERHEAD} bytes, found {len(raw)}")
    if len(raw) > MAX_PACKET:
        raise OversizePacketError(f"expected at most {MAX_PACKET} bytes, found {len(raw)}")
    expected = int.from_bytes(raw[-4:], "little")
    found = zlib.crc32(memoryview(raw)[:-4])
    if found != expected:
        raise BadCrcError(f"expected CRC-32 {expected:#010x} as sent, found {found:#010x}")
    # Only after the CRC: damaged bytes must not look like a hub of another version.
    if raw[0] != VERSION:
        raise WrongVersionError(VERSION, raw[0])
    kind = _TYPES.get(raw[1])
    if kind is None:
        raise UnknownTypeError(f"expected a packet type of version {VERSION}, found {raw[1]:#04x}")
    return kind.from_payload(raw[2:-4])
