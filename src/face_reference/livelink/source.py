"""Live Link Face as a source: packets in, frames out, several phones told apart."""

from __future__ import annotations

from collections import Counter

import numpy as np

from face_model import arkit
from face_model.livelink_packet import PORT, Packet, PacketError, decode, head_orientation
from face_reference.datagrams import DatagramReader
from face_reference.frame import ReferenceFrame
from face_reference.names import printable

MOST_PHONES = 16
"""Phones that are told apart; those beyond are refused, as forged ids must not fill memory."""

_SILENT_S = 3.0
"""The phone that is followed may be given up for another one after this silence."""


class LiveLinkSource:
    """Listens for Live Link Face packets.

    Args:
        listen: host and port to bind; 127.0.0.1 hears this machine only.
        senders: who may send; empty: whoever reaches that address.
        phone: device id or subject name of the only phone to follow; empty: the first one heard, until it is silent.
        kind: how frames name the source.
    """

    def __init__(
        self,
        listen: tuple[str, int] = ("127.0.0.1", PORT),
        senders: tuple[str, ...] = (),
        phone: str = "",
        kind: str = "livelink",
    ) -> None:
        self._reader = DatagramReader(*listen, senders)
        self.rejected: Counter[str] = self._reader.rejected
        self._wanted = phone
        self._kind = kind
        self._followed = ""
        self._heard_s = 0.0
        self.phones: dict[str, str] = {}
        self._count = 0

    @property
    def description(self) -> str:
        """Where it listens and whom it follows."""
        host, port = self._reader.address
        whom = self.phones.get(self._followed, self._wanted or "no phone yet")
        return f"{self._kind} on UDP {host}:{port}, {whom}"

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._reader.address

    @property
    def problem(self) -> str:
        """Why nothing can come."""
        return self._reader.problem

    def open(self) -> None:
        """Bind; raises `SourceError`."""
        self._followed, self.phones, self._count = "", {}, 0
        self._reader.open()

    def read(self, timeout_s: float) -> list[ReferenceFrame]:
        """Frames of the followed phone."""
        frames = []
        for data, _sender, arrival_s in self._reader.read(timeout_s):
            try:
                packet = decode(data)
            except PacketError as error:
                self.rejected[str(error)] += 1
                continue
            if self._follows(packet, arrival_s):
                self._count += 1
                frames.append(self._frame(packet, arrival_s))
        return frames

    def close(self) -> None:
        """Unbind."""
        self._reader.close()

    def _follows(self, packet: Packet, now_s: float) -> bool:
        name = printable(packet.subject)
        if packet.device not in self.phones:
            if len(self.phones) >= MOST_PHONES:
                self.rejected["too many phones"] += 1
                return False
            self.phones[packet.device] = name
        if self._wanted and self._wanted not in (packet.device, packet.subject):
            self.rejected["another phone"] += 1
            return False
        if packet.device != self._followed:
            if self._followed and now_s - self._heard_s < _SILENT_S:
                self.rejected["another phone"] += 1
                return False
            self._followed = packet.device
        self._heard_s = now_s
        self.phones[packet.device] = name
        return True

    def _frame(self, packet: Packet, arrival_s: float) -> ReferenceFrame:
        source = f"{self._kind} {self.phones[packet.device]}"
        if packet.values is None:
            return ReferenceFrame(source, arrival_s, self._count)
        head = None
        angles = packet.head_angles
        if any(angles):  # the app sends zeros where it is told to leave the head out
            x, y, z, w = (float(part) for part in head_orientation(*angles))
            head = (x, y, z, w)
        return ReferenceFrame(
            source,
            arrival_s,
            packet.frame,
            packet.time_s,
            True,
            np.clip(packet.weights, 0.0, 1.0),
            np.ones(arkit.COUNT, dtype=np.bool_),
            head=head,
        )
