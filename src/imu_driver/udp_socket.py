"""A bound UDP socket: opened, lost and closed alike, whoever is heard on it."""

from __future__ import annotations

import errno
import socket
from typing import Final

from imu_driver.transport import BusyError, DeniedError, LostError, NotFoundError, TransportError
from imu_driver.udp_addresses import Address

BUFFER_BYTES: Final = 4 << 20
"""Asked of the system for what waits to be read; it may grant less. Strangers fill it as well."""

MOST_FOREIGN: Final = 500
"""Datagrams of strangers that one `read` drops before it returns."""


class UdpSocket:
    """What transports by UDP have in common.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port to bind; 0 lets the system choose.

    Attributes:
        foreign: datagrams dropped, because of their sender for instance.
        unsent: datagrams that were not sent.
    """

    datagrams = True

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.foreign = 0
        self.unsent = 0
        self._socket: socket.socket | None = None

    @property
    def description(self) -> str:
        """Where it listens."""
        host, port = self.address
        return f"UDP {host}:{port}"

    @property
    def address(self) -> Address:
        """Bound address; the port is the system's choice once open."""
        if self._socket is None:
            return self.host, self.port
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def close(self) -> None:
        """Unbind."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _bound(self) -> socket.socket:
        """A new socket, which does not block; raises `TransportError`."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.bind((self.host, self.port))
        except OSError as error:
            bound.close()
            raise _opening_error(f"UDP {self.host}:{self.port}", error) from error
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        return bound

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LostError(f"{self.description} is not open")
        return self._socket

    def _lost(self, error: OSError) -> LostError:
        return LostError(f"lost {self.description} ({error}); check the network, it is picked up again by itself")


def _opening_error(where: str, error: OSError) -> TransportError:
    """Why a socket cannot be bound, and what to do; `where` is its address, for people."""
    if error.errno == errno.EADDRINUSE:
        return BusyError(f"{where}: another program holds the port; close it, or set another port in `udp`")
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return NotFoundError(
            f"{where}: expected 127.0.0.1, 0.0.0.0 or an address of this machine as host in `udp`, found another"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return DeniedError(f"{where}: permission denied; set a port above 1023 in `udp`")
    return TransportError(f"{where}: cannot be bound ({error})")
