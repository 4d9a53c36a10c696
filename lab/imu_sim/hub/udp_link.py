"""The hub on the network."""

from __future__ import annotations

import socket

from imu_sim.errors import SimulatorConfigError

_DATAGRAM = 1400
"""Frames are packed into datagrams up to this size, as the protocol asks."""


class UdpLink:
    """Datagrams of whole frames to one host.

    Args:
        host: name or address of the driver.
        port: UDP port the driver listens on.

    Attributes:
        dropped: datagrams the system would not take.
        foreign: datagrams ignored because another sender sent them.
        plugged: whether anything passes.

    Raises:
        SimulatorConfigError: the address cannot be resolved.
    """

    def __init__(self, host: str, port: int) -> None:
        self.dropped = 0
        self.foreign = 0
        self.plugged = True
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except (OSError, OverflowError) as error:
            raise SimulatorConfigError(f"expected --udp HOST:PORT, found {host}:{port} ({error})") from error
        self._to = address
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)

    @property
    def path(self) -> str:
        """Where datagrams go."""
        host, port = str(self._to[0]), int(self._to[1])
        return f"udp://{host}:{port}"

    @property
    def fileno(self) -> int | None:
        """Descriptor to wait on."""
        return self._socket.fileno()

    def plug(self) -> None:
        """Let datagrams pass again."""
        self.plugged = True

    def unplug(self) -> None:
        """Let no datagram pass either way, as where Wi-Fi is lost."""
        self.plugged = False

    def read(self) -> bytes:
        """What the host sent, empty if nothing."""
        parts: list[bytes] = []
        while True:
            try:
                data, sender = self._socket.recvfrom(65535)
            except BlockingIOError:
                return b"".join(parts)
            except ConnectionRefusedError:
                # The system tells that an earlier datagram found nobody: the driver is not up yet.
                continue
            if not self.plugged:
                continue
            if sender[:2] == self._to[:2]:
                parts.append(data)
            else:
                self.foreign += 1

    def write(self, frames: list[bytes]) -> None:
        """Send frames, several to a datagram where they fit."""
        if not self.plugged:
            return
        pending = b""
        for frame in frames:
            if pending and len(pending) + len(frame) > _DATAGRAM:
                self._send(pending)
                pending = b""
            pending += frame
        if pending:
            self._send(pending)

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._to)
        except OSError:
            # Buffer full, nobody there, network down: a real hub keeps sending and nothing arrives.
            self.dropped += 1

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
