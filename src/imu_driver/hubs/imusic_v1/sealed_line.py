"""A line to a hub that has a key: what is read is checked, what is written is sealed; the session above knows nothing
of it.

Whoever reads this transport gets plain frames of version 1, and only those that the hub sealed in this session: that
is what a tap is told and what a recording holds, so that both are read without the key. A hub or a key that does not
fit is told of by a REFUSED frame, as a hub says it itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final

from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.protocol.seal import SEAL_REASONS, HostEnd, SealReason, SessionKeys
from imu_driver.transport import IsHub, SharedTransport, Transport

ASK_S: Final = 0.2
"""Between two AUTH_REQUESTs."""

NONCE_S: Final = 2.0
"""A nonce is asked with for this long; then another is drawn. Shorter than this must be the round trip."""

SILENT_S: Final = 0.25
"""A hub that answers nothing for this long may have booted: it is asked for a new session beside what is sent."""

PROBE_S: Final = 1.0
"""Between two AUTH_REQUESTs to somebody else who sends: who has the key, too, is told of."""

SAY_S: Final = 0.4
"""Between two REFUSED frames to the session above."""

FRAMES_LOOKED_AT: Final = 4
"""Of a datagram of a sender who is not known; a hub may put its answers into one."""

WHAT_TO_DO: Final = (
    "give both the same key (`imusic key FILE` makes one; docs/security.md), or find out who else sends from there"
)


class SealedLine:
    """A transport whose other end has to have the same key.

    Args:
        transport: to the hub.
        key: `seal.KEY_BYTES` bytes, which hub and host were given; never shown.
        clock: host monotonic time, s.
        draw: random bytes.

    Attributes:
        parser: of what came over the line.
        sessions: begun so far.
    """

    def __init__(
        self,
        transport: Transport,
        key: bytes,
        clock: Callable[[], float],
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        SessionKeys(key, b"", b"")  # its length is checked now
        self.parser = p.StreamParser()
        self.sessions = 0
        self._transport = transport
        self._key = key
        self._clock = clock
        self._draw = draw
        self._rejects: dict[SealReason, int] = dict.fromkeys(SEAL_REASONS, 0)
        self._last_reject = ""
        self._end: HostEnd | None = None
        self._older: HostEnd | None = None
        self._nonce: bytes | None = None
        self._drawn_s = float("-inf")
        self._begun: p.AuthChallenge | None = None
        self._begun_s = float("-inf")
        self._asked_s = float("-inf")
        self._said_s = float("-inf")
        self._verified_s = float("-inf")
        self._unanswered_s: float | None = None
        self._complaint = ""
        self._other_versions = 0
        self._shared = transport if isinstance(transport, SharedTransport) else None
        self._probe: bytes | None = None
        self._probed_s = float("-inf")

    @property
    def rival(self) -> str:
        """See `TellsRival`: who shows to have the key as well."""
        return self._shared.rival if self._shared is not None else ""

    @property
    def foreign(self) -> int:
        """Datagrams dropped because somebody else sent them."""
        return self._transport.foreign

    @property
    def datagrams(self) -> bool:
        """Of the transport below."""
        return self._transport.datagrams

    @property
    def description(self) -> str:
        """Where the hub is."""
        return self._transport.description

    @property
    def rejected(self) -> Mapping[str, int]:
        """Frames and packets that could not be used, by reason."""
        return {str(reason): count for reason, count in (*self.parser.rejects.items(), *self._rejects.items())}

    @property
    def last_reject(self) -> str:
        """The newest of them, for people."""
        return self._last_reject or str(self.parser.last_error or "")

    @property
    def received(self) -> int:
        """Bytes so far."""
        return self.parser.bytes

    def open(self, is_hub: IsHub | None = None) -> None:
        """Open; the hub is whoever shows that it has the key, whatever `is_hub` thinks. Raises `TransportError`."""
        if self._shared is not None:
            self._shared.is_rival = self._is_rival
        self._transport.open(self._has_key)
        self.parser.reset()
        self._end = self._older = self._nonce = None
        self._asked_s = self._said_s = self._verified_s = float("-inf")
        self._unanswered_s, self._complaint = None, ""

    def read(self, timeout_s: float) -> bytes:
        """Plain frames of what the hub sealed, or b""; raises `TransportError`."""
        data = self._transport.read(timeout_s)
        self._probe_others()
        frames: list[bytes] = []
        for packet in self.parser.feed(data) if data else ():
            self._take(packet, frames)
        self._look_at_version()
        if self._complaint:
            self._complain(frames)
        return b"".join(frames)

    def write(self, data: bytes) -> None:
        """Send a plain frame in its envelope; without a session ask for one. Raises `TransportError`."""
        now_s = self._clock()
        packet = p.decode(data)
        assert isinstance(packet, p.HostPacket)
        if self._end is None:
            request = self._request(now_s)
            # A hub without a key shows itself by its answer to HELLO_REQUEST; nothing is done with it but told.
            plain = data if isinstance(packet, p.HelloRequest) else b""
            if request or plain:
                self._transport.write(request + plain)
            return
        sealed = self._end.seal(packet)
        if self._unanswered_s is None:
            self._unanswered_s = now_s
        elif now_s - self._unanswered_s > SILENT_S:
            sealed += self._request(now_s)
        self._transport.write(sealed)

    def close(self) -> None:
        """Close; the session is over."""
        self._transport.close()
        self._end = self._older = self._nonce = None

    def refuse_hub(self) -> None:
        """See `RefusesHub`: it has the key, but another name; the session with it is over."""
        if self._shared is not None:
            self._shared.refuse_hub()
            self._end = self._older = self._nonce = None

    # The session

    def _request(self, now_s: float) -> bytes:
        """AUTH_REQUEST, if one is due; the nonce stays for a while, so that a slow answer is still one."""
        if now_s - self._asked_s < ASK_S:
            return b""
        self._asked_s = now_s
        if self._nonce is None or now_s - self._drawn_s > NONCE_S:
            self._nonce, self._drawn_s = self._draw(p.NONCE_BYTES), now_s
        return p.encode(p.AuthRequest(self._nonce))

    def _ask(self) -> None:
        request = self._request(self._clock())
        if request:
            self._transport.write(request)

    def _take(self, packet: p.Packet, frames: list[bytes]) -> None:
        if isinstance(packet, p.SealedByHub):
            self._open(packet, frames)
        elif isinstance(packet, p.AuthChallenge):
            self._begin(packet)
        elif isinstance(packet, p.Refused):
            self._ask()  # it has booted, or never heard of us
        elif isinstance(packet, p.Hello | p.Sample | p.Pong | p.Ack):
            self._reject("unsealed", f"a {type(packet).__name__} without a seal")
            if isinstance(packet, p.Hello):
                self._complaint = _unsealed(packet)
        else:
            self._reject("reflected", f"a packet of a host came back: {type(packet).__name__}")

    def _open(self, sealed: p.SealedByHub, frames: list[bytes]) -> None:
        if self._end is None:
            self._reject("no_session", "an envelope before the session began")
            self._ask()
            return
        try:
            found = self._end.open(sealed)
            if found == "bad_tag" and self._older is not None:
                found = self._older.open(sealed)  # sent before the hub knew of the new session
            elif not isinstance(found, str):
                self._older = None
        except p.ProtocolError as error:
            self.parser.rejects[error.reason] += 1
            self._last_reject = str(error)
            return
        if isinstance(found, str):
            self._reject(found, f"an envelope that is refused: {found}, counter {sealed.counter}")
            return
        self._verified_s, self._unanswered_s = self._clock(), None
        frames.append(p.encode(found))

    def _begin(self, challenge: p.AuthChallenge) -> None:
        keys = self._keys(challenge)
        if keys is None:
            return
        self._nonce = None
        self._begun, self._begun_s = challenge, self._clock()
        self.sessions += 1
        self._older, self._end = self._end, keys.host_end()
        # The hub takes the session for begun when it can open an envelope of ours.
        self._transport.write(self._end.seal(p.HelloRequest(0)))

    def _keys(self, challenge: p.AuthChallenge) -> SessionKeys | None:
        """Of a new session, if the challenge is the answer to our request and of a hub with the key."""
        if challenge == self._begun and self._clock() - self._begun_s < NONCE_S:
            return None  # a slow hub answers each of our requests, all of which had one nonce
        if challenge.host_nonce != self._nonce:
            self._reject("replayed", "an AUTH_CHALLENGE that nobody waits for")
            return None
        keys = SessionKeys(self._key, challenge.host_nonce, challenge.hub_nonce)
        if not keys.proves(challenge):
            self._reject("bad_tag", "an AUTH_CHALLENGE made with another key")
            self._complaint = f"the hub has another key than this driver: {WHAT_TO_DO}"
            return None
        return keys

    def _has_key(self, data: bytes) -> bool:
        """Whether a datagram of a sender who is not known shows that it has the key."""
        rest = data
        for _ in range(FRAMES_LOOKED_AT):
            packet = p.leading_packet(rest, p.AuthChallenge, p.SealedByHub, p.Hello)
            if isinstance(packet, p.AuthChallenge) and packet.host_nonce == self._nonce:
                if self._keys(packet) is not None:
                    return True
            elif isinstance(packet, p.SealedByHub):
                if self._end is not None and self._end.judged(packet) is None:
                    return True
            elif isinstance(packet, p.Hello):
                self._complaint = _unsealed(packet)
            rest = rest.lstrip(p.DELIMITER).partition(p.DELIMITER)[2]
            if not rest:
                break
        return False

    # Others who have the key

    def _probe_others(self) -> None:
        """Ask somebody else who sends for a proof, which begins nothing: a session begins with an envelope only."""
        now_s = self._clock()
        if self._shared is None or self._end is None or now_s - self._probed_s < PROBE_S:
            return
        self._probed_s, self._probe = now_s, self._draw(p.NONCE_BYTES)
        self._shared.ask_others(p.encode(p.AuthRequest(self._probe)))

    def _is_rival(self, data: bytes) -> bool:
        """Whether somebody else answers our question with the key, or the one that the hub in use has answered."""
        challenge = p.leading_packet(data, p.AuthChallenge)
        if not isinstance(challenge, p.AuthChallenge) or challenge == self._begun:
            return False
        asked = (self._probe, self._begun.host_nonce if self._begun is not None else None)
        if challenge.host_nonce not in asked:
            return False
        return SessionKeys(self._key, challenge.host_nonce, challenge.hub_nonce).proves(challenge)

    # What is told

    def _reject(self, reason: SealReason, message: str) -> None:
        self._rejects[reason] += 1
        self._last_reject = message

    def _look_at_version(self) -> None:
        seen, found = self.parser.rejects["wrong_version"], self.parser.found_version
        if seen != self._other_versions and found is not None:
            self._other_versions = seen
            self._complaint = str(p.wrong_version(p.VERSION, found))

    def _complain(self, frames: list[bytes]) -> None:
        """Tell the session why there is no hub, unless there is one."""
        now_s, complaint = self._clock(), self._complaint
        self._complaint = ""
        if now_s - self._verified_s > 1.0 and now_s - self._said_s >= SAY_S:
            self._said_s = now_s
            frames.append(p.encode(p.Refused(complaint)))


def _unsealed(hello: p.Hello) -> str:
    if hello.can_seal:
        return (
            "a key is set here (`key_file`), but the hub has none: give it this key, or set `key_file` to an empty "
            "text if this hub shall be trusted without"
        )
    return (
        "a key is set here (`key_file`), but the hub speaks protocol version 1.0, which knows none: update its "
        "firmware and give it this key, or set `key_file` to an empty text if this hub shall be trusted without"
    )
