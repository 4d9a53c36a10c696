"""A hub on the network, by UDP."""

from __future__ import annotations

import errno
import socket
from typing import TypeAlias

from imu_driver.transport import BusyError, DeniedError, IsHub, LostError, NotFoundError, TransportError

Address: TypeAlias = tuple[str, int]

MAX_DATAGRAM = 65535


class UdpTransport:
    """Datagrams of whole frames, from one hub only.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port to bind; 0 lets the system choose.
        hub: address of the hub. None: the first sender that proves to be one, until opened anew; see `open`.

    Attributes:
        foreign: datagrams dropped because another sender sent them.
        unsent: writes dropped because no hub was known yet.
    """

    def __init__(self, host: str, port: int, hub: Address | None = None) -> None:
        self.host = host
        self.port = port
        self.foreign = 0
        self.unsent = 0
        self._told = hub
        self._hub: Address | None = None
        self._is_hub: IsHub | None = None
        self._socket: socket.socket | None = None
        self._timeout_s = 0.0

    @property
    def description(self) -> str:
        """Both ends."""
        host, port = self.address
        if self._hub is not None:
            return f"UDP {host}:{port} from the hub at {self._hub[0]}:{self._hub[1]}"
        if self._told is not None:
            return f"UDP {host}:{port} from the hub at {self._told[0]}:{self._told[1]}"
        return f"UDP {host}:{port}, no hub yet"

    @property
    def address(self) -> Address:
        """Bound address; the port is the system's choice once open."""
        if self._socket is None:
            return self.host, self.port
        host, port = self._socket.getsockname()
        return str(host), int(port)

    @property
    def hub(self) -> Address | None:
        """The only sender accepted, None while unknown."""
        return self._hub

    def open(self, is_hub: IsHub | None = None) -> None:
        """Bind.

        Args:
            is_hub: whether a datagram proves that its sender is the hub, asked while no hub is known; None: any does.

        Raises:
            NotFoundError, BusyError, DeniedError, TransportError: why not, and what to do.
        """
        self.close()
        # Resolved, because datagrams carry numbers, not names.
        self._hub = self._resolve(*self._told) if self._told else None
        self._is_hub = is_hub
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.bind((self.host, self.port))
        except OSError as error:
            opened.close()
            raise self._opening_error(error) from error
        self._timeout_s = 0.0
        opened.settimeout(0.0)
        self._socket = opened

    def read(self, timeout_s: float) -> bytes:
        """The next datagram of the hub; b"" after `timeout_s` or a datagram of somebody else. Raises `LostError`."""
        opened = self._opened()
        if timeout_s != self._timeout_s:
            opened.settimeout(timeout_s)
            self._timeout_s = timeout_s
        try:
            data, sender = opened.recvfrom(MAX_DATAGRAM)
        except (TimeoutError, BlockingIOError):
            return b""
        except ConnectionError:
            # Some systems report here that an earlier datagram of ours found nobody.
            return b""
        except OSError as error:
            raise self._lost(error) from error
        if sender == self._hub:
            return data
        if self._hub is None and (self._is_hub is None or self._is_hub(data)):
            self._hub = sender
            return data
        self.foreign += 1
        return b""

    def write(self, data: bytes) -> None:
        """Send to the hub, if it is known; raises `LostError`."""
        opened = self._opened()
        if self._hub is None:
            self.unsent += 1
            return
        try:
            opened.sendto(data, self._hub)
        except (BlockingIOError, TimeoutError, ConnectionError):
            # UDP promises nothing; the session repeats what is not acknowledged.
            self.unsent += 1
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Unbind and forget a learned hub."""
        opened, self._socket = self._socket, None
        self._hub = None
        if opened is not None:
            opened.close()

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LostError(f"{self.description} is not open")
        return self._socket

    def _lost(self, error: OSError) -> LostError:
        return LostError(f"lost {self.description} ({error}); check the network, it is picked up again by itself")

    def _opening_error(self, error: OSError) -> TransportError:
        where = f"UDP {self.host}:{self.port}"
        if error.errno == errno.EADDRINUSE:
            return BusyError(f"{where}: another program holds the port; close it, or set another port in `udp`")
        if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
            return NotFoundError(
                f"{where}: expected 127.0.0.1, 0.0.0.0 or an address of this machine as host in `udp`, found another"
            )
        if error.errno in (errno.EACCES, errno.EPERM):
            return DeniedError(f"{where}: permission denied; set a port above 1023 in `udp`")
        return TransportError(f"{where}: cannot be bound ({error})")

    @staticmethod
    def _resolve(host: str, port: int) -> Address:
        try:
            return socket.gethostbyname(host), port
        except OSError as error:
            raise NotFoundError(f"hub address {host}: cannot be resolved ({error}); set `hub_address`") from error


def parse_address(text: str) -> Address | None:
    """`host:port` to an address, an empty text to None.

    Raises:
        ValueError: neither.
    """
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"expected a hub address as host:port or an empty text, found {text!r}")
    return host, int(port)
