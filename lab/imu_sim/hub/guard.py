"""The hub's side of protocol version 1.1: a host with the key is answered, everybody else is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.protocol.seal import SEAL_REASONS, HubEnd, SealReason, SessionKeys

REFUSAL: Final = (
    "this hub answers only to a driver with its key: set the driver's `key_file` to a file with the key of the hub"
)

REFUSE_S: Final = 0.4
"""Between two REFUSED packets to hosts that ask without the key."""


class HubGuard:
    """Opens what the host sealed, seals what the hub sends.

    Args:
        key: that hub and host were given.
        clock: s, steady.
        draw: random bytes.

    Attributes:
        rejects: packets dropped, for each of `SEAL_REASONS`.
        malformed: envelopes of the host that hold no packet.
        sessions: begun so far.
    """

    def __init__(self, key: bytes, clock: Callable[[], float], draw: Callable[[int], bytes] = os.urandom) -> None:
        SessionKeys(key, b"", b"")  # its length is checked now
        self.rejects: dict[SealReason, int] = dict.fromkeys(SEAL_REASONS, 0)
        self.malformed = 0
        self.sessions = 0
        self._key = key
        self._clock = clock
        self._draw = draw
        self._end: HubEnd | None = None
        self._asked: tuple[bytes, bytes, HubEnd] | None = None
        self._refused_s = float("-inf")

    def forget(self) -> None:
        """After a boot: there is no session."""
        self._end = self._asked = None
        self._refused_s = float("-inf")

    def opened(self, packets: list[p.Packet]) -> tuple[list[p.Packet], list[bytes]]:
        """What the host sealed among received packets, and frames that answer the others at once."""
        inner: list[p.Packet] = []
        answers: list[bytes] = []
        for packet in packets:
            if isinstance(packet, p.SealedByHost):
                found = self._open(packet)
                inner += [found] if found is not None else []
            elif isinstance(packet, p.AuthRequest):
                answers.append(self._challenge(packet.host_nonce))
            elif isinstance(packet, p.HostPacket):
                self.rejects["unsealed"] += 1
                if isinstance(packet, p.HelloRequest):
                    answers += self._refusal()
            else:
                self.rejects["reflected"] += 1
        return inner, answers

    def sealed(self, packet: p.HubPacket) -> bytes:
        """A packet of the hub in its envelope; without a session a REFUSED in place of HELLO, and nothing else."""
        if self._end is not None:
            return self._end.seal(packet)
        return p.encode(p.Refused(REFUSAL)) if isinstance(packet, p.Hello) else b""

    def _open(self, sealed: p.SealedByHost) -> p.Packet | None:
        asked = self._asked
        if asked is not None and asked[2].judged(sealed) is None:
            # The first envelope of the session that was asked for: the host has the key.
            self._end, self._asked = asked[2], None
            self.sessions += 1
        if self._end is None:
            self.rejects["no_session"] += 1
            return None
        try:
            found = self._end.open(sealed)
        except p.ProtocolError:
            self.malformed += 1
            return None
        if isinstance(found, str):
            self.rejects[found] += 1
            return None
        return found

    def _challenge(self, host_nonce: bytes) -> bytes:
        """The same answer to the same nonce, however often it comes."""
        if self._asked is None or self._asked[0] != host_nonce:
            keys = SessionKeys(self._key, host_nonce, self._draw(p.NONCE_BYTES))
            self._asked = host_nonce, p.encode(keys.challenge), keys.hub_end()
        return self._asked[1]

    def _refusal(self) -> list[bytes]:
        now_s = self._clock()
        if now_s - self._refused_s < REFUSE_S:
            return []
        self._refused_s = now_s
        return [p.encode(p.Refused(REFUSAL))]
