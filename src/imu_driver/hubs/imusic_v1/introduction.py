"""What a stranger on a line says of itself, as far as it speaks protocol v1."""

from __future__ import annotations

from imu_driver.hubs.imusic_v1.handshake import printable
from imu_driver.hubs.imusic_v1.protocol import Ack, Hello, Pong, Refused, Sample, StreamParser


class Introduction:
    """Listens to one stranger.

    Attributes:
        speaks: whether it said something that only a hub says; noise passes no checksum.
        name: what it calls itself, None as long as it has not said so.
        refusal: why it says nothing more, as with a key that does not fit; empty: it did not refuse.
    """

    def __init__(self) -> None:
        self.speaks = False
        self.name: str | None = None
        self.refusal = ""
        self._parser = StreamParser()

    def hear(self, data: bytes) -> None:
        """Take in what it said."""
        for packet in self._parser.feed(data):
            if isinstance(packet, Hello):
                self.speaks, self.name = True, printable(packet.hub)
            elif isinstance(packet, Refused):
                self.speaks, self.refusal = True, printable(packet.message)
            elif isinstance(packet, Ack | Pong | Sample):
                self.speaks = True
