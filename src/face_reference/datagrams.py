"""Datagrams of a reference: a UDP socket that hears this machine only unless told otherwise, and only whom it may.

As `imu_driver.udp` does for hubs, whose talk is two-way; the rooms do not know each other.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from collections import Counter
from typing import Final

from face_reference.errors import SourceError

MAX_DATAGRAM: Final = 65535
BUFFER_BYTES: Final = 1 << 20
"""Asked of the system for what waits to be read; strangers fill it as well."""

MOST_AT_ONCE: Final = 256
"""Datagrams that one `read` looks at before it returns: a flood must not keep its caller."""

FOREIGN: Final = "sender not allowed"


class DatagramReader:
    """Receives datagrams of allowed senders.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port; 0 lets the system choose.
        senders: numbers of the machines that may send, e.g. 192.168.1.7, or networks, 192.168.1.0/24; empty: whoever
            reaches the bound address.

    Attributes:
        rejected: datagrams of others, under the reason `FOREIGN`.

    Raises:
        SourceError: a sender is no address.
    """

    def __init__(self, host: str, port: int, senders: tuple[str, ...] = ()) -> None:
        self.rejected: Counter[str] = Counter()
        self._host, self._port = host, port
        self._allowed = tuple(_network(sender) for sender in senders)
        self._known: dict[str, bool] = {}
        self._socket: socket.socket | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the system's choice once open."""
        if self._socket is None:
            return self._host, self._port
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    @property
    def problem(self) -> str:
        """Why nothing can come; empty while it is open."""
        host, port = self.address
        return "" if self._socket is not None else f"UDP {host}:{port} is not open"

    def open(self) -> None:
        """Bind.

        Raises:
            SourceError: the address cannot be bound.
        """
        self.close()
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.bind((self._host, self._port))
        except (OSError, OverflowError) as error:
            opened.close()
            raise SourceError(_why(self._host, self._port, error)) from error
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket = opened

    def read(self, timeout_s: float) -> list[tuple[bytes, str, float]]:
        """Datagrams that have come, each with its sender's address and its arrival on the monotonic clock, s.

        Waits `timeout_s` for the first.
        """
        found: list[tuple[bytes, str, float]] = []
        opened = self._socket
        if opened is None:
            return found
        end_s = time.monotonic() + timeout_s
        for _ in range(MOST_AT_ONCE):
            opened.settimeout(0.0 if found else max(0.0, end_s - time.monotonic()))
            try:
                data, sender = opened.recvfrom(MAX_DATAGRAM)
            except (TimeoutError, BlockingIOError):
                break
            except OSError:
                # The network went, or the socket was closed meanwhile: whoever reads looks again.
                break
            if self._may(str(sender[0])):
                found.append((data, str(sender[0]), time.monotonic()))
            else:
                self.rejected[FOREIGN] += 1
        return found

    def close(self) -> None:
        """Unbind."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _may(self, sender: str) -> bool:
        if not self._allowed:
            return True
        known = self._known.get(sender)
        if known is None:
            if len(self._known) > 1000:  # forged senders must not fill memory
                self._known.clear()
            address = ipaddress.ip_address(sender)
            known = self._known[sender] = any(address in network for network in self._allowed)
        return known


def parse_listen(text: str) -> tuple[str, int]:
    """`HOST:PORT` to an address.

    Raises:
        SourceError: it is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not port.isascii() or not 0 <= int(port) < 65536:
        raise SourceError(f"expected an address to listen on as HOST:PORT, found {text!r}; give 0.0.0.0:11111, say")
    return host, int(port)


def _network(sender: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(sender.strip(), strict=False)
    except ValueError as error:
        raise SourceError(
            f"senders: expected addresses such as 192.168.1.7 or networks such as 192.168.1.0/24, found {sender!r}; "
            "correct it"
        ) from error


def _why(host: str, port: int, error: OSError | OverflowError) -> str:
    where = f"UDP {host}:{port}"
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"{where}: another program holds the port; close it, or listen on another port and tell the phone"
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{where}: expected 127.0.0.1, 0.0.0.0 or an address of this machine, found another; correct `listen`"
    if number in (errno.EACCES, errno.EPERM):
        return f"{where}: permission denied; listen on a port above 1023"
    return f"{where}: cannot be bound ({error})"
