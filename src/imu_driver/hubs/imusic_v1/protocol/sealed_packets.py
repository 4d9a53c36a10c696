"""Packets of version 1.1: REFUSED, AUTH_REQUEST, AUTH_CHALLENGE, and SEALED of either side. What they hold is looked at
in `seal`; here they are bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from imu_driver.hubs.imusic_v1.protocol.errors import malformed
from imu_driver.hubs.imusic_v1.protocol.wire import PayloadReader, pack, pack_string

NONCE_BYTES: Final = 16
TAG_BYTES: Final = 16
MOST_INNER_OF_HOST: Final = 16
"""Most bytes of a host's packet in an envelope, so that a small hub knows how many it has to keep."""

_COUNTER: Final = struct.Struct("<Q")
_LEAST_SEALED: Final = _COUNTER.size + 1 + TAG_BYTES

S = TypeVar("S", bound="_Sealed")


@dataclass(frozen=True)
class Refused:
    """A hub that has a key does not answer a host that did not show that it has the key, too.

    Attributes:
        message: what is missing, for people.
    """

    TYPE: ClassVar[int] = 0x05

    message: str

    def to_payload(self) -> bytes:
        """Payload bytes."""
        return pack_string(self.message)

    @classmethod
    def from_payload(cls, payload: bytes) -> Refused:
        """Read a payload; raises `ProtocolError`."""
        reader = PayloadReader(payload)
        refused = cls(reader.string())
        reader.finish()
        return refused


@dataclass(frozen=True)
class AuthChallenge:
    """Answer to AUTH_REQUEST.

    Attributes:
        host_nonce: of the request.
        hub_nonce: drawn for it.
        tag: shows that the hub has the key.
    """

    TYPE: ClassVar[int] = 0x06

    host_nonce: bytes
    hub_nonce: bytes
    tag: bytes

    def to_payload(self) -> bytes:
        """Payload bytes."""
        for found in (self.host_nonce, self.hub_nonce, self.tag):
            _check_size(found, NONCE_BYTES)
        return self.host_nonce + self.hub_nonce + self.tag

    @classmethod
    def from_payload(cls, payload: bytes) -> AuthChallenge:
        """Read a payload; raises `ProtocolError`."""
        _check_size(payload, 2 * NONCE_BYTES + TAG_BYTES)
        return cls(payload[:NONCE_BYTES], payload[NONCE_BYTES : 2 * NONCE_BYTES], payload[2 * NONCE_BYTES :])


@dataclass(frozen=True)
class AuthRequest:
    """Begin a session with the key.

    Attributes:
        host_nonce: random, drawn for this session.
    """

    TYPE: ClassVar[int] = 0x87

    host_nonce: bytes

    def to_payload(self) -> bytes:
        """Payload bytes."""
        _check_size(self.host_nonce, NONCE_BYTES)
        return self.host_nonce

    @classmethod
    def from_payload(cls, payload: bytes) -> AuthRequest:
        """Read a payload; raises `ProtocolError`."""
        _check_size(payload, NONCE_BYTES)
        return cls(payload)


@dataclass(frozen=True)
class _Sealed:
    """A packet in its envelope.

    Attributes:
        counter: of the sender in this session, 1 for its first envelope, then more for each.
        inner: type and payload of the packet.
        tag: shows who sealed it, and that nothing was changed.
    """

    TYPE: ClassVar[int]

    counter: int
    inner: bytes
    tag: bytes

    def to_payload(self) -> bytes:
        """Payload bytes."""
        _check_size(self.tag, TAG_BYTES)
        return pack(_COUNTER, self.counter) + self.inner + self.tag

    @classmethod
    def from_payload(cls: type[S], payload: bytes) -> S:
        """Read a payload; raises `ProtocolError`."""
        if len(payload) < _LEAST_SEALED:
            raise malformed(f"expected at least {_LEAST_SEALED} bytes in an envelope, found {len(payload)}")
        (counter,) = _COUNTER.unpack_from(payload)
        return cls(counter, payload[_COUNTER.size : -TAG_BYTES], payload[-TAG_BYTES:])


@dataclass(frozen=True)
class SealedByHub(_Sealed):
    """A packet of the hub in its envelope."""

    TYPE: ClassVar[int] = 0x07


@dataclass(frozen=True)
class SealedByHost(_Sealed):
    """A packet of the host in its envelope."""

    TYPE: ClassVar[int] = 0x88

    @classmethod
    def from_payload(cls, payload: bytes) -> SealedByHost:
        """Read a payload; raises `ProtocolError`."""
        sealed = super().from_payload(payload)
        if len(sealed.inner) > MOST_INNER_OF_HOST:
            raise malformed(f"expected at most {MOST_INNER_OF_HOST} bytes of a host, found {len(sealed.inner)}")
        return sealed


def _check_size(found: bytes, size: int) -> None:
    if len(found) != size:
        raise malformed(f"expected {size} bytes, found {len(found)}")
