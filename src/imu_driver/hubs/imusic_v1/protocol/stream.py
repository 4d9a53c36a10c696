"""Bytes as they arrive to packets, whatever arrives."""

from __future__ import annotations

import zlib
from typing import Final

from cobs import cobs, cobsr

from imu_driver.hubs.imusic_v1.protocol.errors import REASONS, ProtocolError, Reason
from imu_driver.hubs.imusic_v1.protocol.line_noise import LEAST_FRAME, sieve
from imu_driver.hubs.imusic_v1.protocol.packets import MAX_FRAME, MAX_PACKET, VERSION, Packet, decode, is_known, parse

_DELIMITER: Final = b"\0"

_RESIDUE: Final = 0x2144DF1C
"""CRC-32 of bytes that end with their own CRC-32, whatever they are."""

_ONE_BLOCK: Final = 255
"""A shorter frame holds no COBS code 0xFF, so that its packet is one byte shorter than it."""

_DENSE: Final = 64
"""Delimiters from which a piece of line noise is worth sorting as a whole."""


class StreamParser:
    """Cuts a byte stream at the delimiters and decodes what lies between; works for either direction.

    It never raises on received bytes, keeps at most `MAX_FRAME` of them, and is back in step at the next delimiter.
    Empty frames are legal and not counted: a sender may begin with a delimiter to end what came before.
    What is rejected costs no exception and no message, so that noise takes no longer than packets.

    Attributes:
        packets: accepted so far.
        bytes: received so far.
        rejects: frames rejected so far, for every reason in `REASONS`.
        found_version: version of the newest intact packet of another version, None before the first.
    """

    def __init__(self) -> None:
        self.packets = 0
        self.bytes = 0
        self.rejects: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self.found_version: int | None = None
        self._newest: bytes | ProtocolError | None = None
        self._pending = bytearray()
        self._skipping = False

    @property
    def pending(self) -> int:
        """Bytes kept until their delimiter arrives."""
        return len(self._pending)

    @property
    def last_error(self) -> ProtocolError | None:
        """The newest reject, for people; of many that came at once, one of the newest."""
        newest = self._newest
        if not isinstance(newest, bytes):
            return newest
        try:
            decode(newest)
        except ProtocolError as error:
            return error
        return None

    def feed(self, data: bytes) -> list[Packet]:
        """Packets completed by `data`, in order."""
        self.bytes += len(data)
        first, last = data.find(_DELIMITER), data.rfind(_DELIMITER)
        accepted: list[Packet] = []
        if first >= 0:
            frames = [self._complete(data[:first])]
            if last > first:
                frames += self._cut(data[first + 1 : last])
            for frame in frames:
                if frame:
                    self._sort(frame, accepted)
            data = data[last + 1 :]
        self._keep(data)
        self.packets += len(accepted)
        return accepted

    def reset(self) -> None:
        """Forget a half-received frame, after the connection was opened anew; counters stay."""
        self._pending.clear()
        self._skipping = False

    def _complete(self, piece: bytes) -> bytes:
        """The frame that ends with `piece`; empty where there is none, or its begin was too long already."""
        if self._pending:
            self._pending += piece
            piece = bytes(self._pending)
            self._pending.clear()
        skipped, self._skipping = self._skipping, False
        return b"" if skipped else piece

    def _cut(self, data: bytes) -> list[bytes]:
        """Frames between delimiters; of those too short for a packet, none where there are very many."""
        count = data.count(_DELIMITER)
        if count < _DENSE or len(data) >= (LEAST_FRAME + 1) * count:
            return data.split(_DELIMITER)
        noise = sieve(data)
        self.rejects["bad_cobs"] += noise.bad_cobs
        self.rejects["short"] += noise.short
        self._newest = noise.newest or self._newest
        return noise.frames

    def _keep(self, rest: bytes) -> None:
        if self._skipping:
            return
        if len(self._pending) + len(rest) > MAX_FRAME:
            # Counted once; the rest up to the next delimiter belongs to the same frame.
            self._reject("oversize", _oversize(len(self._pending) + len(rest)))
            self._pending.clear()
            self._skipping = True
            return
        self._pending += rest

    def _sort(self, frame: bytes, accepted: list[Packet]) -> None:
        """Accept or count one frame; the checks are those of `packets.decode`, in its order."""
        size = len(frame)
        if size < _ONE_BLOCK:
            # COBS/R differs in one thing: a last code that points beyond the end is the last byte of the packet.
            raw = cobsr.decode(frame)
            if len(raw) == size:
                return self._reject("bad_cobs", frame)
            if size < LEAST_FRAME:
                return self._reject("short", frame)
        elif size > MAX_FRAME:
            return self._reject("oversize", _oversize(size))
        else:
            try:
                raw = cobs.decode(frame)
            except cobs.DecodeError:
                return self._reject("bad_cobs", frame)
            if len(raw) > MAX_PACKET:
                return self._reject("oversize", frame)
        if zlib.crc32(raw) != _RESIDUE:
            return self._reject("bad_crc", frame)
        if raw[0] != VERSION:
            self.found_version = raw[0]
            return self._reject("wrong_version", frame)
        if not is_known(raw[1]):
            return self._reject("unknown_type", frame)
        try:
            accepted.append(parse(raw))
        except ProtocolError as error:
            self._reject(error.reason, error)

    def _reject(self, reason: Reason, what: bytes | ProtocolError) -> None:
        self.rejects[reason] += 1
        self._newest = what


def _oversize(size: int) -> ProtocolError:
    return ProtocolError("oversize", f"expected a delimiter within {MAX_FRAME} bytes, found none in {size}")
