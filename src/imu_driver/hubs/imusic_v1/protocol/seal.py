"""What the envelopes of version 1.1 are sealed with; for the driver and for simulated hubs alike.

Keys of a session: HKDF-SHA256 (RFC 5869) of the key that both sides were given, with both nonces as salt. Tags:
HMAC-SHA256 (RFC 2104), its first 16 bytes, over the packet before the tag. A receiver takes a counter once, and only
upwards.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final, Literal, TypeAlias, get_args

from imu_driver.hubs.imusic_v1.protocol.packets import (
    VERSION,
    HostPacket,
    HubPacket,
    Packet,
    encode,
    packet_of,
)
from imu_driver.hubs.imusic_v1.protocol.sealed_packets import (
    TAG_BYTES,
    AuthChallenge,
    SealedByHost,
    SealedByHub,
)

KEY_BYTES: Final = 32
"""Of the key that both sides are given."""

INFO: Final = b"imusic hub protocol 1.1"
"""What the keys of a session are for, as HKDF has it."""

SealReason: TypeAlias = Literal["unsealed", "bad_tag", "replayed", "no_session", "reflected"]
"""Why an intact packet is dropped where a key is set; docs/protocol.md says what each means."""

SEAL_REASONS: Final[tuple[SealReason, ...]] = get_args(SealReason)

_HEAD: Final = struct.Struct("<BBQ")


def hkdf_sha256(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """HKDF of RFC 5869."""
    pseudo_random = hmac.digest(salt or bytes(hashlib.sha256().digest_size), key, "sha256")
    block, out = b"", b""
    for number in range(1, 256):
        if len(out) >= size:
            return out[:size]
        block = hmac.digest(pseudo_random, block + info + bytes((number,)), "sha256")
        out += block
    raise ValueError(f"expected at most {255 * hashlib.sha256().digest_size} bytes to be derived, found {size}")


class SessionKeys:
    """The keys of one session, and what the hub shows that it has them with.

    Args:
        key: that both sides were given, `KEY_BYTES`.
        host_nonce: drawn by the host.
        hub_nonce: drawn by the hub.
    """

    def __init__(self, key: bytes, host_nonce: bytes, hub_nonce: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
        keys = hkdf_sha256(key, host_nonce + hub_nonce, INFO, 96)
        proof, self._of_hub, self._of_host = keys[:32], keys[32:64], keys[64:]
        head = bytes((VERSION, AuthChallenge.TYPE))
        self.challenge = AuthChallenge(host_nonce, hub_nonce, _tag(proof, head + host_nonce + hub_nonce))

    def proves(self, challenge: AuthChallenge) -> bool:
        """Whether a challenge was made with these keys."""
        return hmac.compare_digest(self.challenge.tag, challenge.tag)

    def host_end(self) -> HostEnd:
        """What the host seals and opens with."""
        return HostEnd(self._of_host, self._of_hub)

    def hub_end(self) -> HubEnd:
        """What the hub seals and opens with."""
        return HubEnd(self._of_hub, self._of_host)


class _End:
    """One side of a session.

    Args:
        own: key of what this side sends.
        other: key of what it receives.
    """

    def __init__(self, own: bytes, other: bytes) -> None:
        self._own = own
        self._other = other
        self._sent = 0
        self._newest = 0

    def _sealed(self, kind: int, packet: Packet) -> tuple[int, bytes, bytes]:
        self._sent += 1
        inner = bytes((packet.TYPE,)) + packet.to_payload()
        return self._sent, inner, _tag(self._own, _HEAD.pack(VERSION, kind, self._sent) + inner)

    def judged(self, sealed: SealedByHub | SealedByHost) -> SealReason | None:
        """What is wrong with an envelope, None if nothing is; nothing is remembered."""
        expected = _tag(self._other, _HEAD.pack(VERSION, sealed.TYPE, sealed.counter) + sealed.inner)
        if not hmac.compare_digest(expected, sealed.tag):
            return "bad_tag"
        return None if sealed.counter > self._newest else "replayed"

    def _opened(self, sealed: SealedByHub | SealedByHost) -> Packet | SealReason:
        problem = self.judged(sealed)
        if problem is not None:
            return problem
        self._newest = sealed.counter
        return packet_of(sealed.inner[0], sealed.inner[1:])


class HostEnd(_End):
    """The host's side."""

    def seal(self, packet: HostPacket) -> bytes:
        """A packet in its envelope, as a frame."""
        return encode(SealedByHost(*self._sealed(SealedByHost.TYPE, packet)))

    def open(self, sealed: SealedByHub) -> Packet | SealReason:
        """What is in an envelope of the hub, or why it is dropped.

        Raises:
            ProtocolError: it is the hub's, but no packet.
        """
        return self._opened(sealed)


class HubEnd(_End):
    """The hub's side."""

    def seal(self, packet: HubPacket) -> bytes:
        """A packet in its envelope, as a frame; raises `ProtocolError` where it is too long for one."""
        return encode(SealedByHub(*self._sealed(SealedByHub.TYPE, packet)))

    def open(self, sealed: SealedByHost) -> Packet | SealReason:
        """What is in an envelope of the host, or why it is dropped.

        Raises:
            ProtocolError: it is the host's, but no packet.
        """
        return self._opened(sealed)


def _tag(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[:TAG_BYTES]
