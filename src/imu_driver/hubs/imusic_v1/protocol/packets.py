"""Packet to frame and back: version, type, payload, CRC-32, COBS, zero."""

from __future__ import annotations

import zlib
from typing import Final, TypeAlias

from cobs import cobs

from imu_driver.hubs.imusic_v1.protocol.errors import ProtocolError, malformed, wrong_version
from imu_driver.hubs.imusic_v1.protocol.host_packets import HelloRequest, Identify, Ping, SetRate, Start, Stop
from imu_driver.hubs.imusic_v1.protocol.hub_packets import Ack, Hello, Pong, Sample
from imu_driver.hubs.imusic_v1.protocol.sealed_packets import (
    AuthChallenge,
    AuthRequest,
    Refused,
    SealedByHost,
    SealedByHub,
)

VERSION: Final = 1
"""Protocol version, first byte of every packet."""

DELIMITER: Final = b"\0"

MAX_PACKET: Final = 4096
"""Most bytes of a packet before COBS."""

MAX_FRAME: Final = MAX_PACKET + -(-MAX_PACKET // 254)
"""Most bytes of a frame, without the delimiter: COBS adds one for each 254 or part of them."""

HubPacket: TypeAlias = Hello | Sample | Pong | Ack
HostPacket: TypeAlias = HelloRequest | Start | Stop | SetRate | Ping | Identify
SealedPacket: TypeAlias = Refused | AuthChallenge | SealedByHub | AuthRequest | SealedByHost
"""What stands around the others where hub and host have a key."""
Packet: TypeAlias = HubPacket | HostPacket | SealedPacket

_PLAIN: Final[dict[int, type[HubPacket | HostPacket]]] = {
    kind.TYPE: kind for kind in (Hello, Sample, Pong, Ack, HelloRequest, Start, Stop, SetRate, Ping, Identify)
}
_SEALED: Final[dict[int, type[SealedPacket]]] = {
    kind.TYPE: kind for kind in (Refused, AuthChallenge, SealedByHub, AuthRequest, SealedByHost)
}
_TYPES: Final[dict[int, type[Packet]]] = {**_PLAIN, **_SEALED}
_VERSION: Final = bytes((VERSION,))

_OVERHEAD: Final = 6
"""Version, type and CRC-32."""


def encode(packet: Packet, version: int = VERSION) -> bytes:
    """The whole frame with its delimiter; another `version` is for trying what a receiver makes of it.

    Raises:
        ProtocolError: a value does not fit its field, or the packet would be longer than `MAX_PACKET`.
    """
    body = bytes((version, packet.TYPE)) + packet.to_payload()
    raw = body + zlib.crc32(body).to_bytes(4, "little")
    if len(raw) > MAX_PACKET:
        raise malformed(f"expected at most {MAX_PACKET} bytes, found {len(raw)} in {type(packet).__name__}")
    return bytes(cobs.encode(raw)) + DELIMITER


def decode(frame: bytes) -> Packet:
    """Decode one frame, with or without its delimiter.

    Raises:
        ProtocolError: its reason says why the frame was rejected.
    """
    frame = frame.removesuffix(DELIMITER)
    if not frame:
        raise ProtocolError("bad_cobs", "expected at least one byte, found an empty frame")
    try:
        raw = cobs.decode(frame)
    except cobs.DecodeError as error:
        raise ProtocolError("bad_cobs", f"expected {len(frame)} bytes in COBS, found: {error}") from error
    if len(raw) < _OVERHEAD:
        raise ProtocolError("short", f"expected at least {_OVERHEAD} bytes, found {len(raw)}")
    if len(raw) > MAX_PACKET:
        raise ProtocolError("oversize", f"expected at most {MAX_PACKET} bytes, found {len(raw)}")
    expected = int.from_bytes(raw[-4:], "little")
    found = zlib.crc32(memoryview(raw)[:-4])
    if found != expected:
        raise ProtocolError("bad_crc", f"expected CRC-32 {expected:#010x} as sent, found {found:#010x}")
    return parse(raw)


def parse(raw: bytes) -> Packet:
    """The packet of bytes whose length and CRC-32 were found right; raises `ProtocolError`."""
    # Only after the CRC: damaged bytes must not look like a hub of another version.
    if raw[0] != VERSION:
        raise wrong_version(VERSION, raw[0])
    kind = _TYPES.get(raw[1])
    if kind is None:
        raise ProtocolError("unknown_type", f"expected a packet type of version {VERSION}, found {raw[1]:#04x}")
    return kind.from_payload(raw[2:-4])


def is_known(packet_type: int) -> bool:
    """Whether this version has such a type of packet."""
    return packet_type in _TYPES


def packet_of(kind: int, payload: bytes) -> HubPacket | HostPacket:
    """The packet that was in an envelope.

    Raises:
        ProtocolError: no such type, another envelope, or a malformed payload.
    """
    found = _PLAIN.get(kind)
    if found is None:
        raise malformed(f"expected a packet that may be sealed, found type {kind:#04x}")
    return found.from_payload(payload)


def is_hello(data: bytes) -> bool:
    """Whether received bytes begin with an intact HELLO."""
    return leading_hello(data) is not None


def leading_hello(data: bytes) -> Hello | None:
    """The HELLO that received bytes begin with, if they do; cheap where they do not."""
    packet = leading_packet(data, Hello)
    return packet if isinstance(packet, Hello) else None


def leading_packet(data: bytes, *kinds: type[Packet]) -> Packet | None:
    """The packet that received bytes begin with, if it is of one of these kinds; cheap where it is not."""
    data = data[:MAX_FRAME].lstrip(DELIMITER)
    # Version and type are no zeros, so that COBS leaves them as they are, behind its first byte.
    if data[1:2] != _VERSION or data[2:3] not in {bytes((kind.TYPE,)) for kind in kinds}:
        return None
    try:
        packet = decode(data.partition(DELIMITER)[0])
    except ProtocolError:
        return None
    return packet
