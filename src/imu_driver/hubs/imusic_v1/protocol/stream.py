"""Bytes as they arrive to packets, whatever arrives."""

from __future__ import annotations

from imu_driver.hubs.imusic_v1.protocol.errors import REASONS, ProtocolError, Reason
from imu_driver.hubs.imusic_v1.protocol.packets import MAX_FRAME, Packet, decode


class StreamParser:
    """Cuts a byte stream at the delimiters and decodes what lies between; works for either direction.

    It never raises on received bytes, keeps at most `MAX_FRAME` of them, and is back in step at the next delimiter.
    Empty frames are legal and not counted: a sender may begin with a delimiter to end what came before.

    Attributes:
        packets: accepted so far.
        bytes: received so far.
        rejects: frames rejected so far, for every reason in `REASONS`.
        last_error: the newest reject, for people.
        found_version: version of the newest intact packet of another version, None before the first.
    """

    def __init__(self) -> None:
        self.packets = 0
        self.bytes = 0
        self.rejects: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self.last_error: ProtocolError | None = None
        self.found_version: int | None = None
        self._pending = bytearray()
        self._skipping = False

    @property
    def pending(self) -> int:
        """Bytes kept until their delimiter arrives."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Packet]:
        """Packets completed by `data`, in order."""
        self.bytes += len(data)
        *complete, rest = data.split(b"\0")
        accepted: list[Packet] = []
        for piece in complete:
            frame = self._complete(piece)
            if frame:
                self._accept(frame, accepted)
        self._keep(rest)
        return accepted

    def reset(self) -> None:
        """Forget a half-received frame, after the connection was opened anew; counters stay."""
        self._pending.clear()
        self._skipping = False

    def _complete(self, piece: bytes) -> bytes:
        """The frame that ends with `piece`; empty where there is none or it is too long."""
        if self._pending:
            self._pending += piece
            piece = bytes(self._pending)
            self._pending.clear()
        skipped, self._skipping = self._skipping, False
        if skipped:
            return b""
        if len(piece) > MAX_FRAME:
            self._reject(_oversize(len(piece)))
            return b""
        return piece

    def _keep(self, rest: bytes) -> None:
        if self._skipping:
            return
        if len(self._pending) + len(rest) > MAX_FRAME:
            # Counted once; the rest up to the next delimiter belongs to the same frame.
            self._reject(_oversize(len(self._pending) + len(rest)))
            self._pending.clear()
            self._skipping = True
            return
        self._pending += rest

    def _accept(self, frame: bytes, accepted: list[Packet]) -> None:
        try:
            packet = decode(frame)
        except ProtocolError as error:
            self._reject(error)
            return
        self.packets += 1
        accepted.append(packet)

    def _reject(self, error: ProtocolError) -> None:
        self.rejects[error.reason] += 1
        self.last_error = error
        if error.found_version is not None:
            self.found_version = error.found_version


def _oversize(size: int) -> ProtocolError:
    return ProtocolError("oversize", f"expected a delimiter within {MAX_FRAME} bytes, found none in {size}")
