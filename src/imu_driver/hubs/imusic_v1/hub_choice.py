"""Which hub a session takes: by its name, and once one was met, by who it is."""

from __future__ import annotations

from imu_driver.hubs.imusic_v1.handshake import printable
from imu_driver.hubs.imusic_v1.protocol import Hello, Refused, leading_packet


class HubChoice:
    """Of one session.

    Args:
        name: of the only hub that is used; empty: any.

    Attributes:
        name: as given.
        met: whether a hub was met since the transport was opened.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.met = False

    def is_hub(self, data: bytes, known: Hello | None) -> bool:
        """Whether a datagram is a HELLO, and of the same hub if one was met since the transport was opened.

        A hub that asks for a key is heard as well, as long as none is met, so that it can be told what is missing.

        Args:
            data: the datagram.
            known: HELLO of the hub in use.
        """
        found = leading_packet(data, Hello, Refused)
        if isinstance(found, Refused):
            return not self.met
        if not isinstance(found, Hello):
            return False
        if self.name and found.hub != self.name:
            return False
        if known is None or not self.met:
            return True
        # Another boot of it is another session, but the same hub; its address may be new because it booted.
        return (found.hub, found.firmware, found.sensors) == (known.hub, known.firmware, known.sensors)

    def is_rival(self, data: bytes, known: Hello | None) -> bool:
        """Whether a datagram of somebody else is a HELLO by the name of the hub in use."""
        found = leading_packet(data, Hello)
        return known is not None and isinstance(found, Hello) and found.hub == known.hub

    def refusal(self, hello: Hello) -> str:
        """Why a hub is not the one that is wanted, and what to do; empty: it may be."""
        if not self.name or hello.hub == self.name:
            return ""
        return (
            f"expected the hub {self.name!r}, found {printable(hello.hub)!r}: set `hub_id` to that name, or empty "
            "for any hub, or plug the other hub in here"
        )
