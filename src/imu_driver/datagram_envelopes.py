"""Datagrams of several senders in one stream of bytes: each with the address at its other end.

So that recordings, taps and replays, which know bytes only, keep who sent what:

    way u8 | address 4 bytes | port u16 | waited_us u32 | size u16 | datagram | 0x00

Numbers are big endian. `way` is `FROM_PEER`, `TO_PEER`, or `NEIGHBOUR`, where the datagram is none but the peer's MAC
address, as this machine's network knows it; `waited_us` is how long the datagram lay in the system before it was read.
The zero ends it for recordings, which are cut at zeros. Messages of topics, with times instead of senders, are in
`message_pieces`: recordings hold either as they are.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

FROM_PEER: Final = 0x46
TO_PEER: Final = 0x54
NEIGHBOUR: Final = 0x4E

MOST_WAITED_S: Final = 0.5
"""A datagram that waited longer is taken as if it had waited so long."""

_HEAD: Final = struct.Struct(">B4sHIH")


class Envelope(NamedTuple):
    """One datagram.

    Attributes:
        peer: IPv4 address in numbers, and port, of the other end.
        data: of the datagram.
        to_peer: whether this host sent it.
        waited_s: how long it lay in the system before it was read.
        neighbour: whether `data` is the peer's MAC address instead.
    """

    peer: tuple[str, int]
    data: bytes
    to_peer: bool = False
    waited_s: float = 0.0
    neighbour: bool = False


def packed(envelope: Envelope) -> bytes:
    """An envelope as bytes.

    Raises:
        ValueError: no IPv4 address, or more bytes than a datagram takes.
    """
    host, port = envelope.peer
    if len(envelope.data) > 0xFFFF or not 0 <= port <= 0xFFFF:
        raise ValueError(f"expected at most 65535 bytes and a port, found {len(envelope.data)} and {port}")
    try:
        address = socket.inet_aton(host)
    except OSError as error:
        raise ValueError(f"expected an IPv4 address in numbers, found {host!r}") from error
    waited_us = round(1e6 * min(max(envelope.waited_s, 0.0), MOST_WAITED_S))
    way = NEIGHBOUR if envelope.neighbour else TO_PEER if envelope.to_peer else FROM_PEER
    return _HEAD.pack(way, address, port, waited_us, len(envelope.data)) + envelope.data + b"\0"


def unpacked(data: bytes) -> Iterator[Envelope | None]:
    """The envelopes in a piece; None, once and at the end, where the rest is none."""
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            yield None
            return
        way, address, port, waited_us, size = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + size
        if (
            way not in (FROM_PEER, TO_PEER, NEIGHBOUR)
            or end >= len(data)
            or data[end]
            or waited_us > 1e6 * MOST_WAITED_S
        ):
            yield None
            return
        peer = socket.inet_ntoa(address), port
        yield Envelope(peer, data[at + _HEAD.size : end], way == TO_PEER, 1e-6 * waited_us, way == NEIGHBOUR)
        at = end + 1
